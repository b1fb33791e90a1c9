/** Runs in hands: writes to a file whose disk is full by then, and tells what each call answered. */
import fs from 'node:fs'
import { join } from 'node:path'

const BLOCK = Buffer.alloc(65_536, 'x')

/** The errno of each, '' where it succeeded. */
export function writeWithoutRoom(path: string, disk: string): { write: string; close: string } {
	const fd = fs.openSync(path, 'w')
	fs.writeSync(fd, 'begun')
	fillDisk(join(disk, 'filling'))
	const write = codeOf(() => fs.writeSync(fd, BLOCK))
	const close = codeOf(() => fs.closeSync(fd))
	return { write, close }
}

function fillDisk(path: string): void {
	const fd = fs.openSync(path, 'w')
	while (codeOf(() => fs.writeSync(fd, BLOCK)) === '') continue
	while (codeOf(() => fs.writeSync(fd, 'x')) === '') continue
	fs.closeSync(fd)
}

function codeOf(call: () => unknown): string {
	try {
		call()
		return ''
	} catch (error) {
		return String((error as NodeJS.ErrnoException).code)
	}
}
