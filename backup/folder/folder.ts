/** The folder with the copies: looked at, locked, and the agent's own directory in it. */
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import { EXIT, Ending } from '../exit-codes.ts'
import { OWN_DIRECTORY } from '../names/local-names.ts'
import { type Platform, platformOf } from '../names/platform.ts'
import { type Holdings, openHoldings } from '../record/holdings.ts'
import { type Directory, enter, openDirectory } from './directory.ts'
import { lockFolder } from './lock.ts'
import { type Ground, storedName } from './spot.ts'
import { createSyncAll, type SyncAll } from './sync-all.ts'

const INCOMING = Buffer.from('incoming')
const LOCK = Buffer.from('lock')
/** Decomposed by the older filesystem of macOS. */
const PROBE = Buffer.from('probe-\u00e9')

export interface Folder extends Ground {
	path: string
	own: Directory
	/** Files on their way in. */
	incoming: Directory
	/** Names in there that are not of this run, or broke off in it. */
	leftovers: Set<string>
	holdings: Holdings
	freeBytes(): number
	syncAll: SyncAll
}

/** Throws `Elsewhere` where another process has it; who only reads may do so beside that one. */
export async function openFolder(path: string, isReader: boolean): Promise<Folder> {
	let root: Directory
	try {
		root = openDirectory(path)
	} catch (error) {
		throw new Ending(EXIT.folder, `the folder ${path} cannot be used: ${(error as Error).message}`)
	}
	try {
		const own = enter(root, Buffer.from(OWN_DIRECTORY), true) as Directory
		if (!isReader) await lockFolder(own.at(LOCK))
		const incoming = enter(own, INCOMING, true) as Directory
		return {
			path,
			root,
			own,
			incoming,
			leftovers: new Set(),
			platform: namesHere(own),
			stored: storedName,
			holdings: openHoldings(own),
			freeBytes: () => freeIn(root),
			syncAll: createSyncAll(root.path),
		}
	} catch (error) {
		if (error instanceof Error && 'code' in error) throw new Ending(EXIT.folder, `the folder ${path} cannot be used: ${error.message}`)
		throw error
	}
}

function namesHere(own: Directory): Platform {
	const platform = platformOf(process.platform)
	if (platform !== 'darwin') return platform
	fs.writeFileSync(own.at(PROBE), '')
	const stored = storedName(own, PROBE)
	fs.rmSync(own.at(PROBE))
	return stored?.equals(PROBE) ? 'darwin' : 'hfs'
}

function freeIn(root: Directory): number {
	const { bavail, bsize } = fs.statfsSync(root.path)
	return bavail * bsize
}

export function newAgentId(): string {
	return randomBytes(18).toString('base64url')
}
