/** Paths in the tree, as people type them: from its root, with or without a slash, or from where it is mounted. */
import type { Config } from '../core/config/types.ts'
import { UserError } from '../core/errors.ts'
import type { Path } from '../core/ids.ts'
import { EXIT } from './exit-codes.ts'

export function treePath(text: string, { mount }: Pick<Config, 'mount'>): Path {
	const isMounted = mount.path !== '' && (text === mount.path || text.startsWith(`${mount.path}/`))
	const names = (isMounted ? text.slice(mount.path.length) : text).split('/').filter((name) => name !== '' && name !== '.')
	if (names.includes('..')) throw new UserError(`${text}: a path in the tree has no '..'`, EXIT.usage)
	return Buffer.from(names.join('/'))
}

export function isAtOrBelow(path: Path, directory: Path): boolean {
	if (directory.length === 0 || path.equals(directory)) return true
	return path.length > directory.length && path[directory.length] === 0x2f && path.subarray(0, directory.length).equals(directory)
}
