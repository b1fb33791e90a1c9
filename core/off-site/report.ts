/** What agents say of the files they were given. */
import type { BackupRow } from '../catalogue/backups.ts'
import * as backups from '../catalogue/backups.ts'
import { BACKUP, isHeld } from '../catalogue/backups.ts'
import * as leases from '../catalogue/backup-leases.ts'
import type { Transaction } from '../catalogue/driver.ts'
import { KIND } from '../catalogue/files.ts'
import { hashOf } from '../catalogue/hashes.ts'
import * as records from '../catalogue/site-records.ts'
import * as sites from '../catalogue/sites.ts'
import type { SiteRow } from '../catalogue/sites.ts'
import type { NameOf, WantedFile } from '../catalogue/wanted.ts'
import * as wanted from '../catalogue/wanted.ts'
import { type Filesystem, transact } from '../filesystem/filesystem.ts'
import type { FileId, Path } from '../ids.ts'
import { type Op, wait } from '../op.ts'
import { pathOf } from './lease.ts'
import { localDay } from './rates.ts'
import { review, reviewAll } from './review.ts'

const FAILURES = ['mismatch', 'no-space', 'name', 'io', 'gone'] as const
export type FailureKind = (typeof FAILURES)[number]
/** What of them an agent can find out about a copy that it has. */
const LOSSES: ReadonlySet<FailureKind> = new Set(['mismatch', 'io', 'gone'])

export interface Claim {
	id: FileId
	version: number
	size: number
	/** Undefined of agents that cannot say it. */
	hash: Buffer | undefined
	/** Where it was found; undefined: where it was sent. */
	path?: Path
}

export interface Failed {
	id: FileId
	version: number
	error: FailureKind
	text: string
}

export type Said = Claim | Failed
export type Outcome = 'claimed' | 'mismatch' | 'changed' | 'gone' | 'failed'

const RETRY_SECONDS = 600
const RETRY_SECONDS_MAX = 86_400
/** A name that cannot be stored there cannot be stored tomorrow. */
const NEVER_SECONDS = 10 * 365 * 86_400

/** An outcome for each, in order. */
export async function takeReport(fs: Filesystem, site: Pick<SiteRow, 'id'>, said: readonly Said[]): Promise<Outcome[]> {
	const outcomes: Outcome[] = []
	for (let at = 0; at < said.length; at += wanted.FILES_MAX) {
		const part = said.slice(at, at + wanted.FILES_MAX)
		const entered = await transact(fs, (tx) => enter(fs, tx, site, part))
		outcomes.push(...entered.outcomes)
		await reviewAll(fs, entered.displaced)
	}
	return outcomes
}

/** What it could not give back from a path counts no more where it is still held to be there. */
export async function takeLoss(fs: Filesystem, site: Pick<SiteRow, 'id'>, { path, ...said }: Failed & { path: Path }): Promise<void> {
	const rows = ((await fs.catalogue.read(...backups.ofFilesQueries([said.id]))) as BackupRow[][]).flat()
	const isThere = (row: BackupRow) => row.site_id === site.id && isHeld(row) && row.version === said.version && row.path !== null && path.equals(row.path)
	if (rows.some(isThere)) await takeReport(fs, site, [said])
}

interface Entered {
	outcomes: Outcome[]
	/** Files that were under the paths that others have now. */
	displaced: FileId[]
}

function* enter(fs: Filesystem, tx: Transaction, site: Pick<SiteRow, 'id'>, said: readonly Said[]): Op<Entered> {
	const { capabilities } = fs
	const ids = [...new Set(said.map(({ id }) => id))].sort((a, b) => a - b)
	const [files, names, ...rest] = (yield* wait(
		tx.read(
			wanted.filesQuery(ids, capabilities.forUpdate),
			wanted.namesQuery(ids),
			[`SELECT ${capabilities.now} AS now`, []],
			...backups.ofFilesQueries(ids),
			...leases.leasedQueries(site.id, ids),
		),
	)) as [WantedFile[], NameOf[], ...unknown[][]]
	const [[{ now }], ...lists] = rest as [Array<{ now: number }>, ...unknown[][]]
	const half = lists.length / 2
	const known: Known = {
		now,
		files: new Map(files.map((file) => [file.id, file])),
		names,
		held: new Map((lists.slice(0, half).flat() as BackupRow[]).filter((row) => row.site_id === site.id).map((row) => [row.file_id, row])),
		leased: new Map((lists.slice(half).flat() as Array<{ file_id: FileId; path: Uint8Array }>).map((row) => [row.file_id, Buffer.from(row.path)])),
	}
	const claims = new Map<FileId, BackupRow>()
	const outcomes: Outcome[] = []
	for (const each of said) outcomes.push('error' in each ? fail(fs, tx, site, each, known) : yield* claim(fs, tx, site, each, known, claims))
	const displaced = yield* freePaths(tx, site, [...claims.values()], now, capabilities)
	backups.claim(tx, [...claims.values()], capabilities)
	leases.done(tx, site.id, ids)
	yield* review(fs, tx, ids)
	const failed = outcomes.filter((outcome) => outcome === 'mismatch' || outcome === 'failed').length
	records.count(tx, site.id, localDay(), { files: claims.size, failed }, capabilities)
	return { outcomes, displaced }
}

interface Known {
	now: number
	files: Map<FileId, WantedFile>
	names: readonly NameOf[]
	held: Map<FileId, BackupRow>
	leased: Map<FileId, Path>
}

