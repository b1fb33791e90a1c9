/**
 * Which sites are to fetch a file, decided from what is there: the file, its class, its path, and what each site holds. Everything
 * that changes one of them has the file reviewed; doing it again changes nothing.
 */
import type { BackupRow } from '../catalogue/backups.ts'
import * as backups from '../catalogue/backups.ts'
import { BACKUP, isHeld } from '../catalogue/backups.ts'
import * as notices from '../catalogue/backup-notices.ts'
import type { Transaction } from '../catalogue/driver.ts'
import { KIND } from '../catalogue/files.ts'
import * as sites from '../catalogue/sites.ts'
import type { SiteRow } from '../catalogue/sites.ts'
import type { NameOf, WantedFile } from '../catalogue/wanted.ts'
import * as wanted from '../catalogue/wanted.ts'
import { type Filesystem, transact } from '../filesystem/filesystem.ts'
import { isScratch } from '../filesystem/scratch.ts'
import { isInTrash } from '../filesystem/trash-paths.ts'
import type { FileId, Path } from '../ids.ts'
import { type Op, wait } from '../op.ts'
import { classById } from '../placement/placement.ts'
import { createFinder } from './at-path.ts'
import { pathOf } from './lease.ts'
import { newPath } from './moves.ts'
import { readSettings, takerOf } from './site-settings.ts'

/** Files of one transaction. */
const REVIEWED_AT_ONCE = wanted.FILES_MAX

interface Taker {
	row: SiteRow
	takes(className: string, path: Path): boolean
}

interface Situation {
	takers: readonly Taker[]
	now: number
	file: WantedFile | undefined
	path: Path | undefined
	held: Map<number, BackupRow>
}

/** Any number of files, a transaction for each so many; then those that had their paths before. */
export async function reviewAll(fs: Filesystem, ids: Iterable<FileId>): Promise<void> {
	const known = new Set(ids)
	const others = await reviewThese(fs, known)
	await reviewThese(fs, others.filter((id) => !known.has(id)))
}

async function reviewThese(fs: Filesystem, ids: Iterable<FileId>): Promise<FileId[]> {
	const sorted = [...new Set(ids)].sort((a, b) => a - b)
	const others: FileId[] = []
	for (let at = 0; at < sorted.length; at += REVIEWED_AT_ONCE) {
		const some = sorted.slice(at, at + REVIEWED_AT_ONCE)
		others.push(...(await transact(fs, (tx) => review(fs, tx, some))))
	}
	return others
}

/** At most `REVIEWED_AT_ONCE`, by number: their rows are locked in that order. Gives the files that sites keep under the same paths. */
export function* review(fs: Filesystem, tx: Transaction, ids: readonly FileId[]): Op<FileId[]> {
	if (ids.length === 0) return []
	const { files, names, rows, held } = yield* ask(fs, tx, ids)
	if (rows.length === 0 && held.length === 0) return []
	const takers = rows.map((row): Taker => ({ row, takes: takerOf(readSettings(row)) }))
	const byId = new Map(files.map((file) => [file.id, file]))
	const heldOf = Map.groupBy(held, (row) => row.file_id)
	const namesOf = Map.groupBy(names, (name) => name.file_id)
	const decided: BackupRow[] = []
	const paths: Path[] = []
	for (const id of ids) {
		const file = byId.get(id)
		const own = new Map((heldOf.get(id) ?? []).map((row) => [row.site_id as number, row]))
		const now = rows[0]?.now ?? 0
		if (!file) yield* forgetFile(tx, [...own.values()], now)
		else if (file.version > 0 && file.kind === KIND.regular) {
			const ownNames = namesOf.get(id) ?? []
			const [name] = ownNames
			const path = name && (yield* pathOf(fs, tx, name))
			if (path) paths.push(path)
			decided.push(...decide(fs, tx, { takers, now, file, path, held: own }))
			yield* noticeMoves(fs, tx, { takers, now, file, path, held: own }, ownNames)
		}
	}
	backups.decide(tx, decided, fs.capabilities)
	if (paths.length === 0) return []
	const there = (yield* wait(tx.read(...backups.atPathsQueries(paths)))) as Array<Array<{ file_id: FileId }>>
	return there.flat().map((row) => row.file_id)
}

