/** From `incoming/` to the name a file has in the archive; and finding that it has it already. */
import fs from 'node:fs'
import { setAside } from '../folder/aside.ts'
import type { Folder } from '../folder/folder.ts'
import { isRight, openReadable } from '../folder/local-file.ts'
import { findSpot, reach } from '../folder/spot.ts'
import type { Find } from '../folder/spots.ts'
import { namesOf } from '../names/archive-path.ts'
import { mergesNames } from '../names/platform.ts'
import type { Wanted } from './wanted.ts'

/** Longer paths a system may not take in one piece. */
const SHORT_BYTES = 2_000

/** The directories a file was put into, from the folder down, by their names here. */
export type Way = readonly Buffer[]

/** The content is on the disk; the name is there when `syncWays` is done. */
export function place(folder: Folder, find: Find, path: Buffer, incoming: Buffer): Way {
	const spot = find(namesOf(path, folder.platform), true)
	if (spot === undefined) throw new Error('its directory went while it was made')
	try {
		setAside(spot)
		fs.renameSync(folder.incoming.at(incoming), spot.directory.at(spot.name))
		return spot.parents
	} finally {
		spot.close()
	}
}

/** Undefined where what was asked for is not here yet. */
export async function adopt(folder: Folder, { path, size, hash, mtimeS }: Wanted): Promise<Way | undefined> {
	if (hash === null || isSurelyAbsent(folder, path)) return undefined
	const spot = findSpot(folder, namesOf(path, folder.platform), false)
	if (spot === undefined) return undefined
	try {
		const file = openReadable(spot)
		if (file === undefined) return undefined
		try {
			if (!(await isRight(file, { size, hash }))) return undefined
			// Windows wants a descriptor for writing here, and writes soon by itself.
			if (process.platform !== 'win32') fs.fsyncSync(file.fd)
		} finally {
			file.close()
		}
		fs.lutimesSync(spot.directory.at(spot.name), mtimeS, mtimeS)
		return spot.parents
	} finally {
		spot.close()
	}
}

/** One look instead of many: where a name is the same here, and nothing is found that way, even through a symlink, there is nothing. */
export function isSurelyAbsent({ root, platform }: Folder, path: Buffer): boolean {
	return !mergesNames(platform) && path.length < SHORT_BYTES && fs.lstatSync(root.at(path), { throwIfNoEntry: false }) === undefined
}

/** Each directory on the way may have been made just now. */
export async function syncWays(folder: Folder, ways: readonly Way[]): Promise<void> {
	const all = new Map<string, Way>()
	for (const way of ways) {
		for (let depth = way.length; depth >= 0; depth--) {
			const part = way.slice(0, depth)
			const key = part.map((name) => name.toString('latin1')).join('/')
			if (all.has(key)) break
			all.set(key, part)
		}
	}
	await Promise.all([...all.values()].map((way) => syncWay(folder, way)))
}

async function syncWay(folder: Folder, way: Way): Promise<void> {
	const directory = reach(folder, way)
	if (directory === undefined) throw new Error('a directory went while files were put into it')
	await directory.sync().finally(() => directory !== folder.root && directory.close())
}
