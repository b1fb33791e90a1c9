/** A file the server would like to see here. */
import { BadAnswer, hashIn, type Json, listIn, pathIn, textIn, wholeIn } from '../wire/answers.ts'

export interface Wanted {
	id: number
	version: number
	path: Buffer
	size: number
	/** Null: the server does not know it yet. */
	hash: string | null
	mtimeS: number
}

export interface Lease {
	lease: string
	untilAtS: number
	files: Wanted[]
}

const FILES_MAX = 1_000
const LEASE = /^[A-Za-z0-9_-]{1,128}$/

/** Undefined: there is nothing to do. */
export function leaseIn(answer: Json): Lease | undefined {
	const files = listIn(answer, 'files')
	if (answer['lease'] === null || files.length === 0) return undefined
	if (files.length > FILES_MAX) throw new BadAnswer(`a lease of ${files.length} files`)
	const lease = textIn(answer, 'lease')
	if (!LEASE.test(lease)) throw new BadAnswer('lease is no name of one')
	return { lease, untilAtS: wholeIn(answer, 'untilAt'), files: files.map(wantedIn) }
}

function wantedIn(item: Json): Wanted {
	return {
		id: wholeIn(item, 'id'),
		version: wholeIn(item, 'version'),
		path: pathIn(item),
		size: wholeIn(item, 'size'),
		hash: hashIn(item, 'hash'),
		mtimeS: timeIn(item),
	}
}

/** May lie before 1970. */
function timeIn(item: Json): number {
	const { mtimeS, mtimeNs = 0 } = item
	if (!Number.isSafeInteger(mtimeS) || !Number.isSafeInteger(mtimeNs)) throw new BadAnswer('mtimeS is no time')
	return (mtimeS as number) + (mtimeNs as number) / 1e9
}
