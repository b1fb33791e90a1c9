/**
 * Follows what happens to the tree, so that each file that changed, or is below a directory that moved, is reviewed; and goes through the whole
 * tree when sites or classes changed, once a day otherwise, for whatever the journal did not tell. One process at a time does it.
 */
import type { ChangeRow } from '../catalogue/changes.ts'
import * as changes from '../catalogue/changes.ts'
import * as backups from '../catalogue/backups.ts'
import * as notices from '../catalogue/backup-notices.ts'
import type { Transaction, Capabilities, Reader } from '../catalogue/driver.ts'
import type { ChildRow } from '../catalogue/entries.ts'
import * as entries from '../catalogue/entries.ts'
import { KIND } from '../catalogue/files.ts'
import * as holdings from '../catalogue/holdings.ts'
import * as settings from '../catalogue/settings.ts'
import * as records from '../catalogue/site-records.ts'
import * as sites from '../catalogue/sites.ts'
import { takeLease } from '../filesystem/clients.ts'
import type { Filesystem } from '../filesystem/filesystem.ts'
import type { FileId } from '../ids.ts'
import { run } from '../op.ts'
import { reviewAll } from './review.ts'
import { dropForgotten } from './upload.ts'

const LEASE = 'offsite'
const LEASE_SECONDS = 30
const ROWS_AT_ONCE = 2_000
const FILES_AT_ONCE = 1_024
const PASS_EVERY_SECONDS = 86_400
/** On a database with many writers a change may become visible after one with a higher number, but not later than this. */
const VISIBLE_AFTER_SECONDS = 15

const SEQ = 'offsite_seq'
/** The last file a pass over the tree has dealt with; '' when none is under way. */
const PASS = 'offsite_pass'
const PASSED = 'offsite_passed'
/** There is another pass to be made when the one that is under way is over: begun anew each time it might never be. */
const AGAIN = 'offsite_again'

const CHANGES_CONTENT = new Set(['create', 'publish', 'unlink', 'rename', 'link', 'exchange'])
/** Of a directory that has more below it the whole tree is gone through. */
const BELOW_MAX = 10_000
const DIRECTORIES_AT_ONCE = 64
const PRUNE_EVERY_MS = 600_000

export interface Feeder {
	/** What this process has seen above the number that is written down. */
	seen: Set<number>
	/** When nothing was left that is too old to be kept. */
	prunedMs: number
}

export function createFeeder(): Feeder {
	return { seen: new Set(), prunedMs: Number.NEGATIVE_INFINITY }
}

/** Sites or what they take have changed: every file is to be looked at. */
export function askForPass(tx: Transaction, capabilities: Capabilities): void {
	settings.set(tx, AGAIN, '1', capabilities)
}

/** One round: true when there is more to do at once. */
export async function feed(fs: Filesystem, feeder: Feeder): Promise<boolean> {
	if (!(await isForAnybody(fs))) return false
	if (!(await run(takeLease(fs, LEASE, LEASE_SECONDS)))) return false
	const more = await followJournal(fs, feeder)
	await prune(fs, feeder)
	return (await passOn(fs)) || more
}

/** Whoever is the first site has a pass made, so until then nothing is looked at. */
async function isForAnybody({ catalogue }: Filesystem): Promise<boolean> {
	return (await catalogue.read(sites.anyQuery(), backups.anyQuery())).some((rows) => rows.length > 0)
}

/** A part in each round, until all is gone. */
async function prune(fs: Filesystem, feeder: Feeder): Promise<void> {
	if (performance.now() - feeder.prunedMs < PRUNE_EVERY_MS) return
	await run(dropForgotten(fs))
	if (!(await records.prune(fs.catalogue))) feeder.prunedMs = performance.now()
}

type JournalRow = ChangeRow & { age: number }

