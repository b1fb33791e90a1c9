/** Addresses of this part, and the paths they are of. */
import type { Path } from '../../core/ids.ts'
import { encode, pathIn } from '../content/paths.ts'

export const PREFIX = '/dav/'

export function hrefOf(path: Path, isDirectory: boolean): string {
	return PREFIX + encode(path) + (isDirectory && path.length > 0 ? '/' : '')
}

/** Of an address in a header; undefined where it is not one of these. */
export function pathOfAddress(address: string): Path | undefined {
	const path = address.replace(/^https?:\/\/[^/]*/i, '')
	return path.startsWith(PREFIX) ? withoutSlash(pathIn(path)) : undefined
}

function withoutSlash(path: Path): Path {
	return path.at(-1) === 0x2f ? path.subarray(0, -1) : path
}
