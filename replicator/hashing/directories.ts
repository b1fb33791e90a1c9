/** Directories that are asked for together, one after the other on a hashing thread. */
import { close } from '../../core/libc.ts'
import { constants } from 'node:fs'
import { O_CLOEXEC, openBeneath } from '../../core/nodes/beneath.ts'
import type { Directories } from './packets.ts'

const FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | O_CLOEXEC

/** What `look` makes of each; undefined for one that cannot be looked at: whoever asked will meet the reason himself. */
export function eachDirectory<T>(root: number, { paths, ends }: Directories, look: (fd: number) => T | undefined): Array<T | undefined> {
	return Array.from(ends, (end, index) => {
		const from = index === 0 ? 0 : ends[index - 1]
		return openAndSee(root, paths.subarray(from, end), look)
	})
}

export function openAndSee<T>(root: number, path: Uint8Array, look: (fd: number) => T | undefined): T | undefined {
	try {
		return withDirectory(root, path, look)
	} catch {
		return undefined
	}
}

function withDirectory<T>(root: number, path: Uint8Array, look: (fd: number) => T): T {
	const fd = openBeneath(root, path, path.length, FLAGS, 0)
	try {
		return look(fd)
	} finally {
		close(fd)
	}
}