async function followJournal(fs: Filesystem, { seen }: Feeder): Promise<boolean> {
	const { catalogue, capabilities } = fs
	const from = await numberOf(catalogue, SEQ)
	if (from === undefined) return await begin(fs)
	const rows: JournalRow[] = await changes.withAge(catalogue, from, ROWS_AT_ONCE, capabilities)
	const fresh = rows.filter((row) => !seen.has(row.seq))
	const below = await allBelow(catalogue, fresh.flatMap((row) => (row.op === 'renamedir' && row.file_id !== null ? [row.file_id] : [])))
	await reviewAll(fs, [...fresh.flatMap((row) => (CHANGES_CONTENT.has(row.op) && row.file_id !== null ? [row.file_id] : [])), ...(below ?? [])])
	for (const row of fresh) seen.add(row.seq)
	const isRipe = (row: JournalRow) => capabilities.synchronous || row.age >= VISIBLE_AFTER_SECONDS || rows.length === ROWS_AT_ONCE
	const last = rows.findLast(isRipe)?.seq
	await catalogue.transaction(function* (tx) {
		if (last !== undefined) settings.set(tx, SEQ, String(last), capabilities)
		if (!below || fresh.some((row) => row.op === 'class')) askForPass(tx, capabilities)
	})
	for (const seq of seen) if (last !== undefined && seq <= last) seen.delete(seq)
	return rows.length === ROWS_AT_ONCE
}

/** The files below these directories; undefined where they are too many. */
async function allBelow(reader: Reader, directories: readonly FileId[]): Promise<FileId[] | undefined> {
	const files: FileId[] = []
	let seen = 0
	for (const left = [...new Set(directories)]; left.length > 0; ) {
		const [rows] = (await reader.read(entries.listTogetherQuery(left.splice(-DIRECTORIES_AT_ONCE), BELOW_MAX))) as [ChildRow[]]
		seen += rows.length
		if (seen >= BELOW_MAX) return undefined
		for (const { id, kind } of rows) (kind === KIND.directory ? left : files).push(id)
	}
	return files
}

/** From what is there now on; what was there before is found by a pass. */
async function begin({ catalogue, capabilities }: Filesystem): Promise<boolean> {
	const last = await changes.last(catalogue)
	await catalogue.transaction(function* (tx) {
		settings.set(tx, SEQ, String(last?.seq ?? 0), capabilities)
		askForPass(tx, capabilities)
	})
	return true
}

async function passOn(fs: Filesystem): Promise<boolean> {
	const { catalogue, capabilities } = fs
	const after = await numberOf(catalogue, PASS)
	if (after === undefined) return await beginIfDue(fs)
	const page = await holdings.page(catalogue, after, FILES_AT_ONCE)
	const last = page.at(-1)?.id ?? Number.MAX_SAFE_INTEGER
	const held = await backups.idsBetween(catalogue, after, last)
	await reviewAll(fs, [...page.map(({ id }) => id), ...held.map((row) => row.file_id)] as FileId[])
	const isOver = page.length < FILES_AT_ONCE
	await catalogue.transaction(function* (tx) {
		// Not where another process has gone on meanwhile.
		settings.change(tx, PASS, String(after), isOver ? '' : String(last))
		if (isOver) settings.set(tx, PASSED, String(Math.floor(Date.now() / 1000)), capabilities)
	})
	return true
}

/** True when a pass was begun. */
async function beginIfDue({ catalogue, capabilities }: Filesystem): Promise<boolean> {
	const passed = (await numberOf(catalogue, PASSED)) ?? 0
	const isDue = Date.now() / 1000 - passed >= PASS_EVERY_SECONDS
	if (!isDue && (await settings.find(catalogue, AGAIN)) === undefined) return false
	await notices.removeMoved(catalogue)
	await catalogue.transaction(function* (tx) {
		settings.remove(tx, AGAIN)
		settings.set(tx, PASS, '0', capabilities)
	})
	return true
}

async function numberOf(reader: Reader, name: string): Promise<number | undefined> {
	const row = await settings.find(reader, name)
	return row === undefined || row.value === '' ? undefined : Number(row.value)
}
