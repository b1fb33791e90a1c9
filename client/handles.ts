/** What the kernel calls a file handle. */
import { fail } from '../core/errors.ts'
import type { OpenFile } from '../core/filesystem/open-files.ts'

export interface FileHandle {
	file: OpenFile
	write: boolean
	/** The kernel has the backing file and reads and writes it itself. */
	passedThrough: boolean
}

export interface Handles {
	addFile(handle: FileHandle): number
	file(number: number): FileHandle
	/** Undefined for a number that is none: the kernel sends 0 where it has no handle. */
	findFile(number: number): FileHandle | undefined
	removeFile(number: number): FileHandle
	/** Every open file, for the end of the mount. */
	files(): FileHandle[]
}

export function createHandles(): Handles {
	const files = new Map<number, FileHandle>()
	let next = 1
	const file = (number: number) => files.get(number) ?? fail('EBADF')
	return {
		addFile(handle) {
			files.set(next, handle)
			return next++
		},
		file,
		findFile: (number) => files.get(number),
		removeFile(number) {
			const handle = file(number)
			files.delete(number)
			return handle
		},
		files: () => [...files.values()],
	}
}
