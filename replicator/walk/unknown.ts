/** Something on the node that the catalogue has no name for. */
import { KIND } from '../../core/catalogue/files.ts'
import type { Name } from '../../core/ids.ts'
import { isPromise, run as drive } from '../../core/op.ts'
import type { Stat } from '../../core/nodes/node.ts'
import { showPath } from '../../core/text.ts'
import { type Item, pathOfItem } from './item.ts'
import { readTarget, statAll, tellUnreadable } from './look.ts'
import type { Directory, Walking } from './walking.ts'

const SPECIAL: Record<number, string> = {
	[KIND.fifo]: 'a fifo',
	[KIND.socket]: 'a socket',
	[KIND.character]: 'a device',
	[KIND.block]: 'a device',
}

const NO_XATTRS: readonly never[] = []

interface Unknown {
	directory: Directory
	name: Name
	kind: number
}

/** Undefined, and said why, for what a tree of plain files has no place for. A regular file has yet to be read; `seen` is what stat has said already. */
export async function itemOfUnknown(walking: Walking, unknown: Unknown, seen?: Stat): Promise<Item | undefined> {
	const { kind } = unknown
	const item = newItem(unknown)
	if (kind !== KIND.regular && kind !== KIND.directory && kind !== KIND.symlink) return skip(walking, item, SPECIAL[kind] ?? 'of no known kind')
	item.id = await nextId(walking)
	if (kind !== KIND.regular && !(await complete(walking, item, seen))) return undefined
	return isOfFilesystem(item) ? skip(walking, item, 'of its filesystem') : item
}

/** What fsck finds has no name. mkfs of ext4 makes this directory first of all and gives it its first free inode. */
const FOUND_BY_FSCK = 'lost+found'
const INODE_FIRST = 11

function isOfFilesystem({ directory, name, kind, stat }: Item): boolean {
	return kind === KIND.directory && directory.path.length === 0 && stat?.ino === INODE_FIRST && name.toString('latin1') === FOUND_BY_FSCK
}

export function newItem({ directory, name, kind }: Unknown): Item {
	return { directory, name, id: 0, kind, known: undefined, stat: undefined, hash: null, target: null, xattrs: NO_XATTRS, mayHaveXattrs: kind === KIND.directory }
}

/** Whether it is still there, and what it is. */
async function complete(walking: Walking, item: Item, seen: Stat | undefined): Promise<boolean> {
	const path = pathOfItem(item)
	const [stat] = seen ? [seen] : await statAll(walking, [path])
	const target = item.kind === KIND.symlink ? await readTarget(walking, path) : null
	for (const each of [stat, target]) {
		if (!(each instanceof Error)) continue
		tellUnreadable(walking, path, each)
		return false
	}
	if (!stat) return false
	item.target = target as Buffer | null
	item.stat = item.target ? { ...(stat as Stat), size: item.target.length } : (stat as Stat)
	return true
}

export function nextId({ fs }: Walking): number | Promise<number> {
	const id = drive(fs.ids.next())
	return isPromise(id) ? id : (id as number)
}

/** Of so many that follow each other. */
export async function firstId({ fs }: Walking, many: number): Promise<number> {
	return many === 0 ? 0 : await drive(fs.ids.range(many))
}

function skip({ node, run }: Walking, item: Item, what: string): undefined {
	run.note(`node ${node.name}: ${showPath(pathOfItem(item))} is ${what} and is left alone`)
	run.done('skipped', 0)
}
