import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { run, startDaemon } from '../processes.ts'
import type { Running, System } from './system.ts'

/** As its documentation recommends for ordinary use: no page cache of its own, new files where there is most room. */
const OPTIONS = 'cache.files=off,dropcacheonclose=false,category.create=mfs,use_ino,allow_other'

/** Three branches on the same disk. */
export const mergerfs: System = {
	name: 'mergerfs',
	title: 'mergerfs',
	group: 'local',
	share: 1,
	async start(_bench, folder) {
		const branches = ['branch1', 'branch2', 'branch3'].map((name) => join(folder, name))
		for (const branch of branches) await mkdir(branch)
		return startMergerfs(branches, join(folder, 'combined'))
	},
}

export async function startMergerfs(branches: readonly string[], root: string): Promise<Running> {
	await mkdir(root)
	const version = /[\d.]+/.exec(await run(['mergerfs', '--version']))?.[0] ?? ''
	const daemon = await startDaemon(['mergerfs', '-f', '-o', OPTIONS, branches.join(':'), root], { mountPoint: root })
	return { root, facts: `mergerfs ${version}, ${OPTIONS}`, pid: daemon.pid, stop: daemon.stop }
}
