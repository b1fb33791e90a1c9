/** What a running filesystem knows of its nodes, for explanations. */
import type { Filesystem } from '../filesystem/filesystem.ts'
import { freeBytes } from '../placement/room.ts'
import type { Asker } from './explanation.ts'

export function askerOf(fs: Filesystem): Asker {
	return {
		catalogue: fs.catalogue,
		copyRates: fs.config.replicator.copyRates,
		see(row) {
			const node = fs.nodes.get(row.id)
			if (!node) return { up: false, since: undefined, reason: 'this process does not use it', capacityBytes: row.capacity, freeBytes: row.free }
			const { up, since, reason } = node.health
			return { up, since, reason, capacityBytes: node.space.capacity, freeBytes: freeBytes(node) }
		},
	}
}
