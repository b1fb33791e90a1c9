/** Paths in paths. */
import type { Path } from '../../core/ids.ts'

const SLASH = 0x2f

/** The same path, or one below it. */
export function isBelow(path: Path, above: Path): boolean {
	if (path.length < above.length || path.compare(above, 0, above.length, 0, above.length) !== 0) return false
	return above.length === 0 || path.length === above.length || path[above.length] === SLASH
}

export function parentOf(path: Path): Path {
	return path.subarray(0, Math.max(0, path.lastIndexOf(SLASH)))
}

/** As that of a directory may, and of a file does not. */
export function endsInSlash(path: Path): boolean {
	return path.at(-1) === SLASH
}
