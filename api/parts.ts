/** The parts there are, by the name the configuration has for them. */
import type { PartName } from '../core/config/types.ts'
import type { Part } from './api.ts'

const PARTS: Partial<Record<PartName, () => Promise<Part>>> = {
	backup: async () => (await import('./off-site/backup.ts')).backup,
	metrics: async () => (await import('./metrics/metrics.ts')).part,
	files: async () => (await import('./files/files.ts')).part,
	sfss: async () => (await import('./sfss/sfss.ts')).sfss,
	hercules: async () => (await import('./hercules/hercules.ts')).hercules,
	objects: async () => (await import('./objects/objects.ts')).objects,
	dav: async () => (await import('./dav/dav.ts')).part,
	stats: async () => (await import('./stats/stats.ts')).part,
}

/** All that exist where none is named. Only what is served is loaded. */
export async function loadParts(names: readonly PartName[] | undefined): Promise<Part[]> {
	const loads = Object.entries(PARTS).filter(([name]) => names === undefined || names.includes(name as PartName))
	return await Promise.all(loads.map(([, load]) => load()))
}
