/** What is in a directory, a page at a time: it may have a million names, and others want to be served between two pages. */
import { setImmediate as othersFirst } from 'node:timers/promises'
import type { Maybe } from '../../core/op.ts'

/** `read` says what comes after a name, at most so many rows. */
export async function* pages<Row extends { name: Uint8Array }>(rows: number, read: (after: Buffer, rows: number) => Maybe<Row[]>): AsyncGenerator<Row[]> {
	for (let after = Buffer.alloc(0); ; ) {
		const page = await read(after, rows)
		if (page.length > 0) yield page
		if (page.length < rows) return
		after = Buffer.from(page[page.length - 1].name)
		await othersFirst()
	}
}
