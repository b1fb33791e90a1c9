/** Which paths an intent and an operation have in common: until it is carried out, what is found there may be what it is about to change. */
import type { Path } from './ids.ts'

/** Whether an intent stands in the way of a path: on it, above it, or (a directory being moved) below it. */
export function standsInTheWay(row: { path: Uint8Array; to_path: Uint8Array | null; op: string }, path: Path): boolean {
	if (covers(row.path, path)) return true
	return row.op !== 'symlink' && row.to_path !== null && covers(row.to_path, path)
}

/** A path lies below another, or is the same. */
export function covers(above: Uint8Array, path: Path): boolean {
	const { length } = above
	if (length > path.length) return false
	if (length === 0) return true
	// Most are seen to differ by a byte or two.
	if (length < path.length && path[length] !== 0x2f) return false
	return above[length - 1] === path[length - 1] && path.compare(above, 0, length, 0, length) === 0
}
