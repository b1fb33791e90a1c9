/** Whether what was read of a file is the content of a version: nobody was changing it meanwhile. */
import * as files from '../catalogue/files.ts'
import type { FileRow } from '../catalogue/files.ts'
import * as writers from '../catalogue/writers.ts'
import type { Filesystem } from '../filesystem/filesystem.ts'
import type { FileId } from '../ids.ts'
import { type Op, wait } from '../op.ts'

export function* isSettled({ catalogue }: Filesystem, id: FileId, version: number): Op<boolean> {
	const [[row], pins] = (yield* wait(catalogue.read(files.findQuery(id), writers.ofFileQuery(id)))) as [FileRow[], unknown[]]
	return row?.version === version && pins.length === 0
}
