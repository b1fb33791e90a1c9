/** Files that have the same content, by their hashes: a part of all hashes at a time. */
import type { Driver } from '../catalogue/driver.ts'
import type { FileRow } from '../catalogue/files.ts'
import * as finds from '../catalogue/finds.ts'

/** As many passes over the files; in memory are the repeated ones of one part. */
const PARTS = 16

/** Those of one content follow each other. */
export async function* contentsInOrder(catalogue: Driver): AsyncGenerator<Array<{ row: FileRow; hash: Buffer }>> {
	const bound = (part: number) => Buffer.from([(part * 256) / PARTS])
	for (let part = 0; part < PARTS; part++) {
		const rows = await finds.ofContents(catalogue, bound(part), part + 1 < PARTS ? bound(part + 1) : undefined)
		yield rows.map((row) => ({ row, hash: Buffer.from(row.hash) }))
	}
}
