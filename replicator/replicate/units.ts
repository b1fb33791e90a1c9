/** What is wanted on a node, in portions: a large file by itself, small ones together. The fewer good copies a file has, the earlier it comes. */
import * as wanted from '../../core/catalogue/wanted.ts'
import type { WantedRow } from '../../core/catalogue/wanted.ts'
import type { FileId } from '../../core/ids.ts'
import type { Replicator } from '../replicator.ts'
import { patiently } from './patience.ts'

const PAGE_ROWS = 2_000
const AMOUNT_ROWS = 20_000
/** A larger file is a unit of its own. */
const SMALL_BYTES_MAX = 4 * 1024 ** 2
const UNIT_BYTES_MAX = 32 * 1024 ** 2
/** What is synced at once, and entered with one transaction. */
const UNIT_FILES_MAX = 2 * wanted.FILES_MAX

/** Up to `last`: what is wanted since then is for the next run. */
export async function* unitsOf(rep: Replicator, last: FileId): AsyncGenerator<FileId[]> {
	await expectAll(rep, last)
	// How many good copies there are is seen on the way: mostly it is the same number for all, and once through is enough.
	let hopeless = false
	for (let copies = 1; Number.isFinite(copies); ) {
		let more = Number.POSITIVE_INFINITY
		for await (const page of pagesOf(rep, last)) {
			for (const { good } of page) {
				if (good > copies && good < more) more = good
				hopeless ||= good === 0
			}
			yield* together(page.filter(({ good }) => good === copies))
		}
		copies = more
	}
	// Of these nothing can be read, unless that changed meanwhile; each is named.
	if (hopeless) for await (const page of pagesOf(rep, last)) yield* together(page.filter(({ good }) => good === 0))
}

async function* pagesOf({ fs, node, run }: Replicator, last: FileId): AsyncGenerator<WantedRow[]> {
	for (let after = 0; after < last; ) {
		const page = await patiently(run, async () => wanted.page(fs.catalogue, { node: node.id, after, last, limit: PAGE_ROWS }))
		if (page.length > 0) yield page
		after = page.length < PAGE_ROWS ? last : page[page.length - 1].file_id
	}
}

function* together(rows: readonly WantedRow[]): Generator<FileId[]> {
	let unit: FileId[] = []
	let bytes = 0
	for (const { file_id, size } of rows) {
		if (size > SMALL_BYTES_MAX) {
			yield [file_id]
			continue
		}
		unit.push(file_id)
		bytes += size
		if (unit.length < UNIT_FILES_MAX && bytes < UNIT_BYTES_MAX) continue
		yield unit
		unit = []
		bytes = 0
	}
	if (unit.length > 0) yield unit
}

/** In portions, so that nobody waits long for the catalogue. */
async function expectAll({ fs, node, run }: Replicator, last: FileId): Promise<void> {
	for (let after = 0; ; ) {
		const found = await wanted.amount(fs.catalogue, { node: node.id, after, last, limit: AMOUNT_ROWS })
		if (!found || found.last === null) return
		run.expect(found.files, found.bytes ?? 0)
		after = found.last
	}
}
