import { join } from 'node:path'
import { startDaemon } from '../processes.ts'
import type { Running, System } from './system.ts'

export const CAIRN = join(import.meta.dirname, '../../cairn')

const READY = /^ready: /

/** Three nodes on the same disk, one copy of each file: what mergerfs does with three branches. */
export const cairnSqlite: System = {
	name: 'cairn-sqlite',
	title: 'Cairn, SQLite',
	group: 'local',
	share: 1,
	start: (_bench, folder) => startUp(folder, [], 'SQLite: WAL, synchronous=NORMAL'),
}

export const cairnMariadb: System = {
	name: 'cairn-mariadb',
	title: 'Cairn, MariaDB',
	group: 'local',
	share: 1,
	async start(bench, folder) {
		const mariadb = await bench.mariadb()
		const catalogue = await mariadb.freshDatabase('bench')
		return startUp(folder, ['--catalogue', catalogue], 'MariaDB on the same machine through its unix socket')
	},
}

/** The same core behind libfuse 2 and its JavaScript binding. */
export const cairnFuseNative: System = {
	name: 'cairn-fuse-native',
	title: 'Cairn, fuse-native',
	group: 'local',
	share: 1 / 8,
	start: (_bench, folder) => startUp(folder, ['--driver', 'fuse-native'], 'SQLite, --driver fuse-native; an eighth of the work, so that it ends'),
}

export async function startUp(folder: string, options: readonly string[], facts: string): Promise<Running> {
	const root = join(folder, 'combined')
	const command = [CAIRN, 'up', folder, '--nodes', '3', '--copies', '1', '--no-replicator', '--no-api', ...options]
	const daemon = await startDaemon(command, { mountPoint: root, readyLine: READY })
	return { root, facts, pid: daemon.pid, stop: daemon.stop }
}
