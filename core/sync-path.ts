import { closeSync, fsyncSync, openSync } from 'node:fs'

/** What a file has, or which names a directory has, is on the disk when this returns. */
export function syncPath(path: string | Buffer): void {
	const fd = openSync(path, 'r')
	try {
		fsyncSync(fd)
	} finally {
		closeSync(fd)
	}
}
