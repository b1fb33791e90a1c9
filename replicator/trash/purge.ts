/** Removing from the trash, for good. */
import { KIND } from '../../core/catalogue/files.ts'
import { codeOf, fail } from '../../core/errors.ts'
import { joinPath } from '../../core/filesystem/directories.ts'
import type { Expected } from '../../core/filesystem/expected.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { unlink } from '../../core/filesystem/remove.ts'
import { below, folders, type Kept } from '../../core/filesystem/trash-contents.ts'
import { removeIfEmpty } from '../../core/filesystem/trash-restore.ts'
import { run as drive } from '../../core/op.ts'
import { classById } from '../../core/placement/placement.ts'
import { createBreath } from '../breath.ts'
import type { Run } from '../run.ts'

/** Of files whose class keeps nothing any more, and of whom the mount that removed them said nothing. */
const KEEP_DAYS_DEFAULT = 30

export interface Purge {
	isDue(kept: Kept): boolean
	/** The run ends when it has removed so many. */
	filesMax: number
}

/** How many days a removed file stays. */
export function keepDays(fs: Pick<Filesystem, 'classes' | 'config'>, { folder, row }: Kept): number {
	return folder.keepDays ?? (classById(fs as Filesystem, row.class_id).trash || KEEP_DAYS_DEFAULT)
}

/** Full days: what was removed late in an evening does not lose that day. */
export function isDueOn(fs: Filesystem, kept: Kept, day: number): boolean {
	return day - kept.folder.day > keepDays(fs, kept)
}

/** True when everything was looked at. */
export async function purge(fs: Filesystem, run: Run, { isDue, filesMax }: Purge): Promise<boolean> {
	const breath = createBreath()
	let removed = 0
	for (const folder of await folders(fs.catalogue)) {
		for await (const kept of below(fs.catalogue, folder)) {
			await breath()
			if (run.signal.aborted) return false
			if (kept.row.kind === KIND.directory) await drive(removeIfEmpty(fs, kept.place, whereItWas(fs, kept)))
			else if (!isDue(kept)) run.done('kept', 0)
			else if (removed >= filesMax) return false
			else if (await removeForGood(fs, run, kept)) removed++
		}
		await drive(removeIfEmpty(fs, folder.place))
	}
	return true
}

async function removeForGood(fs: Filesystem, run: Run, kept: Kept): Promise<boolean> {
	try {
		await drive(unlink(fs, kept.place, { ...whereItWas(fs, kept), forGood: true }))
		run.done('removed', kept.row.size)
		return true
	} catch (error) {
		// It was put back, alone or with a directory it is in, or somebody else removed it.
		if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ESTALE') run.done('gone', 0)
		else run.trouble(kept.path, (error as Error).message)
		return false
	}
}

/** A directory keeps its number when it is moved out of the trash: what is in it is found by that, and is somebody's again. */
function whereItWas(fs: Filesystem, { row, place, path }: Kept): Expected {
	return {
		only: row.id,
		*check(tx) {
			if (!joinPath(yield* fs.directories.path(tx, place.parent), place.name).equals(path)) fail('ESTALE')
		},
	}
}