interface Asked {
	files: WantedFile[]
	names: NameOf[]
	rows: SiteRow[]
	held: BackupRow[]
}

function* ask({ capabilities }: Filesystem, tx: Transaction, ids: readonly FileId[]): Op<Asked> {
	const [files, names, ...held] = (yield* wait(
		tx.read(wanted.filesQuery(ids, capabilities.forUpdate), wanted.namesQuery(ids), ...backups.ofFilesQueries(ids)),
	)) as [WantedFile[], NameOf[], ...BackupRow[][]]
	return { files, names, rows: yield* wait(sites.list(tx, capabilities)), held: held.flat() }
}

function decide(fs: Filesystem, tx: Transaction, { takers, now, file, path, held }: Situation & { file: WantedFile }): BackupRow[] {
	const rule = classById(fs, file.class_id)
	const mayGo = rule.offsite > 0 && path !== undefined && !isInTrash(path) && !isScratch(path)
	const isCurrent = (row: BackupRow | undefined) => row !== undefined && isHeld(row) && row.version === file.version
	const copies = [...held.values()].filter(isCurrent).length
	const state = copies < rule.offsite ? BACKUP.wanted : BACKUP.spare
	const decided: BackupRow[] = []
	for (const { row: site, takes } of takers) {
		const row = held.get(site.id)
		if (row && isCurrent(row)) continue
		if (row && isHeld(row)) backups.keepPast(tx, row, now)
		if (!mayGo || !takes(rule.name, path)) {
			if (row) backups.remove(tx, row)
			continue
		}
		const next = nextRow(row, { file_id: file.id, site_id: site.id, state, copies, now }, file.version)
		if (next !== row) decided.push(next)
	}
	for (const row of held.values()) if (!takers.some(({ row: site }) => site.id === row.site_id)) backups.remove(tx, row)
	return decided
}

/** What a site has of the file, as it is now, it has under a path that leads there no more. */
function* noticeMoves(fs: Filesystem, tx: Transaction, { takers, now, file, held }: Situation & { file: WantedFile }, names: readonly NameOf[]): Op<void> {
	for (const { row: site, takes } of takers) {
		const row = held.get(site.id)
		if (!row || !isHeld(row) || row.version !== file.version || row.path === null) continue
		const to = yield* newPath(fs, tx, row, names)
		if (to && takes(classById(fs, file.class_id).name, to)) notices.insert(tx, site.id, { kind: 'moved', path: Buffer.from(row.path), at: now })
	}
}

function nextRow(row: BackupRow | undefined, next: Pick<BackupRow, 'file_id' | 'site_id' | 'state' | 'copies'> & { now: number }, version: number): BackupRow {
	const { now, ...wish } = next
	if (!row || isHeld(row)) return { ...NOTHING, ...wish, since: now }
	// What this version could not be is tried again when its time has come.
	if (row.state === BACKUP.failed && row.version === version) return row.copies === wish.copies ? row : { ...row, copies: wish.copies }
	if (row.state === wish.state) return row.copies === wish.copies ? row : { ...row, copies: wish.copies }
	return { ...row, ...wish, version: 0, since: now }
}

const NOTHING: Omit<BackupRow, 'file_id' | 'site_id' | 'state' | 'copies'> = {
	version: 0, since: 0, tried: 0, claimed_at: 0, proved_at: 0, challenge: null, path: null, size: 0, hash: null, mode: 0, uid: 0, gid: 0, mtime: 0, mtime_ns: 0,
}

/** The tree does not have it any more; sites do, until their owners decide otherwise. */
function* forgetFile(tx: Transaction, held: readonly BackupRow[], now: number): Op<void> {
	for (const row of held) {
		backups.remove(tx, row)
		if (!isHeld(row) || row.path === null) continue
		backups.keepPast(tx, row, now)
		// Somebody may have put another file there: then nothing was deleted.
		const path = Buffer.from(row.path)
		if (!(yield* isThere(tx, path))) notices.insert(tx, row.site_id, { kind: 'deleted', path, at: now })
	}
}

function* isThere(tx: Transaction, path: Path): Op<boolean> {
	return (yield* createFinder()(tx, path)) !== undefined
}
