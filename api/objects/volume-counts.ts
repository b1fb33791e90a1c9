/** How many objects each volume has, and how large they are: counted when somebody asks, in small steps, and kept for a while. */
import { setImmediate as breath } from 'node:timers/promises'
import * as objects from '../../core/catalogue/objects.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'

export type Counts = ReadonlyMap<number, { files: number; bytes: number }>

const KEPT_MS = 60_000
const PAGE = 2_000

const kept = new WeakMap<Filesystem, { atMs: number; counts: Promise<Counts> }>()

export function counted(fs: Filesystem): Promise<Counts> {
	const known = kept.get(fs)
	if (known && performance.now() - known.atMs < KEPT_MS) return known.counts
	const counts = count(fs)
	kept.set(fs, { atMs: performance.now(), counts })
	counts.catch(() => kept.delete(fs))
	return counts
}

async function count({ catalogue }: Filesystem): Promise<Counts> {
	const counts = new Map<number, { files: number; bytes: number }>()
	for (let after = 0; ; ) {
		const rows = await objects.page(catalogue, after, PAGE)
		for (const { volume_id, size } of rows) {
			const sum = counts.get(volume_id) ?? { files: 0, bytes: 0 }
			counts.set(volume_id, { files: sum.files + 1, bytes: sum.bytes + size })
		}
		if (rows.length < PAGE) return counts
		after = rows[rows.length - 1].id
		await breath()
	}
}
