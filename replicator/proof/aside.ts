/** Where a node keeps what must not stand at its place any more: the keeper finds it by its name. */
import { randomUUID } from 'node:crypto'
import type { Path } from '../../core/ids.ts'

/** A longer name is cut, to leave room for what makes it unique. */
const NAME_BYTES_MAX = 200
const SLASH = 0x2f

export function asidePath(path: Path): Path {
	const name = path.subarray(path.lastIndexOf(SLASH) + 1)
	return Buffer.concat([Buffer.from(`.cairn/conflicts/${randomUUID()}-`), name.subarray(0, NAME_BYTES_MAX)])
}
