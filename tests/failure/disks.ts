/** Small real disks for nodes: ext4 in a file, on a loop device, or a tmpfs of that size where loop devices cannot be had. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { MountOptions } from '../support/mount.ts'

/** For `prepare` of a mount: node1, node2, ... on disks of these sizes. */
export function onDisks(...megabytes: number[]): Pick<MountOptions, 'nodes' | 'prepare'> {
	const prepare = (dir: string) => {
		for (const [index, size] of megabytes.entries()) mountDisk(join(dir, `disk${index + 1}`), join(dir, `node${index + 1}`), size)
	}
	return { nodes: megabytes.length, prepare }
}

export function mountDisk(image: string, mountPoint: string, megabytes: number): void {
	mkdirSync(mountPoint)
	writeFileSync(image, '')
	truncateSync(image, megabytes * 1024 * 1024)
	execFileSync('mkfs.ext4', ['-q', '-m', '0', image])
	if (spawnSync('mount', ['-o', 'loop', image, mountPoint]).status === 0) return
	execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'none', mountPoint])
}
