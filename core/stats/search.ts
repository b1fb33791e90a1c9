/** Names with a part in them, newest files first: a stretch of names at a time, so that whoever asks can stop, and others have their turn. */
import { setImmediate as turn } from 'node:timers/promises'
import type { Driver } from '../catalogue/driver.ts'
import * as entries from '../catalogue/entries.ts'
import type { SearchedRow } from '../catalogue/entries.ts'
import type { FileId, Path } from '../ids.ts'
import { run } from '../op.ts'
import { directoryPath } from './paths.ts'

const STRETCH_NAMES = 20_000

export interface Match {
	path: Path
	kind: number
	size: number
}

export interface Matches {
	found: Match[]
	/** From where to go on: enough was found, or the time was over. */
	next?: FileId
}

export interface Search {
	part: Uint8Array
	/** Where an earlier search stopped. */
	from?: FileId
	limit: number
	msMax: number
}

/** Large and small letters of English are the same. */
export async function searchNames(catalogue: Driver, { part, from = Number.MAX_SAFE_INTEGER, limit, msMax }: Search): Promise<Matches> {
	const endMs = performance.now() + msMax
	const found: Match[] = []
	for (let high = from; ; ) {
		const low = await entries.lowestOf(catalogue, { high, many: STRETCH_NAMES })
		if (low === undefined) return { found }
		for (const row of await entries.containing(catalogue, catalogue.capabilities, { part, low, high, limit: limit + 1 - found.length })) {
			if (found.length === limit) return { found, next: row.file_id }
			const match = await located(catalogue, row)
			if (match) found.push(match)
		}
		high = low - 1
		if (performance.now() > endMs) return { found, next: high }
		await turn()
	}
}

async function located(catalogue: Driver, { parent_id, name, kind, size }: SearchedRow): Promise<Match | undefined> {
	const directory = await run(directoryPath(catalogue, parent_id))
	return directory && { path: Buffer.concat([directory, Buffer.from(name)]), kind, size }
}
