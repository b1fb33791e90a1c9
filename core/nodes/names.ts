/** Calls on a name in its directory: finding the directory, trying again, and making the directories that are missing. */
import { constants } from 'node:os'
import { codeOf } from '../errors.ts'
import { close, errno, lastError, mkdirat } from '../libc.ts'
import { lastComponent, OPEN_DIRECTORY, openBeneath, terminated } from './beneath.ts'
import { keepMode } from './ownership.ts'
import { openParents, type Parents } from './parents.ts'

const { EEXIST, EINTR, ENOENT } = constants.errno
const SLASH = 47
/** Of directories that are made on the way to something. */
const PARENT_MODE = 0o755

/** -1 and errno where it fails. */
export type OnName = (directory: number, name: Uint8Array) => number
export type OnNames = (directory: number, name: Uint8Array, otherDirectory: number, other: Uint8Array) => number

export interface Names {
	readonly parents: Parents
	/** The call's result, or an Errno. A directory that vanished is looked for once more. */
	on(path: Buffer, call: OnName): number
	onBoth(from: Buffer, to: Buffer, call: OnNames): number
	/** Does `attempt`; where that finds nothing, makes the parents of `path` and does it again. */
	withParents(path: Buffer, attempt: () => number): number
}

/** A call has up to two names. */
const first = new Uint8Array(4096)
const second = new Uint8Array(4096)

export function openNames(root: () => number): Names {
	const parents = openParents(root)

	function on(path: Buffer, call: OnName): number {
		const start = lastComponent(path)
		for (let isAgain = false; ; ) {
			const directory = parents.of(path, start - 1)
			const result = call(directory, terminated(path, start, path.length, first))
			if (result !== -1) return result
			const code = errno()
			if (code === EINTR) continue
			if (code !== ENOENT || isAgain) throw lastError()
			parents.forget()
			isAgain = true
		}
	}

	function onBoth(from: Buffer, to: Buffer, call: OnNames): number {
		const start = lastComponent(to)
		const isBeside = from.subarray(0, lastComponent(from)).equals(to.subarray(0, start))
		return on(from, (directory, name) => {
			// Asked for again it may be too old by now, and the descriptor in hand would be closed.
			const otherDirectory = isBeside ? directory : parents.of(to, start - 1)
			return call(directory, name, otherDirectory, terminated(to, start, to.length, second))
		})
	}

	function withParents(path: Buffer, attempt: () => number): number {
		try {
			return attempt()
		} catch (error) {
			if (codeOf(error) !== 'ENOENT') throw error
			makeParents(root(), path)
			return attempt()
		}
	}

	return { parents, on, onBoth, withParents }
}

/** Makes every directory above the last component that is missing. */
function makeParents(root: number, path: Buffer): void {
	let here = root
	try {
		for (let from = 0, slash = path.indexOf(SLASH); slash !== -1; slash = path.indexOf(SLASH, from)) {
			const next = enterOrMake(here, path.subarray(from, slash))
			if (here !== root) close(here)
			here = next
			from = slash + 1
		}
	} finally {
		if (here !== root) close(here)
	}
}

function enterOrMake(directory: number, name: Buffer): number {
	try {
		return openBeneath(directory, name, name.length, OPEN_DIRECTORY, 0)
	} catch (error) {
		if (codeOf(error) !== 'ENOENT') throw error
	}
	const made = mkdirat(directory, terminated(name, 0, name.length, first), keepMode(PARENT_MODE, true))
	if (made === -1 && errno() !== EEXIST) throw lastError()
	return openBeneath(directory, name, name.length, OPEN_DIRECTORY, 0)
}
