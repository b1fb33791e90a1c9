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

/** Who looks may do so beside another process; who takes something out needs a folder that stays as it is, who changes it one that is his. */
export type Use = 'look' | 'take' | 'change'

/** Throws `Elsewhere` where another process has it. */
export async function openFolder(path: string, use: Use): Promise<Folder> {
	let root: Directory
	try {
		root = openDirectory(path)
	} catch (error) {
		throw new Ending(EXIT.folder, `the folder ${path} cannot be used: ${(error as Error).message}`)
	}
	try {
		const own = enter(root, Buffer.from(OWN_DIRECTORY), true) as Directory
		if (use !== 'look') await lock(own, use)
		const incoming = enter(own, INCOMING, true) as Directory
		return {
			path,
			root,
			own,
			incoming,
			leftovers: new Set(),
			platform: namesHere(root, own),
			stored: storedName,
			holdings: openHoldings(own),
			freeBytes: () => freeIn(root),
			syncAll: createSyncAll(root.path),
		}
	} catch (error) {
		if (error instanceof Error && 'code' in error && !isFull(error)) throw new Ending(EXIT.folder, `the folder ${path} cannot be used: ${error.message}`)
		throw error
	}
}

export function isFull(error: unknown): boolean {
	const { code } = error as NodeJS.ErrnoException
	return code === 'ENOSPC' || code === 'EDQUOT'
}

async function lock(own: Directory, use: Use): Promise<void> {
	try {
		await lockFolder(own.at(LOCK))
	} catch (error) {
		// Of a disk that can only be read, as some are that failed, everything can be taken, and nobody changes it.
		if (use !== 'take' || (error as NodeJS.ErrnoException).code !== 'EROFS') throw error
	}
}

/** A disk of Windows has its names on Linux too: what is there by one is there by another case of it. */
function namesHere(root: Directory, own: Directory): Platform {
	const platform = platformOf(process.platform)
	if (platform === 'linux') return isByAnotherName(root, OWN_DIRECTORY.toUpperCase()) ? 'win32' : platform
	if (platform !== 'darwin') return platform
	fs.writeFileSync(own.at(PROBE), '')
	const stored = storedName(own, PROBE)
	fs.rmSync(own.at(PROBE))
	return stored?.equals(PROBE) ? 'darwin' : 'hfs'
}

/** Of another directory on this system, by a file that is there for a moment; elsewhere than on Linux as in the folder. */
export function namesAt(directory: Directory, name: string, folder: Platform): Platform {
	if (platformOf(process.platform) !== 'linux') return folder
	fs.writeFileSync(directory.at(Buffer.from(name)), '')
	const isMerged = isByAnotherName(directory, name.toUpperCase())
	fs.rmSync(directory.at(Buffer.from(name)))
	return isMerged ? 'win32' : 'linux'
}

function isByAnotherName(directory: Directory, name: string): boolean {
	const asked = Buffer.from(name)
	return storedName(directory, asked)?.equals(asked) === false
}

function freeIn(root: Directory): number {
	const { bavail, bsize } = fs.statfsSync(root.path)
	return bavail * bsize
}

export function newAgentId(): string {
	return randomBytes(18).toString('base64url')
}
