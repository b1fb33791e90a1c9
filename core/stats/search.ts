/** Names with a part in them, newest files first: a stretch of ids at a time, so that whoever asks can stop, and others have their turn. */
import { setImmediate as turn } from 'node:timers/promises'
import type { Driver } from '../catalogue/driver.ts'
import * as entries from '../catalogue/entries.ts'
import type { SearchedRow } from '../catalogue/entries.ts'
import type { Path } from '../ids.ts'
import { run } from '../op.ts'
import { directoryPath } from './paths.ts'

const STRETCH_IDS = 20_000

export interface Match {
	path: Path
	kind: number
	size: number
}

export interface Matches {
	found: Match[]
	/** There may be more: enough was found, or the time was over. */
	more: boolean
}

/** Letters are bytes: large and small ones differ. */
export async function searchNames(catalogue: Driver, part: Uint8Array, { limit, msMax }: { limit: number; msMax: number }): Promise<Matches> {
	const endMs = performance.now() + msMax
	const found: Match[] = []
	for (let to = await entries.lastId(catalogue); to > 0; to -= STRETCH_IDS) {
		for (const row of await entries.containing(catalogue, part, { after: to - STRETCH_IDS, to, limit: limit + 1 - found.length })) {
			const match = await located(catalogue, row)
			if (match) found.push(match)
			if (found.length > limit) return { found: found.slice(0, limit), more: true }
		}
		if (performance.now() > endMs) return { found, more: true }
		await turn()
	}
	return { found, more: false }
}

async function located(catalogue: Driver, { parent_id, name, kind, size }: SearchedRow): Promise<Match | undefined> {
	const directory = await run(directoryPath(catalogue, parent_id))
	return directory && { path: Buffer.concat([directory, Buffer.from(name)]), kind, size }
}
