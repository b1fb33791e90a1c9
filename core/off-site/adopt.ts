/** What an agent found in its folder that it was not given: which of it is the tree's present content. */
import type { BackupRow } from '../catalogue/backups.ts'
import * as backups from '../catalogue/backups.ts'
import { isHeld } from '../catalogue/backups.ts'
import { KIND } from '../catalogue/files.ts'
import { hashOf } from '../catalogue/hashes.ts'
import type { SiteRow } from '../catalogue/sites.ts'
import * as wanted from '../catalogue/wanted.ts'
import type { WantedFile } from '../catalogue/wanted.ts'
import type { Filesystem } from '../filesystem/filesystem.ts'
import { isScratch } from '../filesystem/scratch.ts'
import { isInTrash } from '../filesystem/trash-paths.ts'
import type { FileId, Path } from '../ids.ts'
import { run, wait } from '../op.ts'
import { classById } from '../placement/placement.ts'
import { createFinder } from './at-path.ts'
import { type Claim, takeReport } from './report.ts'
import type { Version } from './settled.ts'
import { readSettings, takerOf } from './site-settings.ts'

export interface Seen {
	path: Path
	size: number
	hash: Buffer | undefined
	/** Which file it is, where the agent was told to move it there. */
	moved?: Version
}

export type Adopted = { result: 'current'; id: FileId; version: number } | { result: 'hash' | 'differs' | 'unknown' }

/** An answer for each, in order. */
export async function adopt(fs: Filesystem, site: SiteRow, seen: readonly Seen[]): Promise<Adopted[]> {
	const find = createFinder()
	const takes = takerOf(readSettings(site))
	const ids: Array<FileId | undefined> = []
	for (const { path } of seen) {
		const row = isInTrash(path) || isScratch(path) ? undefined : await run(find(fs.catalogue, path))
		const rule = row && classById(fs, row.class_id)
		ids.push(row?.kind === KIND.regular && row.version > 0 && rule && rule.offsite > 0 && takes(rule.name, path) ? row.id : undefined)
	}
	const files = await filesOf(fs, ids.filter((id) => id !== undefined))
	const judged = seen.map((each, index) => judge(each, files.get(ids[index] ?? 0)))
	const answers = await withMoved(fs, site, seen, judged)
	const claims = answers.flatMap((answer, index): Claim[] =>
		answer.result === 'current' ? [{ ...answer, size: seen[index].size, hash: seen[index].hash as Buffer, path: seen[index].path }] : [],
	)
	const outcomes = await takeReport(fs, site, claims)
	let at = 0
	return answers.map((answer) => (answer.result !== 'current' || outcomes[at++] === 'claimed' ? answer : { result: 'differs' }))
}

/** What the tree has moved on meanwhile is where the agent was told to put it, and is looked for there until it is moved again. */
async function withMoved(fs: Filesystem, site: SiteRow, seen: readonly Seen[], judged: readonly Adopted[]): Promise<Adopted[]> {
	const ids = seen.flatMap(({ moved }, index) => (moved && judged[index].result !== 'current' ? [moved.id] : []))
	if (ids.length === 0) return [...judged]
	const rows = ((await fs.catalogue.read(...backups.ofFilesQueries(ids))) as BackupRow[][]).flat()
	const held = new Map(rows.filter((row) => row.site_id === site.id && isHeld(row)).map((row) => [row.file_id, row.version]))
	return judged.map((answer, index) => {
		const { moved, hash } = seen[index]
		return answer.result !== 'current' && moved && hash && held.get(moved.id) === moved.version ? { result: 'current', ...moved } : answer
	})
}

async function filesOf(fs: Filesystem, ids: readonly FileId[]): Promise<Map<FileId, WantedFile>> {
	const found = new Map<FileId, WantedFile>()
	for (let at = 0; at < ids.length; at += wanted.FILES_MAX) {
		const [rows] = (await run(wait(fs.catalogue.read(wanted.filesQuery(ids.slice(at, at + wanted.FILES_MAX)))))) as [WantedFile[]]
		for (const row of rows) found.set(row.id, row)
	}
	return found
}

function judge({ size, hash }: Seen, file: WantedFile | undefined): Adopted {
	if (!file) return { result: 'unknown' }
	if (file.size !== size) return { result: 'differs' }
	if (!hash) return { result: 'hash' }
	const known = hashOf(file)
	return known && !known.equals(hash) ? { result: 'differs' } : { result: 'current', id: file.id, version: file.version }
}
