/** Runs in hands: a tree of files, each with content of its own. */
import fs from 'node:fs'
import { join } from 'node:path'

const FILES_PER_DIRECTORY = 50
const SIZES = [0, 1, 100, 4_096, 5_000, 70_000, 300_000]

export function fillTree(root: string, files: number): void {
	for (let number = 0; number < files; number++) {
		const directory = join(root, `d${Math.floor(number / FILES_PER_DIRECTORY)}`)
		if (number % FILES_PER_DIRECTORY === 0) fs.mkdirSync(directory, { recursive: true })
		fs.writeFileSync(join(directory, `f${number}`), contentOf(number))
	}
}

export function contentOf(number: number): Buffer {
	return Buffer.alloc(SIZES[number % SIZES.length] as number, `${number} `)
}
