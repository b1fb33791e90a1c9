/** What earlier runs left in `incoming/` is gone on with when the server leases it again; after a while nobody will. */
import fs from 'node:fs'
import type { Folder } from '../folder/folder.ts'

const KEEP_MS = 14 * 86_400_000

export function cleanIncoming({ incoming, leftovers }: Folder): void {
	for (const entry of fs.readdirSync(incoming.path, { encoding: 'buffer' })) {
		const path = incoming.at(entry)
		if (Date.now() - fs.lstatSync(path).mtimeMs > KEEP_MS) fs.rmSync(path)
		else leftovers.add(entry.toString())
	}
}
