/** What a client may compare (RFC 9110, 8.8): tags and times, and the conditions it sends with them. */
import { hashOf } from '../../core/catalogue/hashes.ts'
import type { LocatedRow } from '../../core/catalogue/paths.ts'
import { type Check, located } from '../../core/filesystem/expected.ts'
import { HttpError } from '../errors.ts'

/** Those that a change may have. */
const CONDITIONS = ['if-match', 'if-none-match', 'if-unmodified-since']

export interface Validators {
	etag: string
	modified: Date
}

export type Headers = Readonly<Record<string, string | string[] | undefined>>

/** The hash of the content where it is known, else which version of which file it is; weak while somebody writes to it. */
export function validatorsOf(row: LocatedRow): Validators {
	return { etag: tagOf(row), modified: new Date(row.mtime * 1000) }
}

function tagOf(row: LocatedRow): string {
	const { id, version, size, mtime, mtime_ns } = row
	if (row.written) return `W/"${id}.${version}.${size}.${mtime}.${mtime_ns}"`
	return row.tag ?? hashTag(row) ?? versionTag(row)
}

function hashTag(row: LocatedRow): string | undefined {
	const hash = hashOf(row)
	return hash && `"${hash.toString('hex')}"`
}

/** Of content that is not being written: the same before and after its hash is known. */
export function versionTag({ id, version }: Pick<LocatedRow, 'id' | 'version'>): string {
	return `"${id}.${version}"`
}

/**
 * 304 or 412 where the conditions say so, in the order of RFC 9110, 13.2.2. `row` is undefined where nothing is there. A tag
 * that was given out before the hash was known holds still.
 */
export function judge(method: string, headers: Headers, row: LocatedRow | undefined): 304 | 412 | undefined {
	const ifMatch = list(headers['if-match'])
	if (ifMatch !== undefined) {
		if (!matches(ifMatch, row, true)) return 412
	} else if (row && isAfter(row, time(headers['if-unmodified-since']))) return 412
	const ifNoneMatch = list(headers['if-none-match'])
	const isRead = method === 'GET' || method === 'HEAD'
	if (ifNoneMatch !== undefined) return matches(ifNoneMatch, row, false) ? (isRead ? 304 : 412) : undefined
	const since = time(headers['if-modified-since'])
	return isRead && row && since !== undefined && !isAfter(row, since) ? 304 : undefined
}

/** The same where only a refusal can come of it. */
export function require(headers: Headers, row: LocatedRow | undefined): void {
	if (judge('PUT', headers, row) === 412) throw new HttpError(412, 'it is not as the conditions of the request want it')
}

/** Those of a change that a request has. */
export function conditionsIn(headers: Headers): Headers {
	return Object.fromEntries(CONDITIONS.filter((name) => headers[name] !== undefined).map((name) => [name, headers[name]]))
}

/** The same as a check in a transaction; undefined where the request has no condition. `tagged`: with the tag that a dialect gives it. */
export function conditionOf(headers: Headers, tagged = (row: LocatedRow) => row): Check | undefined {
	if (!CONDITIONS.some((name) => headers[name] !== undefined)) return undefined
	return function* (tx, current) {
		const row = yield* located(tx, current)
		require(headers, row && tagged(row))
	}
}

/** Whether ranges of it may be sent: those asked for are of what is there now. */
export function rangesHold(headers: Headers, row: LocatedRow): boolean {
	const condition = list(headers['if-range'])
	if (condition === undefined) return true
	// A date says nothing: in its second there may have been other content, and who writes in a mount sets it as he likes (RFC 9110, 8.8.2.2).
	return condition.includes('"') && matches(condition, row, true)
}

export function matches(tags: string, row: LocatedRow | undefined, strongly: boolean): boolean {
	if (!row) return false
	if (tags.trim() === '*') return true
	// A dialect that has tags of its own takes those of the others as well.
	const own = [tagOf(row), hashTag(row), versionTag(row)]
	for (const [tag] of tags.matchAll(/(?:W\/)?"[^"]*"/g)) {
		if (strongly ? !tag.startsWith('W/') && !row.written && own.includes(tag) : own.some((each) => each !== undefined && bare(each) === bare(tag))) return true
	}
	return false
}

function bare(tag: string): string {
	return tag.replace(/^W\//, '')
}

function isAfter(row: LocatedRow, ms: number | undefined): boolean {
	return ms !== undefined && row.mtime * 1000 > ms
}

/** Undefined of what is no date: such a condition is as if it were not there. The oldest form says no zone, and means that of the others (RFC 9110, 5.6.7). */
function time(value: string | string[] | undefined): number | undefined {
	if (typeof value !== 'string' || !/GMT|UTC|^\w{3} \w{3}/.test(value)) return undefined
	const ms = Date.parse(/GMT|UTC/.test(value) ? value : `${value} GMT`)
	return Number.isNaN(ms) ? undefined : ms
}

function list(value: string | string[] | undefined): string | undefined {
	return Array.isArray(value) ? value.join(', ') : value
}
