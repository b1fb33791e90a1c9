/** Every regular file in the folder, in the names of the archive. Symlinks are not followed, and the agent's own directory is no part of it. */
import fs from 'node:fs'
import { joined, type Names, namesOf } from '../names/archive-path.ts'
import { archiveName, OWN_DIRECTORY } from '../names/local-names.ts'
import { type Directory, enter } from './directory.ts'
import type { Folder } from './folder.ts'
import { findSpot } from './spot.ts'

const DEPTH_MAX = 512

export interface Content {
	names: Names
	size: number
}

type Trouble = (where: Buffer, why: string) => void

/** Below one directory of the archive; the whole folder where `below` is empty. One file, too. */
export function* fromLocals(folder: Folder, below: Names, trouble: Trouble): Generator<Content> {
	if (below.length === 0) return yield* inDirectory(folder, folder.root, [], trouble)
	const spot = findSpot(folder, below, false)
	const stat = spot && fs.lstatSync(spot.directory.at(spot.name), { throwIfNoEntry: false })
	try {
		if (!spot || !stat) return trouble(joined(below), 'is not there')
		if (stat.isFile()) return yield { names: below, size: stat.size }
		const directory = enter(spot.directory, spot.name, false) as Directory
		yield* inDirectory(folder, directory, below, trouble)
		directory.close()
	} finally {
		spot?.close()
	}
}

function* inDirectory(folder: Folder, directory: Directory, names: Names, trouble: Trouble): Generator<Content> {
	if (names.length >= DEPTH_MAX) return trouble(joined(names), `is more than ${DEPTH_MAX} directories deep`)
	const listing = fs.opendirSync(directory.path, { encoding: 'buffer' as 'utf8' })
	try {
		for (let entry = listing.readSync(); entry !== null; entry = listing.readSync()) {
			const local = Buffer.from(entry.name as string | Buffer)
			if (names.length === 0 && local.toString() === OWN_DIRECTORY) continue
			const here = [...names, archiveName(local, folder.platform)]
			try {
				yield* oneOf(folder, directory, { local, names: here }, trouble)
			} catch (error) {
				if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
				trouble(joined(here), (error as Error).message)
			}
		}
	} finally {
		listing.closeSync()
	}
}

function* oneOf(folder: Folder, directory: Directory, { local, names }: { local: Buffer; names: Buffer[] }, trouble: Trouble): Generator<Content> {
	const stat = fs.lstatSync(directory.at(local), { throwIfNoEntry: false })
	if (stat?.isFile()) {
		// A name of the system's own making that no archive can have is nothing to ask for.
		namesOf(joined(names), folder.platform)
		return yield { names, size: stat.size }
	}
	if (!stat?.isDirectory()) return
	const next = enter(directory, local, false)
	if (next === undefined) return
	try {
		yield* inDirectory(folder, next, names, trouble)
	} finally {
		next.close()
	}
}
