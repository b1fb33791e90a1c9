/** Whether what was read of files is the content of their versions: nobody was changing them meanwhile. */
import * as wanted from '../catalogue/wanted.ts'
import type { Filesystem } from '../filesystem/filesystem.ts'
import type { FileId } from '../ids.ts'
import { type Op, wait } from '../op.ts'

export interface Version {
	id: FileId
	version: number
}

/** Which of them are as they were, in one question. At most `FILES_MAX` of core/catalogue/wanted.ts. */
export function* settledAmong({ catalogue }: Filesystem, versions: readonly Version[]): Op<Set<FileId>> {
	const ids = versions.map(({ id }) => id)
	const [rows, pins] = (yield* wait(catalogue.read(wanted.filesQuery(ids), wanted.writtenQuery(ids)))) as [wanted.WantedFile[], Array<{ file_id: FileId }>]
	const now = new Map(rows.map((row) => [row.id, row.version]))
	for (const { file_id } of pins) now.delete(file_id)
	return new Set(versions.flatMap(({ id, version }) => (now.get(id) === version ? [id] : [])))
}

export function* isSettled(fs: Filesystem, id: FileId, version: number): Op<boolean> {
	return (yield* settledAmong(fs, [{ id, version }])).has(id)
}
