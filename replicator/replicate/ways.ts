/**
 * Many paths of one tree, one after the other: the directory of each is opened once for all its neighbours. It is held no
 * longer than it takes to go through the list, and while intents stand that keep others from changing what leads there.
 */
import { codeOf } from '../../core/errors.ts'
import { close } from '../../core/libc.ts'
import { OPEN_DIRECTORY, openBeneath } from '../../core/nodes/beneath.ts'

export interface Ways {
	/** On to the next. */
	next(): void
	/** Of the path at hand. Throws when it is not there, for all neighbours the same: to find that out anew costs as much as a copy. */
	directory(): number
	/** The same, and undefined where it is not there. */
	directoryIfThere(): number | undefined
	/** The last component and a NUL, as the C library wants it. */
	name(): Uint8Array
	path(): Buffer
	end(): void
}

const NUL = 0
const SLASH = 47
const NONE = -1

/** `text` has a NUL after each path, and a character for each byte. */
export function waysOf(text: string, root: number): Ways {
	const bytes = Buffer.from(text, 'latin1')
	let from = 0
	let to = -1
	let slash = 0
	let open = NONE
	/** Why it is not. */
	let failure: unknown
	/** Where the path of the one that was opened last is. */
	let openFrom = 0
	let openTo = 0

	function isSame(): boolean {
		return slash - from === openTo - openFrom && bytes.compare(bytes, from, slash, openFrom, openTo) === 0
	}

	function leave(): void {
		if (open !== NONE) close(open)
		open = NONE
	}

	function change(): void {
		leave()
		openFrom = from
		openTo = slash
		const path = bytes.subarray(from, slash)
		try {
			open = openBeneath(root, path, path.length, OPEN_DIRECTORY, 0)
		} catch (error) {
			failure = error
		}
	}

	function directory(): number {
		const fd = directoryIfThere()
		if (fd === undefined) throw failure
		return fd
	}

	function directoryIfThere(): number | undefined {
		if (slash === from) return root
		if (!isSame()) change()
		if (open !== NONE) return open
		const code = codeOf(failure)
		if (code !== 'ENOENT' && code !== 'ENOTDIR') throw failure
		return undefined
	}

	return {
		next() {
			from = to + 1
			to = bytes.indexOf(NUL, from)
			slash = Math.max(from, bytes.lastIndexOf(SLASH, to))
		},
		directory,
		directoryIfThere,
		name: () => bytes.subarray(slash === from ? from : slash + 1, to + 1),
		path: () => bytes.subarray(from, to),
		end: leave,
	}
}

/** The text `waysOf` takes. */
export function joinWays(paths: ReadonlyArray<Buffer>): string {
	let text = ''
	for (const path of paths) text += `${path.toString('latin1')}\0`
	return text
}
