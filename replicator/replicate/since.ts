/** Whether a file is still what it was when it was looked at: while somebody works in the tree, the next copy may be of another. */
import { run as drive } from '../../core/op.ts'
import { isUnsettled, look, type Want } from './look.ts'
import { patiently } from './patience.ts'
import type { Round } from './round.ts'
import { standingOn } from './standing.ts'

/** What it counts as, if it is not. */
export async function sinceLooked({ rep: { fs, node, run } }: Round, want: Want): Promise<'gone' | 'busy' | undefined> {
	const { id, version } = want.file
	const now = (await patiently(run, async () => drive(look(fs.catalogue, node.id, [id])))).wants.get(id)
	if (!now) return 'gone'
	return isUnsettled(now) || now.file.version !== version || !hasSameNames(now, want) ? 'busy' : undefined
}

function hasSameNames({ places }: Want, before: Want): boolean {
	return places.length === before.places.length && places.every(({ path }, index) => path.equals(before.places[index].path))
}

/** Whether something that was decided about its places has yet to be carried out on the node. */
export async function isUncertain({ rep: { fs, node, run } }: Round, { places }: Want): Promise<boolean> {
	const standing = await patiently(run, async () => drive(standingOn(fs, fs.catalogue, node.id)))
	return places.some(({ path }) => standing.isInTheWay(path))
}
