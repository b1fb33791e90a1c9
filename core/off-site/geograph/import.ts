/** Takes the old database into a catalogue, a page in a transaction together with how far it came: killed, it goes on from there. */
import type { BackupRow } from '../../catalogue/backups.ts'
import * as backups from '../../catalogue/backups.ts'
import { BACKUP } from '../../catalogue/backups.ts'
import * as classTable from '../../catalogue/classes.ts'
import type { ClassRow } from '../../catalogue/classes.ts'
import type { Transaction } from '../../catalogue/driver.ts'
import * as entries from '../../catalogue/entries.ts'
import { FLAG_HAS_XATTRS, KIND, type FileRow } from '../../catalogue/files.ts'
import * as jobs from '../../catalogue/jobs.ts'
import { REPLICA } from '../../catalogue/replicas.ts'
import type { NewReplica, NewRow } from '../../catalogue/walks.ts'
import * as walks from '../../catalogue/walks.ts'
import * as xattrs from '../../catalogue/xattrs.ts'
import { codeOf } from '../../errors.ts'
import { joinPath } from '../../filesystem/directories.ts'
import { type Filesystem, transact } from '../../filesystem/filesystem.ts'
import type { FileId } from '../../ids.ts'
import { type Op, run, wait } from '../../op.ts'
import { classOf } from '../../placement/placement.ts'
import { addLinks, createDirectories, type Directories, type Owner } from './directories.ts'
import { below, judge, type Known, namesOf, type Reason, type Taken } from './judge.ts'
import type { OldDatabase, OldFile } from './old-rows.ts'

const JOB = 'import:geograph'
const ROWS_AT_ONCE = 2_000
const IDS_AT_ONCE = 1_000
const MODE = 0o644
const MD5 = Buffer.from('user.md5')

export interface Account {
	files: number
	directories: number
	copies: number
	offSite: number
	left: Record<string, number>
	/** Names in the old sets that are no node, no site and no class here, with how many files had them. */
	strange: { nodes: Map<string, number>; sites: Map<string, number>; classes: Map<string, number> }
}

export interface Importing {
	fs: Filesystem
	old: OldDatabase
	known: Known
	owner: Owner
	signal: AbortSignal
	/** Told of each that is not taken, and of each page. */
	leave(old: OldFile, reason: Reason): void
	progress(account: Account): void
}

export async function importAll(importing: Importing): Promise<Account> {
	const { fs, old, owner } = importing
	const account: Account = { files: 0, directories: 0, copies: 0, offSite: 0, left: {}, strange: { nodes: new Map(), sites: new Map(), classes: new Map() } }
	const ids = idSource(fs)
	const directories = createDirectories(ids, owner)
	const source = sourceOf(importing)
	let after = await begin(fs, source)
	let ahead = old.files(after, ROWS_AT_ONCE)
	while (!importing.signal.aborted) {
		const rows = await ahead
		if (rows.length === 0) break
		after = rows[rows.length - 1].file_id
		ahead = old.files(after, ROWS_AT_ONCE)
		// Should it fail while the page before it is written: it is asked for again then.
		ahead.catch(() => undefined)
		await takePage(importing, { rows, directories, ids, account, source })
		importing.progress(account)
	}
	if (!importing.signal.aborted) await takeFolders(importing, directories, account)
	await end(fs, importing.signal.aborted)
	return account
}

function idSource(fs: Filesystem): () => Op<FileId> {
	let next = 0
	let left = 0
	return function* () {
		if (left === 0) {
			next = yield* fs.ids.range(IDS_AT_ONCE)
			left = IDS_AT_ONCE
		}
		left--
		return next++
	}
}

/** What is read, and as what: a run that was stopped is gone on with by one that was told the same. */
function sourceOf({ old, known: { root, nodes } }: Importing): string {
	return JSON.stringify([old.name, root.toString('latin1'), ...nodes])
}

interface Position {
	source: string
	after: number
}

/** The last of the old files that was looked at; 0 where a run ended, for it may be given again because nodes or the root were wrong. */
async function begin({ catalogue, capabilities }: Filesystem, source: string): Promise<number> {
	const job = await jobs.find(catalogue, JOB)
	await catalogue.transaction(function* (tx) {
		jobs.begin(tx, JOB, capabilities)
	})
	if (!job?.position || job.state === 'done') return 0
	const position = JSON.parse(Buffer.from(job.position).toString()) as Position
	return position.source === source ? position.after : 0
}

