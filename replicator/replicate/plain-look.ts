/** What the catalogue says of plain files. */
import type { Reader } from '../../core/catalogue/driver.ts'
import { plainQuery } from '../../core/catalogue/wanted-plain.ts'
import type { FileId } from '../../core/ids.ts'
import { type Op, run as drive, wait } from '../../core/op.ts'
import type { Replicator } from '../replicator.ts'
import { SMALL_BYTES_MAX } from './copies.ts'
import { encodePath } from './messages.ts'
import { type Plain, plainsOf } from './plain-facts.ts'
import { type Directory, directoriesOf } from './tree-paths.ts'

export interface Asked {
	ids: readonly FileId[]
	/** Of those among them that are plain. */
	plains: Plain[]
	/** The same as the catalogue has it. */
	text: string
	directories: ReadonlyMap<FileId, Directory>
}

export async function askPlain(rep: Replicator, reader: Reader, ids: readonly FileId[]): Promise<Asked> {
	return await drive(ask(rep, reader, ids))
}

function* ask(rep: Replicator, reader: Reader, ids: readonly FileId[]): Op<Asked> {
	const text = yield* textOf(rep, reader, ids)
	const plains = plainsOf(text)
	return { ids, plains, text, directories: yield* directoriesOf(reader, parentsOf(plains)) }
}

/** '' where the database cannot say it like that. */
function* textOf({ fs, node }: Replicator, reader: Reader, ids: readonly FileId[]): Op<string> {
	const query = plainQuery(node.id, SMALL_BYTES_MAX, ids, fs.capabilities)
	if (query === undefined) return ''
	const [[{ facts }]] = (yield* wait(reader.read(query))) as [[{ facts: Uint8Array | null }]]
	return facts === null ? '' : encodePath(facts)
}

function parentsOf(plains: readonly Plain[]): Set<FileId> {
	return new Set(plains.map(({ parent }) => parent))
}

/** Which of them are as they were, and where they were. */
export function* sameAs(rep: Replicator, reader: Reader, { ids, text, directories }: Asked): Op<(plain: Plain) => boolean> {
	const now = yield* textOf(rep, reader, ids)
	const plains = now === text ? undefined : new Set(plainsOf(now).map(keyOf))
	const above = yield* directoriesOf(reader, directories.keys())
	const moved = new Set([...directories].filter(([id, { path }]) => above.get(id)?.path.equals(path) !== true).map(([id]) => id))
	return (plain) => !moved.has(plain.parent) && (plains === undefined || plains.has(keyOf(plain)))
}

function keyOf({ name, facts }: Plain): string {
	return `${name}/${facts}`
}
