/**
 * Which class a file falls under now. A file that is renamed follows its path at once; what is below a directory that was
 * moved, or under a rule that was changed, is found here.
 */
import type { HeldName } from '../../core/catalogue/holdings.ts'
import { joinPath } from '../../core/filesystem/directories.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import type { Path } from '../../core/ids.ts'
import { codeOf } from '../../core/errors.ts'
import type { Op } from '../../core/op.ts'
import { classOf } from '../../core/placement/placement.ts'
import type { Held } from './pages.ts'

/** A file with several names stays in its class as long as one of them falls under it. */
export function* classUnder(fs: Filesystem, { class_id, names }: Pick<Held, 'class_id' | 'names'>): Op<number> {
	if (fs.classes.length === 1) return fs.classes[0].id
	const classes = (yield* pathsOfHeld(fs, names)).map((path) => classOf(fs, path).id)
	return classes.length === 0 || classes.includes(class_id) ? class_id : classes[0]
}

/** Of the names whose directories are still there. */
function* pathsOfHeld(fs: Filesystem, names: readonly HeldName[]): Op<Path[]> {
	const paths: Path[] = []
	for (const { parent_id: parent, name } of names) {
		try {
			paths.push(joinPath(yield* fs.directories.path(fs.catalogue, parent), Buffer.from(name)))
		} catch (error) {
			if (codeOf(error) !== 'ENOENT') throw error
		}
	}
	return paths
}
