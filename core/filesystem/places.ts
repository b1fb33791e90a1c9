/**
 * Where directories are is remembered, and another may have moved one a moment ago: another client, of which the journal has not told yet,
 * or this one itself, which has not heard of its own commit. What a transaction decides goes to the nodes by path, so it looks there first.
 *
 * Where there is one writer at a time the look is a question at its start. Else it is a row (catalogue/moves.ts) that it holds until its
 * commit: together with others if it makes use of paths, alone if it moves a directory. What is remembered is of the time after as many moves
 * as are known here, or later; where there were more it is forgotten. Nobody can move a directory then, so what is read after that, as the
 * intents that stand, is of everybody who moved one before.
 */
import type { Transaction } from '../catalogue/driver.ts'
import * as changes from '../catalogue/changes.ts'
import * as moves from '../catalogue/moves.ts'
import { type Op, wait } from '../op.ts'
import { isFollowed } from './behind.ts'
import type { Filesystem } from './filesystem.ts'
import { checkNodes } from './nodes.ts'
import type { Place } from './names.ts'

/**
 * What a transaction does with paths: makes use of them together with others; no use of any; moves directories, `alone`; moves two names, and
 * what they lead to it has yet to see: alone where one of them seems to lead to a directory.
 */
export type Hold = 'together' | 'nothing' | 'alone' | readonly [Place, Place]

/** By transaction: how many moves there were before those it makes. */
const alone = new WeakMap<object, number>()

/** Goes with the first packet of a transaction, before anything else is locked. */
export function holdPlaces(fs: Filesystem, tx: Transaction, hold: Hold): void {
	const { capabilities } = fs
	if (capabilities.synchronous || hold === 'nothing') return
	if (hold !== 'together') {
		const query = hold === 'alone' ? moves.aloneQuery(capabilities) : moves.aloneIfDirectoryQuery(...hold, capabilities)
		tx.along<moves.MovesRow>(query, ([row]) => {
			if (row) alone.set(tx, row.number)
		})
	}
	tx.along<moves.MovesRow>(moves.togetherQuery(capabilities), ([row]) => followMoves(fs, row?.number))
}

/** With what is kept of names: it would tell anew where a directory was. */
function followMoves(fs: Filesystem, number: number | undefined): void {
	if (number !== undefined && fs.directories.asOf.moves === number) return
	forgetPlaces(fs)
	fs.readAhead.forget()
	fs.nodesInDoubt = true
	fs.directories.asOf.moves = number
}

/** Of a transaction that has asked: where it is not so it has to begin anew, and alone. */
export function mayMoveDirectories({ capabilities }: Filesystem, tx: Transaction): boolean {
	return capabilities.synchronous || alone.has(tx)
}

/** One is moved. How many that makes, for `movedHere`. */
export function countMove(tx: Transaction): number | undefined {
	const before = alone.get(tx)
	if (before === undefined) return undefined
	moves.add(tx)
	return before + 1
}

/** After the commit; who moved it has changed names, and those are forgotten already. */
export function movedHere({ directories }: Filesystem, number: number | undefined): void {
	directories.forget()
	if (number !== undefined && directories.asOf.moves === number - 1) directories.asOf.moves = number
}

/** At the start of a transaction, where there is one writer at a time: forgets what is remembered where that may be wrong. */
export function* lookForMoves(fs: Filesystem, tx: Transaction): Op<void> {
	if (!fs.capabilities.synchronous || isFollowed(fs)) return
	const low = Math.max(fs.journal.position(), fs.directories.asOf.seq)
	const [[{ seq, moved, nodes }]] = (yield* wait(tx.read(changes.doubtsQuery(low, fs.client)))) as [changes.DoubtsRow[]]
	if (moved) forgetPlaces(fs)
	if (nodes) {
		fs.nodesInDoubt = true
		yield* checkNodes(fs, tx)
	}
	if (seq !== null) fs.directories.asOf.seq = Number(seq)
}

export function forgetPlaces(fs: Pick<Filesystem, 'directories' | 'nodes'>): void {
	fs.directories.forget()
	for (const node of fs.nodes.values()) node.operations.forgetDirectories()
}
