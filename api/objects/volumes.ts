/** Volumes are numbers for what was asked for. They never change, so they are asked for once. */
import * as table from '../../core/catalogue/object-volumes.ts'
import type { Asked, ObjectVolumeRow } from '../../core/catalogue/object-volumes.ts'
import { fail } from '../../core/errors.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { transact } from '../../core/filesystem/filesystem.ts'
import { type Op, wait } from '../../core/op.ts'

const KEPT_MAX = 10_000

export interface Volumes {
	/** Made where there is none yet. */
	forAsked(asked: Asked): Op<ObjectVolumeRow>
	find(id: number): Op<ObjectVolumeRow | undefined>
}

export function createVolumes(fs: Filesystem): Volumes {
	const byAsked = new Map<string, ObjectVolumeRow>()
	const byId = new Map<number, ObjectVolumeRow>()

	function keep(row: ObjectVolumeRow): ObjectVolumeRow {
		if (byId.size >= KEPT_MAX) {
			byId.clear()
			byAsked.clear()
		}
		byId.set(row.id, row)
		byAsked.set(keyOf(row), row)
		return row
	}

	function* make(asked: Asked): Op<ObjectVolumeRow> {
		yield* wait(
			transact(fs, function* (tx) {
				table.add(tx, asked, fs.capabilities)
			}),
		)
		return (yield* wait(table.findAsked(fs.catalogue, asked))) ?? fail('EIO', 'the volume that was just made is not there')
	}

	return {
		*forAsked(asked) {
			return byAsked.get(keyOf(asked)) ?? keep((yield* wait(table.findAsked(fs.catalogue, asked))) ?? (yield* make(asked)))
		},
		*find(id) {
			const known = byId.get(id)
			if (known) return known
			const row = yield* wait(table.find(fs.catalogue, id))
			return row && keep(row)
		},
	}
}

function keyOf({ collection, ttl, zone, replication }: Asked): string {
	return [collection, ttl, replication, zone].join('/')
}
