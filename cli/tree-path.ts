/**
 * Paths in the tree, as people type them: from its root, with or without a slash; from where it is mounted; and where the shell stands
 * in the mount, from there. No mount is touched for it, as one that hangs would hold whoever asks.
 */
import { resolve } from 'node:path'
import type { Config } from '../core/config/types.ts'
import { UserError } from '../core/errors.ts'
import type { Path } from '../core/ids.ts'
import { EXIT } from './exit-codes.ts'
import { isBelowFuse, isOurs, mountAbove } from './mountinfo.ts'
import { typedPath } from './typed-name.ts'
import type { Deps } from './verb.ts'

/** For the help of whatever takes such a path. */
export const TREE_PATH = 'from the root of the tree, below its mount point, or in the mount from where you are'

/** What a mount calls itself, before its mount point. */
const MOUNT = 'mount '

type Tree = Pick<Config, 'mount' | 'catalogue'>

export async function treePath(text: string, tree: Tree, deps: Pick<Deps, 'directory'>): Promise<Path> {
	const names = (await fromRoot(text, tree, deps)).split('/').filter((name) => name !== '' && name !== '.')
	if (names.includes('..')) throw new UserError(`${text}: a path in the tree has no '..'`, EXIT.usage)
	return typedPath(names)
}

/** The same as text, with dots and slashes that were typed. */
export async function fromRoot(text: string, tree: Tree, { directory }: Pick<Deps, 'directory'>): Promise<string> {
	if (text === '') throw new UserError('the path is empty; all of the tree is /', EXIT.usage)
	if (text.startsWith('/')) return text.slice((await mountPointOf(text, tree)).length)
	const here = await mountHere(directory, tree)
	if (here === undefined) return text
	const whole = resolve(directory, text)
	if (!isWithin(whole, here)) throw new UserError(`${text}: leads out of the tree, which is mounted at ${here}`, EXIT.usage)
	return whole.slice(here.length)
}

/** Where the tree is mounted that an absolute path begins with: as the configuration has it, or as the mounts that run say. */
async function mountPointOf(text: string, { mount, catalogue }: Tree): Promise<string> {
	if (mount.path !== '' && isWithin(text, mount.path)) return mount.path
	if (!isBelowFuse(text)) return ''
	return (await mountPoints(catalogue)).find((point) => isWithin(text, point)) ?? ''
}

/** The mount point of this tree that the shell stands in or below; undefined where it stands elsewhere. */
async function mountHere(directory: string, tree: Tree): Promise<string | undefined> {
	const { mountPoint, type } = mountAbove(directory) ?? { mountPoint: '', type: '' }
	if (!isOurs(type)) return undefined
	if (await isMountOf(tree, mountPoint)) return mountPoint
	throw new UserError(`here is another tree, mounted at ${mountPoint}, or one that does not answer: name the path from the root of the tree, as in /a/b`, EXIT.usage)
}

/** A node there would be a part of what it keeps. */
export async function refuseInTree(path: string, tree: Tree): Promise<void> {
	const above = mountAbove(path)
	if (!above || !isOurs(above.type) || !(await isMountOf(tree, above.mountPoint))) return
	throw new UserError(`${path} is in the tree itself, which is mounted at ${above.mountPoint}`, EXIT.refused)
}

async function isMountOf({ mount, catalogue }: Tree, mountPoint: string): Promise<boolean> {
	return mountPoint === mount.path || (await mountPoints(catalogue)).includes(mountPoint)
}

async function mountPoints(catalogue: string): Promise<string[]> {
	const { askAll } = await import('../core/live/ask.ts')
	return (await askAll(catalogue, 'top')).flatMap(({ what }) => (what.startsWith(MOUNT) ? [what.slice(MOUNT.length)] : []))
}

function isWithin(path: string, directory: string): boolean {
	return `${path}/`.startsWith(`${directory}/`)
}

export function isAtOrBelow(path: Path, directory: Path): boolean {
	if (directory.length === 0 || path.equals(directory)) return true
	return path.length > directory.length && path[directory.length] === 0x2f && path.subarray(0, directory.length).equals(directory)
}
