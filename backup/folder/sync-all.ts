/**
 * Everything that was written to the folder's filesystem is on the disk: once for many files. Syncing each of them makes a journal commit
 * for each of them. Only where that is as good as syncing them, which is not so of every filesystem and every kernel; elsewhere, and where
 * others keep the disk so busy that it takes long, each file is synced by itself.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { release } from 'node:os'

/** ext2 to ext4, XFS, Btrfs, F2FS, ZFS: as statfs(2) calls them. A filesystem of FUSE need not pass it on. */
const TYPES = new Set([0xef53, 0x58465342, 0x9123683e, 0xf2f52010, 0x2fc12fc1])
/** Since then syncfs(2) tells what could not be written. */
const LINUX_MIN = [5, 8] as const
const SLOW_MS = 2_000

export interface SyncAll {
	/** False: it was not done. */
	(): Promise<boolean>
}

export function createSyncAll(root: Buffer | string): SyncAll {
	let isUseful = process.platform === 'linux' && isNewEnough(release()) && TYPES.has(fs.statfsSync(root).type)
	const path = root.toString().replace('/self/', `/${process.pid}/`)
	return async () => {
		if (!isUseful) return false
		const startedMs = performance.now()
		const isDone = await sync(path)
		isUseful = isDone && performance.now() - startedMs < SLOW_MS
		return isDone
	}
}

function isNewEnough(version: string): boolean {
	const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10))
	return major > LINUX_MIN[0] || (major === LINUX_MIN[0] && minor >= LINUX_MIN[1])
}

async function sync(path: string): Promise<boolean> {
	try {
		const [code] = await once(spawn('sync', ['-f', path], { stdio: 'ignore' }), 'exit')
		return code === 0
	} catch {
		return false
	}
}
