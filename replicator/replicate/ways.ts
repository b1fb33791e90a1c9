/**
 * Many paths of one tree, one after the other: the directory of each is opened once for all its neighbours. It is held no
 * longer than it takes to go through the list, and while intents stand that keep others from changing what leads there.
 */
import { close } from '../../core/libc.ts'
import { OPEN_DIRECTORY, openBeneath } from '../../core/nodes/beneath.ts'

export interface Ways {
	/** On to the next. */
	next(): void
	/** Of the path at hand. Throws when it is not there, for each of its names anew. */
	directory(): number
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
	/** Where the path of the one that is open is. */
	let openFrom = 0
	let openTo = 0

	function isOpen(): boolean {
		if (open === NONE || slash - from !== openTo - openFrom) return false
		return bytes.compare(bytes, from, slash, openFrom, openTo) === 0
	}

	function leave(): void {
		if (open !== NONE) close(open)
		open = NONE
	}

	return {
		next() {
			from = to + 1
			to = bytes.indexOf(NUL, from)
			slash = Math.max(from, bytes.lastIndexOf(SLASH, to))
		},
		directory() {
			if (slash === from) return root
			if (isOpen()) return open
			leave()
			const path = bytes.subarray(from, slash)
			open = openBeneath(root, path, path.length, OPEN_DIRECTORY, 0)
			openFrom = from
			openTo = slash
			return open
		},
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
