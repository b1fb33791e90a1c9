import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { System } from './system.ts'

/** One plain directory of the disk that all the others stand on. */
export const disk: System = {
	name: 'disk',
	title: 'disk',
	group: 'local',
	share: 1,
	async start(_bench, folder) {
		const root = join(folder, 'plain')
		await mkdir(root)
		return { root, facts: 'a plain directory', stop: async () => {} }
	},
}