/** Every file is to be looked at: what its class asks for beyond what it has. */
async function end({ catalogue, capabilities }: Filesystem, stopped: boolean): Promise<void> {
	await catalogue.transaction(function* (tx) {
		jobs.end(tx, JOB, { state: stopped ? 'paused' : 'done', summary: '{}' }, capabilities)
		classTable.tell(tx, capabilities)
	})
}

interface Page {
	rows: readonly OldFile[]
	directories: Directories
	ids: () => Op<FileId>
	account: Account
	source: string
}

async function takePage(importing: Importing, page: Page): Promise<void> {
	const { known } = importing
	const taken: Taken[] = []
	const left: Array<[OldFile, Reason]> = []
	for (const old of page.rows) {
		const verdict = judge(old, known, page.account.strange)
		if (typeof verdict === 'string') left.push([old, verdict])
		else taken.push(verdict)
	}
	countStrangeClasses(importing.fs, taken, page.account)
	const last = page.rows[page.rows.length - 1].file_id
	// Not after it is written how far this came: a run that ended in between would have said nothing of them.
	tell(importing, page, left)
	try {
		tell(importing, page, await write(importing, page, taken, last))
	} catch (error) {
		if (codeOf(error) !== 'EEXIST') throw error
		// One of the names is there already: which is found by asking for each.
		page.directories.forget()
		for (const each of taken) tell(importing, page, await writeIfFree(importing, page, each))
		await write(importing, page, [], last)
	}
}

function tell({ leave }: Importing, { account }: Page, left: ReadonlyArray<[OldFile, Reason]>): void {
	for (const [old, reason] of left) {
		account.left[reason] = (account.left[reason] ?? 0) + 1
		leave(old, reason)
	}
}

async function writeIfFree(importing: Importing, page: Page, each: Taken): Promise<Array<[OldFile, Reason]>> {
	const made: NewRow[] = []
	const parent = await run(page.directories.find(importing.fs.catalogue, each.names.slice(0, -1), made))
	page.directories.forget()
	if (parent === undefined) return [[each.old, 'inFile']]
	const name = each.names[each.names.length - 1]
	if (made.length === 0 && (await run(wait(entries.lookup(importing.fs.catalogue, parent, name))))) return [[each.old, 'taken']]
	try {
		return await write(importing, page, [each], undefined)
	} catch (error) {
		if (codeOf(error) !== 'EEXIST') throw error
		// Another has made it since it was looked for.
		return await writeIfFree(importing, page, each)
	}
}

interface Rows {
	directories: NewRow[]
	files: NewRow[]
	copies: NewReplica[]
	xattrs: xattrs.XattrRow[]
	backups: BackupRow[]
}

async function write(importing: Importing, page: Page, taken: readonly Taken[], position: number | undefined): Promise<Array<[OldFile, Reason]>> {
	const { fs } = importing
	const { rows, left } = await collectAll(importing, page, taken)
	try {
		const entered = await transact(fs, function* (tx) {
			if (!(yield* parentsStand(fs, tx, [...rows.directories, ...rows.files]))) return false
			insert(fs, tx, rows)
			if (position !== undefined) jobs.setPosition(tx, JOB, Buffer.from(JSON.stringify({ source: page.source, after: position } satisfies Position)))
			return true
		})
		if (!entered) {
			page.directories.forget()
			return await write(importing, page, taken, position)
		}
	} catch (error) {
		// Directories that were not made after all must not be taken for known.
		page.directories.forget()
		throw error
	}
	const { account } = page
	account.files += rows.files.length
	account.directories += rows.directories.length
	account.copies += rows.copies.length
	account.offSite += rows.backups.length
	return left
}

async function collectAll(importing: Importing, page: Page, taken: readonly Taken[]): Promise<{ rows: Rows; left: Array<[OldFile, Reason]> }> {
	const left: Array<[OldFile, Reason]> = []
	const rows: Rows = { directories: [], files: [], copies: [], xattrs: [], backups: [] }
	for (const each of taken) {
		const parent = await run(page.directories.find(importing.fs.catalogue, each.names.slice(0, -1), rows.directories))
		if (parent === undefined) left.push([each.old, 'inFile'])
		else await run(collect(importing, page, each, parent, rows))
	}
	return { rows, left }
}

