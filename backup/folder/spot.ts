/** Where a file of the archive is in the folder, or would be: its directory, open, and its name there. */
import fs from 'node:fs'
import { basename } from 'node:path'
import { BadPath, fits, type Names } from '../names/archive-path.ts'
import { escapedName, plainName } from '../names/local-names.ts'
import { mergesNames, type Platform } from '../names/platform.ts'
import { type Directory, enter, staysReached } from './directory.ts'

export interface Spot {
	directory: Directory
	name: Buffer
	/** The names of its directory, as they are here. */
	parents: readonly Buffer[]
	close(): void
}

export interface Ground {
	root: Directory
	platform: Platform
	/** What a directory calls the thing it has at `name`; undefined where it has none. */
	stored: (directory: Directory, name: Buffer) => Buffer | undefined
}

/** Undefined where a directory on the way is missing and `make` is false. Closing it is the caller's. */
export function findSpot(ground: Ground, names: Names, make: boolean): Spot | undefined {
	const parents: Buffer[] = []
	const name = names[names.length - 1] as Buffer
	let here = ground.root
	const leave = () => here !== ground.root && here.close()
	try {
		for (const parent of names.slice(0, -1)) {
			const local = localName(ground, here, parent)
			const next = enter(here, local, make)
			if (next === undefined) {
				leave()
				return undefined
			}
			leave()
			here = next
			parents.push(local)
		}
		return { directory: here, name: localName(ground, here, name), parents, close: leave }
	} catch (error) {
		leave()
		throw error
	}
}

/** Reaches a directory by its names here. */
export function reach(ground: Ground, locals: readonly Buffer[]): Directory | undefined {
	let here = ground.root
	for (const local of locals) {
		const before = here
		try {
			const next = enter(before, local, false)
			if (next === undefined) return undefined
			here = next
		} finally {
			if (before !== ground.root) before.close()
		}
	}
	return here
}

/** Of two names that the filesystem takes for one, the first here is called as it is, the other is escaped. */
export function localName({ platform, stored }: Ground, directory: Directory, name: Buffer): Buffer {
	const plain = plainName(name, platform)
	if (!mergesNames(platform)) return plain
	const there = stored(directory, plain)
	if (there?.equals(plain)) return plain
	const escaped = escapedName(name, platform)
	const canBeEscaped = fits(escaped, platform)
	const thereEscaped = canBeEscaped ? stored(directory, escaped) : undefined
	if (thereEscaped?.equals(escaped)) return escaped
	if (there === undefined) return plain
	if (thereEscaped !== undefined || !canBeEscaped) throw new BadPath('a name that this system takes for another one')
	return escaped
}

/** Directories whose names are remembered. */
const LISTED_MAX = 64
const ANOTHER = Buffer.alloc(0)
const listed = new Map<string, ReadonlySet<string>>()

/**
 * As the system tells it: on Windows and macOS the true case of a name is what its real path ends with. Linux tells a name as it was asked for,
 * on a disk of Windows too: there a name that is another's in the listing is just another.
 */
export function storedName(directory: Directory, name: Buffer): Buffer | undefined {
	const path = directory.at(name)
	const stat = fs.lstatSync(path, { throwIfNoEntry: false })
	if (stat === undefined) return undefined
	// A real path would be that of what it leads to; it is in the way under any name.
	if (stat.isSymbolicLink()) return name
	if (staysReached) return isListed(directory, name.toString('latin1')) ? name : ANOTHER
	return Buffer.from(basename(fs.realpathSync.native(path as string)))
}

function isListed(directory: Directory, name: string): boolean {
	const { dev, ino } = fs.statSync(directory.path)
	const key = `${dev}:${ino}`
	if (listed.get(key)?.has(name)) return true
	const there = fs.readdirSync(directory.path, { encoding: 'buffer' }) as Buffer[]
	const names = new Set(there.map((each) => each.toString('latin1')))
	if (listed.size >= LISTED_MAX) listed.clear()
	listed.set(key, names)
	return names.has(name)
}
