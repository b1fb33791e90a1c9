/** What stands where a file is to go is kept: `.old`, `.old1`, `.old2` behind its name. Nothing in the folder is ever removed. */
import fs from 'node:fs'
import type { Spot } from './spot.ts'

const ASIDE_MAX = 10_000
/** So that the name with `.old9999` behind it is none too long; characters that take several bytes are not cut. */
const STEM_BYTES_MAX = 247

type Named = Pick<Spot, 'directory' | 'name'>

export class DirectoryInTheWay extends Error {}

/** Moves what is there, if anything, out of the way. */
export function setAside({ directory, name }: Named): void {
	const stat = fs.lstatSync(directory.at(name), { throwIfNoEntry: false })
	if (stat === undefined) return
	if (stat.isDirectory()) throw new DirectoryInTheWay('a directory stands there')
	for (const aside of asideNames(name)) {
		if (fs.lstatSync(directory.at(aside), { throwIfNoEntry: false }) !== undefined) continue
		fs.renameSync(directory.at(name), directory.at(aside))
		return
	}
	throw new Error(`more than ${ASIDE_MAX} files were set aside here`)
}

/** Those that are there, the newest first. */
export function setAsideBefore({ directory, name }: Named): Buffer[] {
	const found: Buffer[] = []
	for (const aside of asideNames(name)) {
		if (fs.lstatSync(directory.at(aside), { throwIfNoEntry: false }) === undefined) break
		found.unshift(aside)
	}
	return found
}

function* asideNames(name: Buffer): Generator<Buffer> {
	const stem = stemOf(name)
	for (let number = 0; number < ASIDE_MAX; number++) yield Buffer.concat([stem, Buffer.from(`.old${number === 0 ? '' : number}`)])
}

function stemOf(name: Buffer): Buffer {
	let end = Math.min(name.length, STEM_BYTES_MAX)
	while (end < name.length && end > 0 && ((name[end] as number) & 0xc0) === 0x80) end--
	return name.subarray(0, end)
}
