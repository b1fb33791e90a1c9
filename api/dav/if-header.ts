/** The `If` header (RFC 4918, 10.4): which locks a client says it holds, and which tags it believes in. */
import type { FastifyRequest } from 'fastify'
import type { DavLock } from '../../core/catalogue/dav-locks.ts'
import type { Reader } from '../../core/catalogue/driver.ts'
import type { LocatedRow } from '../../core/catalogue/paths.ts'
import { codeOf } from '../../core/errors.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { resolve } from '../../core/filesystem/resolve.ts'
import type { Path } from '../../core/ids.ts'
import type { Op } from '../../core/op.ts'
import { mayReach } from '../access/access.ts'
import { pathIn } from '../content/paths.ts'
import { matches } from '../content/validators.ts'
import { HttpError } from '../errors.ts'
import { pathOfAddress } from './address.ts'
import { covers } from './covers.ts'

interface Condition {
	not: boolean
	/** A lock, or a tag. */
	token?: string
	etag?: string
}

interface List {
	/** Undefined: of what the request is about. */
	address: string | undefined
	conditions: Condition[]
}

/** Each may ask the catalogue once. */
const LISTS_MAX = 1_000
const TOKEN = /\s*(?:<([^>]*)>|(\()|(\))|(Not)\b|\[((?:W\/)?"[^"]*")\])/iy

function parse(header: string): List[] {
	const lists: List[] = []
	let address: string | undefined
	let inside = false
	let not = false
	for (TOKEN.lastIndex = 0; TOKEN.lastIndex < header.trimEnd().length; ) {
		const match = TOKEN.exec(header)
		if (!match) throw wrong()
		const [, angled, opened, closed, negated, etag] = match
		if (opened && !inside) {
			if (lists.push({ address, conditions: [] }) > LISTS_MAX) throw wrong()
			inside = true
		} else if (closed && inside) inside = false
		else if (negated && inside) not = true
		else if (angled !== undefined && !inside) address = angled
		else if ((angled !== undefined || etag !== undefined) && inside) {
			lists[lists.length - 1].conditions.push({ not, token: angled, etag })
			not = false
		} else throw wrong()
	}
	if (inside || lists.length === 0) throw wrong()
	return lists
}

function wrong(): HttpError {
	return new HttpError(400, 'the If header cannot be read')
}

function headerOf({ headers }: Pick<FastifyRequest, 'headers'>): string | undefined {
	return typeof headers.if === 'string' ? headers.if : undefined
}

/** All that are named, with whatever condition. */
export function tokensIn(request: FastifyRequest): Set<string> {
	const header = headerOf(request)
	if (header === undefined) return new Set()
	return new Set(parse(header).flatMap(({ conditions }) => conditions.flatMap(({ token }) => token ?? [])))
}

/** 412 unless one of the lists holds whole. */
export function* conditionsOf(request: FastifyRequest, fs: Filesystem, locks: readonly DavLock[], reader: Reader): Op<void> {
	const header = headerOf(request)
	if (header === undefined) return
	for (const list of parse(header)) if (yield* holds(list, request, fs, { locks, reader })) return
	throw new HttpError(412, 'what the If header says does not hold')
}

function* holds({ address, conditions }: List, request: FastifyRequest, fs: Filesystem, { locks, reader }: { locks: readonly DavLock[]; reader: Reader }): Op<boolean> {
	const path = address === undefined ? pathIn(request.originalUrl) : pathOfAddress(address)
	if (path === undefined) return false
	// What is said of another resource says whether it is so.
	if (address !== undefined) mayReach(request, path, 'read')
	const { real, row } = yield* stateOf(fs, path, reader)
	if (address !== undefined) mayReach(request, real, 'read')
	return conditions.every(({ not, token, etag = '' }) => {
		const is = token === undefined ? matches(etag, row, false) : locks.some((lock) => lock.token === token && covers(lock, real))
		return is !== not
	})
}

function* stateOf(fs: Filesystem, path: Path, reader: Reader): Op<{ real: Path; row: LocatedRow | undefined }> {
	try {
		const { path: real, row } = yield* resolve(fs, path, { reader })
		return { real, row }
	} catch (error) {
		if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw error
		return { real: path, row: undefined }
	}
}