function* claim(fs: Filesystem, tx: Transaction, site: Pick<SiteRow, 'id'>, said: Claim, known: Known, claims: Map<FileId, BackupRow>): Op<Outcome> {
	const file = known.files.get(said.id)
	const held = known.held.get(said.id)
	const isAsked = held !== undefined || known.leased.has(said.id) || said.path !== undefined
	if (file?.kind !== KIND.regular || !isAsked) return 'gone'
	if (file.version !== said.version) return 'changed'
	const hash = hashOf(file)
	if (file.size !== said.size || (hash && said.hash && !hash.equals(said.hash))) return yield* mismatch(fs, tx, site, said, known)
	const name = known.names.find((row) => row.file_id === said.id)
	const path = said.path ?? known.leased.get(said.id) ?? (name && (yield* pathOf(fs, tx, name)))
	if (!path) return 'gone'
	// Said before: what was proved stays proved.
	if (held && isHeld(held) && held.version === said.version && held.path !== null && path.equals(held.path)) return 'claimed'
	const { mode, uid, gid, mtime, mtime_ns } = file
	claims.set(said.id, {
		file_id: said.id, site_id: site.id, version: said.version, state: BACKUP.claimed, copies: 0, since: known.now, tried: held?.tried ?? 0,
		claimed_at: known.now, proved_at: 0, challenge: null, path, size: said.size, hash: said.hash ?? hash ?? null, mode, uid, gid, mtime, mtime_ns,
	})
	return 'claimed'
}

function* mismatch(fs: Filesystem, tx: Transaction, site: Pick<SiteRow, 'id'>, { id, version, size }: Claim, known: Known): Op<Outcome> {
	fail(fs, tx, site, { id, version, error: 'mismatch', text: `the site has ${size} bytes of something else` }, known)
	return 'mismatch'
}

/** What cannot be stored there; or, of a copy that was claimed, that it is there no more. */
function fail({ capabilities }: Filesystem, tx: Transaction, site: Pick<SiteRow, 'id'>, { id, version, error, text }: Failed, { held, now }: Known): Outcome {
	const row = held.get(id)
	const isLost = row !== undefined && isHeld(row) && row.version === version && LOSSES.has(error)
	const tried = row?.tried ?? 0
	if (isLost) {
		// Where no other copy is left, one that was set aside there may be what is wanted back.
		backups.keepPast(tx, row, now)
		backups.decide(tx, [{ ...row, version: 0, state: BACKUP.wanted, since: now, tried: tried + 1 }], capabilities)
	}
	const seconds = error === 'name' ? NEVER_SECONDS : Math.min(RETRY_SECONDS_MAX, RETRY_SECONDS * 2 ** Math.min(tried, 10))
	// A copy that was lost for the first time is fetched at once.
	if (!isLost || tried > 0) backups.setFailed(tx, { file_id: id, site_id: site.id, version }, seconds, capabilities)
	records.log(tx, site.id, { what: isLost ? 'lost' : 'failed', detail: `file ${id} version ${version}: ${error}${text === '' ? '' : `: ${printable(text)}`}` }, capabilities)
	return 'failed'
}

/** What somebody else wrote, as part of one line. */
export function printable(text: string): string {
	// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
	return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
}

/** Another file that the site kept under a path is no longer there. */
function* freePaths(tx: Transaction, site: Pick<SiteRow, 'id'>, claims: readonly BackupRow[], now: number, capabilities: Filesystem['capabilities']): Op<FileId[]> {
	if (claims.length === 0) return []
	const fresh = new Set(claims.map((row) => row.file_id))
	const there = (yield* wait(tx.read(...backups.atPathsQueries(claims.map((row) => Buffer.from(row.path as Uint8Array)))))) as Array<Array<Pick<BackupRow, 'file_id' | 'site_id'>>>
	const others = new Set(there.flat().flatMap((row) => (row.site_id === site.id && !fresh.has(row.file_id) ? [row.file_id] : [])))
	if (others.size === 0) return []
	const rows = ((yield* wait(tx.read(...backups.ofFilesQueries([...others])))) as BackupRow[][]).flat()
	for (const row of rows) {
		if (row.site_id !== site.id || !isHeld(row)) continue
		backups.keepPast(tx, row, now)
		backups.decide(tx, [{ ...row, version: 0, state: BACKUP.wanted, since: now }], capabilities)
	}
	return [...others]
}

const CLAIMED_AT_ONCE = 1_000

/**
 * The folder that speaks for the site is another: what the first one had is believed when it was proved anew. A part at a time; the last of it, and
 * what the first has proved meanwhile, in the transaction from which on it speaks no more.
 */
export async function forgetAgent({ catalogue, capabilities }: Pick<Filesystem, 'catalogue' | 'capabilities'>, site: Pick<SiteRow, 'id'>): Promise<void> {
	for (let isLast = false; !isLast; ) {
		isLast = await catalogue.transaction(function* (tx) {
			const rows = yield* wait(backups.provedOf(tx, site.id, CLAIMED_AT_ONCE))
			const isAll = rows.length < CLAIMED_AT_ONCE
			if (isAll) sites.update(tx, site.id, { agent: '' })
			backups.setClaimed(tx, site.id, rows.map(({ file_id }) => file_id), capabilities)
			return isAll
		})
	}
}
