/** What stands where a file is to go is kept: `.old`, `.old1`, `.old2` behind its name. Nothing in the folder is ever removed. */
import fs from 'node:fs'
import type { Spot } from './spot.ts'

const NAME_BYTES_MAX = 255
/** Room for a number of four digits; characters that take several bytes are not cut. */
const STEM_BYTES_MAX = 247
const ASIDE = /\.old([1-9]\d{0,14})?$/

type Named = Pick<Spot, 'directory' | 'name'>

export class DirectoryInTheWay extends Error {}

/** Moves what is there, if anything, out of the way. */
export function setAside({ directory, name }: Named): void {
	const stat = fs.lstatSync(directory.at(name), { throwIfNoEntry: false })
	if (stat === undefined) return
	if (stat.isDirectory()) throw new DirectoryInTheWay('a directory stands there')
	fs.renameSync(directory.at(name), directory.at(freeName({ directory, name })))
}

/** What may be the file of that name: itself, then those that were set aside, the highest number first. The owner may have removed some in between. */
export function* standing({ directory, name }: Named): Generator<Buffer> {
	yield name
	const there = fs.readdirSync(directory.path, { encoding: 'buffer' }) as Buffer[]
	const found = there.flatMap((aside) => {
		const [isAside, number = '0'] = ASIDE.exec(aside.toString('latin1')) ?? []
		return isAside !== undefined && asideName(name, Number(number)).equals(aside) ? [{ aside, number: Number(number) }] : []
	})
	for (const { aside } of found.sort((a, b) => b.number - a.number)) yield aside
}

/** Without a look at each: a file that is saved all the time is set aside very often. */
function freeName({ directory, name }: Named): Buffer {
	const isTaken = (number: number) => fs.lstatSync(directory.at(asideName(name, number)), { throwIfNoEntry: false }) !== undefined
	if (!isTaken(0)) return asideName(name, 0)
	let taken = 0
	let free = 1
	for (; isTaken(free); free *= 2) taken = free
	while (free - taken > 1) {
		const between = Math.floor((taken + free) / 2)
		if (isTaken(between)) taken = between
		else free = between
	}
	return asideName(name, free)
}

function asideName(name: Buffer, number: number): Buffer {
	const end = Buffer.from(`.old${number === 0 ? '' : number}`)
	return Buffer.concat([stemOf(name, Math.min(STEM_BYTES_MAX, NAME_BYTES_MAX - end.length)), end])
}

function stemOf(name: Buffer, bytesMax: number): Buffer {
	let end = Math.min(name.length, bytesMax)
	while (end < name.length && end > 0 && ((name[end] as number) & 0xc0) === 0x80) end--
	return name.subarray(0, end)
}
