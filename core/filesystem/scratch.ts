/** Where what sites send back is put together: `.restore/<number of the order>`, in the tree, so that any door can go on with it. */
import type { Name, Path } from '../ids.ts'

export const SCRATCH: Name = Buffer.from('.restore')

export function isScratch(path: Path): boolean {
	return path.subarray(0, SCRATCH.length).equals(SCRATCH) && (path.length === SCRATCH.length || path[SCRATCH.length] === 0x2f)
}
