import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { mountSshfs } from '../../tests/support/sshfs.ts'
import { startUp } from './cairn.ts'
import { startMergerfs } from './mergerfs.ts'
import type { Running, System } from './system.ts'

const NODES = ['node1', 'node2', 'node3']

/** Three branches, each on an sshfs mount of a directory of this machine: what a union pays for a network below it. */
export const mergerfsSshfs: System = {
	name: 'mergerfs-sshfs',
	title: 'mergerfs on sshfs',
	group: 'network',
	share: 1,
	async start(_bench, folder) {
		const running = await onSshfs(folder, (branches) => startMergerfs(branches, join(folder, 'combined')))
		// All in the branch it asks first: the best case for it.
		return { ...running, source: serverOf(folder, NODES[0]) }
	},
}

export const cairnSshfs: System = {
	name: 'cairn-sshfs',
	title: 'Cairn on sshfs, SQLite',
	group: 'network',
	share: 1,
	start: (_bench, folder) => onSshfs(folder, () => startUp(folder, [], 'SQLite')),
}

async function onSshfs(folder: string, start: (branches: readonly string[]) => Promise<Running>): Promise<Running> {
	const mounts: { stop(): Promise<void> }[] = []
	const unmount = async () => {
		for (const mount of mounts.splice(0).reverse()) await mount.stop()
	}
	try {
		for (const name of NODES) {
			const source = serverOf(folder, name)
			await mkdir(source)
			mounts.push(await mountSshfs(source, join(folder, name)))
		}
		const running = await start(NODES.map((name) => join(folder, name)))
		const stop = async () => {
			await running.stop()
			await unmount()
		}
		return { ...running, facts: `${running.facts}, on three sshfs mounts`, stop }
	} catch (error) {
		await unmount()
		throw error
	}
}

function serverOf(folder: string, node: string): string {
	return join(folder, `server-${node}`)
}
