/** Runs in hands: what a server of NFS does with the files of a mount. */
import fs from 'node:fs'
import { join } from 'node:path'
import { handleOf, openHandle } from '../support/libc.ts'

export function handlesOf(root: string, paths: string[]): Buffer[] {
	return paths.map((path) => handleOf(join(root, path)))
}

/** The content, names in a directory, or the errno. With where it is, which for a directory the kernel finds out from below. */
export function lookInto(root: string, handles: Buffer[]): Array<{ path: string; holds: string | string[] } | string> {
	const mount = fs.openSync(root, 'r')
	try {
		return handles.map((handle) => holds(mount, root, Buffer.from(handle)))
	} finally {
		fs.closeSync(mount)
	}
}

function holds(mount: number, root: string, handle: Buffer): { path: string; holds: string | string[] } | string {
	try {
		const fd = openHandle(mount, handle, fs.constants.O_RDONLY)
		const self = `/proc/self/fd/${fd}`
		try {
			const isDirectory = fs.fstatSync(fd).isDirectory()
			const path = isDirectory ? fs.readlinkSync(self).slice(root.length + 1) : ''
			return { path, holds: isDirectory ? fs.readdirSync(self).sort() : fs.readFileSync(fd, 'utf8') }
		} finally {
			fs.closeSync(fd)
		}
	} catch (error) {
		return (error as NodeJS.ErrnoException).code ?? String(error)
	}
}
