/** Whether what was read of files is the content of their versions: nobody was changing them meanwhile. */
import * as wanted from '../catalogue/wanted.ts'
import type { Filesystem } from '../filesystem/filesystem.ts'
import type { FileId } from '../ids.ts'
import { type Op, wait } from '../op.ts'

export interface Version {
	id: FileId
	version: number
}

/** A file as it is now. */
export interface Present {
	version: number
	/** Somebody has it open for writing. */
	isWritten: boolean
}

/** Those that are there, in one question. At most `FILES_MAX` of core/catalogue/wanted.ts. */
export function* presentOf({ catalogue }: Filesystem, ids: readonly FileId[]): Op<Map<FileId, Present>> {
	const [rows, pins] = (yield* wait(catalogue.read(wanted.filesQuery(ids), wanted.writtenQuery(ids)))) as [wanted.WantedFile[], Array<{ file_id: FileId }>]
	const written = new Set(pins.map(({ file_id }) => file_id))
	return new Map(rows.map(({ id, version }) => [id, { version, isWritten: written.has(id) }]))
}

/** Which of them are as they were. */
export function* settledAmong(fs: Filesystem, versions: readonly Version[]): Op<Set<FileId>> {
	const now = yield* presentOf(fs, versions.map(({ id }) => id))
	const isSettled = ({ id, version }: Version) => now.get(id)?.version === version && !now.get(id)?.isWritten
	return new Set(versions.filter(isSettled).map(({ id }) => id))
}

export function* isSettled(fs: Filesystem, id: FileId, version: number): Op<boolean> {
	return (yield* settledAmong(fs, [{ id, version }])).has(id)
}
