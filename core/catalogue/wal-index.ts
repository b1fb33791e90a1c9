/**
 * Whether another connection has committed, as SQLite's own shared memory says it: PRAGMA data_version answers the same with two
 * locks and a statement, fifty times slower. The index of the log begins with a header, twice, that every commit changes; how it is
 * laid out is documented (sqlite.org/walformat.html, "The WAL-Index File Format").
 *
 * The file stays open as long as the process runs: closing any descriptor of it would drop the POSIX locks that every connection of
 * the process has on it.
 */
import { openSync, realpathSync } from 'node:fs'
import { mapForReading, mapForWriting } from '../libc.ts'

/** The second copy of the header, which is written first. */
const HEADER_WORDS = 12
const BYTES = 2 * HEADER_WORDS * 4
const COUNT = HEADER_WORDS + 2
const CHECKSUM = HEADER_WORDS + 10

export interface WalIndex {
	/** Whether another connection has committed since `markSeen`. */
	isChangedElsewhere(): boolean
	markSeen(): void
	/** Whether anybody has, since the last call of this. */
	moved(): boolean
	/** Before a change of this connection; what it returns is for `after`. */
	before(): number
	/** After a change of this connection; `wrote` says whether it changed any row. */
	after(before: number, wrote: boolean): void
}

/** Undefined where there is no such file, or none that can be mapped. */
export function openWalIndex(database: string): WalIndex | undefined {
	try {
		const fd = openSync(`${realpathSync(database)}-shm`, 'r')
		return watch(new Uint32Array(mapForReading(fd, BYTES)))
	} catch {
		return undefined
	}
}

export const watchFiles = { index: openWalIndex, map: mapForWriting }

export function watch(words: Uint32Array): WalIndex {
	let count = words[COUNT]
	let checksum = words[CHECKSUM]
	let checksumToo = words[CHECKSUM + 1]
	let changed = false
	const looked = new Uint32Array(3)

	const isAsKnown = () => words[COUNT] === count && words[CHECKSUM] === checksum && words[CHECKSUM + 1] === checksumToo

	function remember(): void {
		count = words[COUNT]
		checksum = words[CHECKSUM]
		checksumToo = words[CHECKSUM + 1]
	}

	return {
		isChangedElsewhere: () => changed || !isAsKnown(),
		markSeen() {
			changed = false
			remember()
		},
		moved() {
			if (words[COUNT] === looked[0] && words[CHECKSUM] === looked[1] && words[CHECKSUM + 1] === looked[2]) return false
			looked[0] = words[COUNT]
			looked[1] = words[CHECKSUM]
			looked[2] = words[CHECKSUM + 1]
			return true
		},
		before() {
			if (!isAsKnown()) changed = true
			return words[COUNT]
		},
		/** The header counts commits: one more than before is this connection's own. */
		after(before, wrote) {
			remember()
			if (count !== (before + (wrote ? 1 : 0)) >>> 0) changed = true
		},
	}
}
