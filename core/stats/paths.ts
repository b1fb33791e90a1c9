/** The first path of a file, without what a running filesystem remembers of directories. */
import type { Reader } from '../catalogue/driver.ts'
import * as entries from '../catalogue/entries.ts'
import { type FileId, type Path, ROOT_ID } from '../ids.ts'
import { type Op, wait } from '../op.ts'

const SLASH = Buffer.from('/')
const EMPTY = Buffer.alloc(0)

/** From the root of the tree, without the first slash. Undefined of what has no name any more. */
export function* pathOf(reader: Reader, id: FileId): Op<Path | undefined> {
	if (id === ROOT_ID) return EMPTY
	const [name] = yield* wait(entries.namesOf(reader, id, 1))
	if (!name) return undefined
	const own = Buffer.from(name.name)
	if (name.parent_id === ROOT_ID) return own
	const above = yield* wait(entries.chain(reader, name.parent_id))
	if (above.length === 0 || above[above.length - 1].parent_id !== ROOT_ID) return undefined
	return Buffer.concat([...above.reverse().flatMap((row) => [Buffer.from(row.name), SLASH]), own])
}
