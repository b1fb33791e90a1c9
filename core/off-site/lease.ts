/** A batch of work for one agent: files that nobody else is fetching, with where they go. */
import { randomBytes } from 'node:crypto'
import type { Work } from '../catalogue/backup-leases.ts'
import * as leases from '../catalogue/backup-leases.ts'
import { BACKUP } from '../catalogue/backups.ts'
import type { Transaction } from '../catalogue/driver.ts'
import type { SiteId } from '../catalogue/sites.ts'
import type { NameOf } from '../catalogue/wanted.ts'
import * as wanted from '../catalogue/wanted.ts'
import { codeOf } from '../errors.ts'
import { joinPath } from '../filesystem/directories.ts'
import { type Filesystem, transact } from '../filesystem/filesystem.ts'
import type { FileId, Path } from '../ids.ts'
import { type Op, run, wait } from '../op.ts'
import type { Mode } from './site-settings.ts'

/** An agent that does not say which it knows of may have one more, for its answer was lost. */
const LEASES_MAX = 4
const ID_BYTES = 18

export interface Batch {
	mode: Mode
	files: number
	bytes: number
	/** Those the agent knows of; of others the answer was lost. */
	holding?: readonly string[] | undefined
}

export interface Leased extends Work {
	path: Path
}

export interface Lease {
	id: string
	untilAt: number
	files: Leased[]
}

/** Undefined: the site has as many as it may. No files: there is nothing to do, or others do all of it. */
export async function takeWork(fs: Filesystem, site: SiteId, batch: Batch): Promise<Lease | undefined> {
	const { capabilities, config } = fs
	return await transact(fs, function* (tx): Op<Lease | undefined> {
		yield* leases.renewWork(tx, site, capabilities)
		const live = yield* wait(leases.live(tx, site, capabilities))
		const { holding = live.map(({ id }) => id) } = batch
		const known = live.filter(({ id }) => holding.includes(id))
		for (const row of live) if (!known.includes(row)) leases.end(tx, row.id)
		if (known.length >= LEASES_MAX) return undefined
		const chosen = yield* withPaths(fs, tx, withinBytes(yield* choose(tx, site, batch), batch.bytes))
		const id = randomBytes(ID_BYTES).toString('base64url')
		if (chosen.length === 0) return { id, untilAt: 0, files: [] }
		leases.insert(tx, { id, site, seconds: config.backup.leaseSeconds }, chosen, capabilities)
		const own = new Set((yield* wait(leases.ofLease(tx, id))).map((row) => row.file_id))
		const untilAt = (yield* wait(leases.live(tx, site, capabilities))).find((row) => row.id === id)?.until_at ?? 0
		return { id, untilAt, files: chosen.filter((file) => own.has(file.id)) }
	})
}

function* choose(tx: Transaction, site: SiteId, { mode, files }: Batch): Op<Work[]> {
	if (mode === 'recent') return yield* wait(leases.newestFirst(tx, site, files))
	const work = yield* wait(leases.fewestFirst(tx, site, BACKUP.wanted, files))
	if (mode !== 'full' || work.length === files) return work
	return [...work, ...(yield* wait(leases.fewestFirst(tx, site, BACKUP.spare, files - work.length)))]
}

/** One that is larger than all a batch may have comes alone. */
function withinBytes(work: readonly Work[], bytesMax: number): Work[] {
	let bytes = 0
	const end = work.findIndex(({ size }, index) => {
		bytes += size
		return bytes > bytesMax && index > 0
	})
	return end === -1 ? [...work] : work.slice(0, end)
}

function* withPaths(fs: Filesystem, tx: Transaction, work: readonly Work[]): Op<Leased[]> {
	const paths = new Map<FileId, Path>()
	for (let at = 0; at < work.length; at += wanted.FILES_MAX) {
		const [names] = (yield* wait(tx.read(wanted.namesQuery(work.slice(at, at + wanted.FILES_MAX).map(({ id }) => id))))) as [NameOf[]]
		for (const name of names) {
			const path = paths.has(name.file_id) ? undefined : yield* pathOf(fs, tx, name)
			if (path) paths.set(name.file_id, path)
		}
	}
	return work.flatMap((each) => {
		const path = paths.get(each.id)
		return path ? [{ ...each, path }] : []
	})
}

/** Undefined of one that is going at this moment. */
export function* pathOf(fs: Filesystem, tx: Transaction, { parent_id, name }: NameOf): Op<Path | undefined> {
	try {
		return joinPath(yield* fs.directories.path(tx, parent_id), Buffer.from(name))
	} catch (error) {
		if (codeOf(error) === 'ENOENT') return undefined
		throw error
	}
}

/** A run of the agent begins: what an earlier one had is to be given out again. */
export async function endLeases(fs: Filesystem, site: SiteId): Promise<number> {
	return await transact(fs, (tx) => leases.endAll(tx, site))
}

export async function endLease(fs: Filesystem, site: SiteId, id: string): Promise<boolean> {
	return await transact(fs, function* (tx) {
		const own = (yield* wait(leases.live(tx, site, fs.capabilities))).some((row) => row.id === id)
		if (own) leases.end(tx, id)
		return own
	})
}

export function isAnythingWanted(fs: Filesystem, site: SiteId, mode: Mode): Promise<boolean> {
	const states = mode === 'full' ? [BACKUP.wanted, BACKUP.spare] : [BACKUP.wanted]
	return Promise.all(states.map(async (state) => (await run(wait(leases.fewestFirst(fs.catalogue, site, state, 1)))).length > 0)).then((found) => found.includes(true))
}
