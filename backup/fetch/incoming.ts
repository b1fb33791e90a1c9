/** What earlier runs left in `incoming/` is gone on with when the server leases it again; after a while nobody will. */
import fs from 'node:fs'
import type { Run } from '../work/run.ts'

const DAY_MS = 86_400_000
const KEEP_MS = 14 * DAY_MS

export function cleanIncoming({ folder: { incoming, leftovers }, hello }: Run): void {
	// By a clock that is wrong nothing is old.
	const isClockRight = Math.abs(hello.aheadS) * 1000 < DAY_MS
	for (const entry of fs.readdirSync(incoming.path, { encoding: 'buffer' })) {
		const path = incoming.at(entry)
		if (isClockRight && Date.now() - fs.lstatSync(path).mtimeMs > KEEP_MS) fs.rmSync(path)
		else leftovers.add(entry.toString())
	}
}
