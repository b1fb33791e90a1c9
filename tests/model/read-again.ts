/** A directory held open and read from the start again and again; runs in hands. */
import fs from 'node:fs'
import { getdents, open, seekDirectory } from '../support/libc.ts'

export const hold = (path: string): number => open(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY)

export function readAgain(fd: number): string[] {
	const names: string[] = []
	seekDirectory(fd, 0n)
	for (let some = getdents(fd); some.length > 0; some = getdents(fd)) names.push(...some.map(({ name }) => name.toString()))
	return names.filter((name) => name !== '.' && name !== '..').sort()
}
