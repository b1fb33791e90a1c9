/** Paths in the tree, as people type them: from its root, with or without a slash, or from where it is mounted. */
import type { Config } from '../core/config/types.ts'
import { UserError } from '../core/errors.ts'
import type { Path } from '../core/ids.ts'
import { EXIT } from './exit-codes.ts'
import { isBelowFuse } from './mountinfo.ts'

/** What a mount calls itself, before its mount point. */
const MOUNT = 'mount '

type Place = Pick<Config, 'mount' | 'catalogue'>

export async function treePath(text: string, config: Place): Promise<Path> {
	const names = (await withoutMountPoint(text, config)).split('/').filter((name) => name !== '' && name !== '.')
	if (names.includes('..')) throw new UserError(`${text}: a path in the tree has no '..'`, EXIT.usage)
	return Buffer.from(names.join('/'))
}

export async function withoutMountPoint(text: string, config: Place): Promise<string> {
	return text.slice((await mountPointOf(text, config)).length)
}

/** Where the tree is mounted that a path begins with: as the configuration has it, or as the mounts that run say. */
async function mountPointOf(text: string, { mount, catalogue }: Place): Promise<string> {
	const isBelow = (point: string) => point !== '' && `${text}/`.startsWith(`${point}/`)
	if (isBelow(mount.path)) return mount.path
	if (!text.startsWith('/') || !isBelowFuse(text)) return ''
	const { askAll } = await import('../core/live/ask.ts')
	const points = (await askAll(catalogue, 'top')).flatMap(({ what }) => (what.startsWith(MOUNT) ? [what.slice(MOUNT.length)] : []))
	return points.find(isBelow) ?? ''
}

export function isAtOrBelow(path: Path, directory: Path): boolean {
	if (directory.length === 0 || path.equals(directory)) return true
	return path.length > directory.length && path[directory.length] === 0x2f && path.subarray(0, directory.length).equals(directory)
}