/** The directories that were there before, held until the end: in one that somebody has removed since, a name would be reached by nobody. */
function* parentsStand({ capabilities }: Filesystem, tx: Transaction, made: readonly NewRow[]): Op<boolean> {
	const own = new Set(made.map(({ row }) => row.id))
	const before = new Set(made.map(({ parent }) => parent).filter((id) => !own.has(id)))
	const found = yield* wait(tx.read(...walks.lockQueries([...before].sort((a, b) => a - b), capabilities)))
	return found.flat().length === before.size
}

function insert({ client, capabilities }: Filesystem, tx: Transaction, rows: Rows): void {
	walks.insertFiles(tx, client, [...rows.directories, ...rows.files], ({ kind }) => (kind === KIND.directory ? 'mkdir' : 'create'), capabilities)
	addLinks(tx, rows.directories)
	walks.insertReplicas(tx, rows.copies, false, capabilities)
	xattrs.insertAll(tx, rows.xattrs)
	backups.claim(tx, rows.backups, capabilities)
}

function* collect({ fs, owner }: Importing, { ids }: Page, { old, names, nodes, sites, md5 }: Taken, parent: FileId, rows: Rows): Op<void> {
	const id = yield* ids()
	const path = names.reduce((above, name) => joinPath(above, name))
	const at = old.modified ?? 0
	const row: FileRow = {
		id, kind: KIND.regular, mode: MODE, ...owner, rdev: 0, nlink: 1, size: old.size, blocks: Math.ceil(old.size / 512), atime: at, atime_ns: 0, mtime: at, mtime_ns: 0,
		ctime: at, ctime_ns: 0, version: 1, class_id: ruleOf(fs, old.class, path).id, flags: md5 === '' ? 0 : FLAG_HAS_XATTRS,
	}
	rows.files.push({ row, parent, name: names[names.length - 1], hash: null, target: null })
	for (const node of nodes) rows.copies.push({ file: id, node, version: 1, state: REPLICA.good })
	if (md5 !== '') rows.xattrs.push({ file_id: id, name: MD5, value: Buffer.from(md5) })
	for (const site of sites) rows.backups.push(heldBy(site, row, path))
}

/** The old class where there is one of that name; else the one whose pattern matches. */
function ruleOf(fs: Filesystem, name: string, path: Buffer): ClassRow {
	return fs.classes.find((rule) => rule.name === name) ?? classOf(fs, path)
}

function countStrangeClasses(fs: Filesystem, taken: readonly Taken[], { strange }: Account): void {
	const known = new Set(['', ...fs.classes.map((rule) => rule.name)])
	for (const { old } of taken) if (!known.has(old.class)) strange.classes.set(old.class, (strange.classes.get(old.class) ?? 0) + 1)
}

/** Claimed: it is proved when its agent is one that can. */
function heldBy(site: number, { id, size, mode, uid, gid, mtime, mtime_ns }: FileRow, path: Buffer): BackupRow {
	const now = Math.floor(Date.now() / 1000)
	return {
		file_id: id, site_id: site, version: 1, state: BACKUP.claimed, copies: 0, since: now, tried: 0, claimed_at: now, proved_at: 0, challenge: null,
		path, size, hash: null, mode, uid, gid, mtime, mtime_ns,
	}
}

/** Those without files in them. */
async function takeFolders(importing: Importing, directories: Directories, account: Account): Promise<void> {
	for (let after = 0; !importing.signal.aborted; ) {
		const page = await importing.old.folders(after, ROWS_AT_ONCE)
		if (page.length === 0) return
		after = page[page.length - 1].folder_id
		account.directories += await makeFolders(importing, directories, page.map(({ folder }) => folder))
	}
}

async function makeFolders(importing: Importing, directories: Directories, folders: readonly Buffer[]): Promise<number> {
	const { fs, known } = importing
	const made: NewRow[] = []
	for (const folder of folders) {
		const path = below(known.root, folder)
		const names = path && namesOf(path)
		if (names) await run(directories.find(fs.catalogue, names, made))
	}
	try {
		const entered = await transact(fs, function* (tx) {
			if (!(yield* parentsStand(fs, tx, made))) return false
			walks.insertFiles(tx, fs.client, made, () => 'mkdir', fs.capabilities)
			addLinks(tx, made)
			return true
		})
		if (entered) return made.length
	} catch (error) {
		if (codeOf(error) !== 'EEXIST') throw error
	}
	// Another has made one since they were looked for, or removed one.
	directories.forget()
	return await makeFolders(importing, directories, folders)
}
