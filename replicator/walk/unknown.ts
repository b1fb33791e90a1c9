/** Something on the node that the catalogue has no name for. */
import { KIND } from '../../core/catalogue/files.ts'
import { joinPath } from '../../core/filesystem/directories.ts'
import type { Name } from '../../core/ids.ts'
import { isPromise, run as drive } from '../../core/op.ts'
import type { Item } from './item.ts'
import { hashOf, readTarget, statAll, tellUnreadable } from './look.ts'
import { type Directory, shown, type Walking } from './walking.ts'

const SPECIAL: Record<number, string> = {
	[KIND.fifo]: 'a fifo',
	[KIND.socket]: 'a socket',
	[KIND.character]: 'a device',
	[KIND.block]: 'a device',
}

/** Undefined, and said why, for what a tree of plain files has no place for. */
export async function itemOfUnknown(walking: Walking, { directory, name, kind }: { directory: Directory; name: Name; kind: number }): Promise<Item | undefined> {
	const path = joinPath(directory.path, name)
	const common = { directory, name, path, kind, known: undefined }
	if (kind === KIND.regular) return { ...common, id: await nextId(walking), hashed: hashOf(walking, path) }
	if (kind !== KIND.directory && kind !== KIND.symlink) return skip(walking, path, kind)
	const [stat] = await statAll(walking, [path])
	if (stat instanceof Error) tellUnreadable(walking, path, stat)
	if (!stat || stat instanceof Error) return undefined
	if (kind === KIND.directory) return { ...common, id: await nextId(walking), stat }
	const target = await readTarget(walking, path)
	if (!(target instanceof Error)) return { ...common, id: await nextId(walking), stat: { ...stat, size: target.length }, target }
	tellUnreadable(walking, path, target)
	return undefined
}

export function nextId({ fs }: Walking): number | Promise<number> {
	const id = drive(fs.ids.next())
	return isPromise(id) ? id : (id as number)
}

function skip({ node, run }: Walking, path: Buffer, kind: number): undefined {
	run.note(`node ${node.name}: ${shown(path)} is ${SPECIAL[kind] ?? 'of no known kind'} and is left alone`)
	run.done('skipped', 0)
}
