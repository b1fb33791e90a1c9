/** What is below a directory, from the sums that are kept of each. */
import type { Reader } from '../catalogue/driver.ts'
import type { Below, CountedDirectory, NamedDirectory } from '../catalogue/stat-directories.ts'
import * as directories from '../catalogue/stat-directories.ts'
import type { FileId, Name } from '../ids.ts'
import { type Op, wait } from '../op.ts'

const NOTHING: Below = { files: 0, bytes: 0, directories: 0 }

/** Files with several names count once, in the first of their directories. */
export function* sizeBelow(reader: Reader, directory: FileId): Op<Below> {
	const [[row]] = (yield* wait(reader.read(directories.findQuery(directory)))) as [CountedDirectory[]]
	return row ? toBelow(row) : NOTHING
}

/** The same of many: for a listing. Those that are not counted yet are left out. */
export function* sizesOf(reader: Reader, ids: readonly FileId[]): Op<Map<FileId, Below>> {
	if (ids.length === 0) return new Map()
	const rows = ((yield* wait(reader.read(...directories.countedQueries(ids)))) as CountedDirectory[][]).flat()
	return new Map(rows.map((row) => [row.id, toBelow(row)]))
}

export type SizedDirectory = Below & { id: FileId; name: Name }

/** Those directly below a directory, by id, those after `after`. */
export function* childSizes(reader: Reader, directory: FileId, after: FileId, limit: number): Op<SizedDirectory[]> {
	const [rows] = (yield* wait(reader.read(directories.childrenQuery(directory, after, limit)))) as [NamedDirectory[]]
	return rows.map(toSized)
}

function toBelow({ files, bytes, directories: many }: CountedDirectory): Below {
	return { files, bytes, directories: many }
}

function toSized(row: NamedDirectory): SizedDirectory {
	return { id: row.id, name: Buffer.from(row.name), ...toBelow(row) }
}
