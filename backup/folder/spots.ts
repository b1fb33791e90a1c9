/** Spots of many files one after the other: their directories stay open meanwhile, as most of them are of the next one too. */
import type { Names } from '../names/archive-path.ts'
import { staysReached } from './directory.ts'
import { findSpot, type Ground, localName, type Spot } from './spot.ts'

const OPEN_MAX = 64

/** As `findSpot`. */
export type Find = (names: Names, make: boolean) => Spot | undefined

export async function withSpots<T>(ground: Ground, use: (find: Find) => Promise<T> | T): Promise<T> {
	// Where nothing holds on to a directory, each is looked at again.
	if (!staysReached) return await use((names, make) => findSpot(ground, names, make))
	const open = new Map<string, Spot>()
	const close = () => {
		for (const spot of open.values()) spot.close()
		open.clear()
	}
	const find: Find = (names, make) => {
		const key = Buffer.concat(names.slice(0, -1).flatMap((name) => [name, SLASH])).toString('latin1')
		let spot = open.get(key)
		if (spot === undefined) {
			spot = findSpot(ground, names, make)
			if (spot === undefined) return undefined
			if (open.size >= OPEN_MAX) close()
			open.set(key, spot)
		}
		return { ...spot, name: localName(ground, spot.directory, names[names.length - 1] as Buffer), close: () => undefined }
	}
	try {
		return await use(find)
	} finally {
		close()
	}
}

const SLASH = Buffer.from('/')
