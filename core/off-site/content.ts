/** A version's content, from the best copy there is and on with another when that one fails. */
import { Errno } from '../errors.ts'
import type { Filesystem } from '../filesystem/filesystem.ts'
import { open } from '../filesystem/open.ts'
import { release } from '../filesystem/publish.ts'
import { readRange } from '../filesystem/read-content.ts'
import type { FileRow } from '../catalogue/files.ts'
import type { FileId } from '../ids.ts'
import { run } from '../op.ts'
import { isSettled } from './settled.ts'

export interface VersionContent {
	row: FileRow
	/** Fails with ESTALE before its last bytes where the content changed meanwhile. */
	bytes(from: number, to: number): AsyncGenerator<Buffer>
	close(): Promise<void>
}

/** ESTALE when the file has another version, or somebody is writing it. */
export async function openVersion(fs: Filesystem, id: FileId, version: number): Promise<VersionContent> {
	const file = await run(open(fs, id, { write: false, truncate: false }))
	const close = async () => run(release(fs, file, false))
	try {
		if (file.row.version !== version || !(await run(isSettled(fs, id, version)))) throw new Errno('ESTALE', 'the file has changed')
	} catch (error) {
		await close()
		throw error
	}
	async function* bytes(from: number, to: number): AsyncGenerator<Buffer> {
		let at = from
		for await (const chunk of readRange(fs, { file }, from, to)) {
			at += chunk.length
			if (at >= to && !(await run(isSettled(fs, id, version)))) throw new Errno('ESTALE', 'the file has changed')
			yield chunk
		}
	}
	return { row: file.row, bytes, close }
}
