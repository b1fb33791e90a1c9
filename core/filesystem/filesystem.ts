/** The filesystem as a running process has it. Every door makes one and hands it to the operations in this folder. */
import type { ChangeRow } from '../catalogue/changes.ts'
import type { FileRow } from '../catalogue/files.ts'
import type { Capabilities, Driver, Query, Transaction } from '../catalogue/driver.ts'
import type { Sequence } from '../catalogue/sequence.ts'
import type { Config } from '../config/types.ts'
import type { ClientId, FileId, Name, NodeId } from '../ids.ts'
import type { Node } from '../nodes/node.ts'
import { CatalogueError, codeOf, Overtaken, Undecided } from '../errors.ts'
import { isPromise, type Maybe, type Op, run, wait } from '../op.ts'
import type { ClassRow } from '../catalogue/classes.ts'
import type { Alive } from './alive.ts'
import type { Arriving } from './arriving.ts'
import type { Directories } from './directories.ts'
import type { Journal } from './journal.ts'
import type { Later } from './later.ts'
import type { Place } from './names.ts'
import type { OpenFile } from './open-files.ts'
import { type Hold, holdPlaces, lookForMoves } from './places.ts'
import type { ReadAhead } from './read-ahead.ts'
import type { Touched } from './touched.ts'
import type { Unsynced } from './unsynced.ts'

export interface Filesystem {
	readonly config: Config
	readonly catalogue: Driver
	readonly capabilities: Capabilities
	readonly ids: Sequence
	readonly random: () => number
	/** Something a keeper should know: one line. */
	readonly report: (line: string) => void

	// What this process is to others.
	client: ClientId
	/** For `cairn status`. */
	what: string
	readonly alive: Alive
	/** How often others took this client for dead, and cleared up after it, though it lived. */
	returns: number

	// Nodes and rules.
	/** The nodes this process has opened, by id; those the keeper declared dead are not among them. */
	readonly nodes: Map<NodeId, Node>
	/** One of them may have been taken away, of which the journal has not told yet. */
	nodesInDoubt: boolean
	classes: ClassRow[]

	// What others do: behind.ts.
	readonly journal: Journal
	/** The last catching up with others that was begun: it goes on, or it failed. Undefined once it has come to its end. */
	catchingUp: object | undefined
	/** Of what was read in the journal, what not everybody here has heard of. */
	unfollowed: readonly ChangeRow[]
	/** Told of every change another client made, after the caches here forgot it. */
	onChange: (change: ChangeRow) => void
	/** Another client is alive that changes the tree for people: what it may have created meanwhile must be asked for. */
	shared: boolean
	/** Of this process, as many as were begun and have ended: what does not change meanwhile was not changed by its own. */
	transactions: number

	// What is remembered.
	readonly directories: Directories
	readonly readAhead: ReadAhead
	/** Directories whose names this client changed lately, as they are since. */
	readonly touched: Touched
	/**
	 * The file that was looked up last, by the only name it has; undefined once this client changed anything or heard that another
	 * did. Only where the database says at once whether another has.
	 */
	lookedUp: { parent: FileId; name: Name; row: FileRow } | undefined
	/** The name that was looked up last of those that led to nothing, and after how many transactions. As `lookedUp`. */
	absent: { place: Place; transactions: number } | undefined
	/** When a file was made here last, intents stood. */
	sawStanding: boolean
	/** As `removed.ts` says. */
	readonly removed: Map<FileId, { row: FileRow; xattrs: Map<string, Buffer> }>
	/** Files whose writer has asked lately for them to be on the disk. */
	readonly synced: Set<FileId>

	// Files in use here.
	readonly open: Map<FileId, OpenFile>
	/** Files that are being opened for writing, or created, and how often: their pins may stand before they are open. */
	readonly opening: Map<FileId, number>
	/** Files on their way to a node where others have a turn meanwhile. */
	readonly arriving: Map<FileId, Arriving>

	// What was decided and is not done with: docs/ARCHITECTURE.md, "Who goes on".
	readonly later: Later
	/** Numbers the transactions of this client that leave intents. */
	nextToken: number
	/** Tokens of intents being carried out here, or given up: rows of this client with other tokens are done and about to go. */
	readonly carrying: Set<number>
	/** Set by a door that has work done after it answered: what its caller need not wait for, on the calling thread. */
	afterAnswer: ((work: () => void) => void) | undefined
	/** Nodes on which something that was decided here lately waits behind what others are carrying out. */
	readonly queued: Set<NodeId>
	/** Has it carried out, soon. */
	onQueued: () => Maybe<void>
	/** What was carried out on nodes and may not be on their disks yet. */
	readonly unsynced: Unsynced
	/** Changes that may have been made, of which it is being found out. */
	readonly undecided: Set<Promise<void>>
	onUndecided: (error: Undecided, since: number) => void
	/** The catalogue failed: operations may have left pins behind that nobody needs. */
	mayHaveLeftPins: boolean
	/** Nodes on which an exchange may have left its marks, or a client that is gone what it was bringing. */
	readonly nodesMarked: Set<NodeId>
}

/**
 * One transaction, with what was put off until the next one. What was put off stays put off when the transaction fails.
 */
export function transact<T>(fs: Filesystem, body: (tx: Transaction) => Op<T>, how: How = {}): Maybe<T> {
	return withPutOff(fs, (whole) => fs.catalogue.transaction(whole), body, how)
}

interface How {
	onFailure?: OnFailure
	/** What it does with paths: makes use of them, where nothing is said. */
	hold?: Hold
}

/** The same for a change that takes something for granted: undefined where that is not so, and has to be looked at. */
export function* transactUnasked<T>(fs: Filesystem, body: (tx: Transaction) => Op<T>, how: How = {}): Op<T | undefined> {
	try {
		return yield* wait(transact(fs, body, how))
	} catch (error) {
		if (!(error instanceof Overtaken) && codeOf(error) !== 'EEXIST') throw error
		return undefined
	}
}

/** The same with a commit that is shared with others, where that is quicker. */
export function transactTogether<T>(fs: Filesystem, body: (tx: Transaction) => Op<T>): Maybe<T> {
	return withPutOff(fs, (whole) => fs.catalogue.together(whole), body, {})
}

type Begin<T> = (whole: (tx: Transaction) => Op<T>) => Maybe<T>

function withPutOff<T>(fs: Filesystem, begin: Begin<T>, body: (tx: Transaction) => Op<T>, { onFailure = lookAfter, hold = 'together' }: How): Maybe<T> {
	fs.lookedUp = undefined
	fs.transactions++
	const waiting = fs.later.take()
	const since = fs.journal.position()
	const failed = (error: unknown): never => {
		fs.transactions++
		if (waiting.length > 0) fs.later.putBack(waiting)
		onFailure(fs, error, since)
		throw error
	}
	let result: Maybe<T>
	try {
		result = begin((tx) => inTransaction(fs, tx, { waiting, hold }, body))
	} catch (error) {
		return failed(error)
	}
	if (!isPromise(result)) return result
	const settled = result.then((value) => {
		fs.lookedUp = undefined
		fs.transactions++
		return value
	}, failed)
	if (waiting.length > 0) fs.later.carriedBy(settled)
	return settled
}

function* inTransaction<T>(
	fs: Filesystem,
	tx: Transaction,
	{ waiting, hold }: { waiting: readonly Query[]; hold: Hold },
	body: (tx: Transaction) => Op<T>,
): Op<T> {
	holdPlaces(fs, tx, hold)
	for (const [sql, params] of waiting) tx.write(sql, params)
	yield* lookForMoves(fs, tx)
	return yield* body(tx)
}

/** `since`: whatever the transaction has written into the journal has a higher number. */
export type OnFailure = (fs: Filesystem, error: unknown, since: number) => void

function lookAfter(fs: Filesystem, error: unknown, since: number): void {
	if (!(error instanceof CatalogueError)) return
	fs.mayHaveLeftPins = true
	if (error instanceof Undecided) fs.onUndecided(error, since)
}

/** Writes what was put off, if anything was. */
export function flushLater(fs: Filesystem): Maybe<void> {
	if (fs.later.size() === 0) return
	return transact(fs, function* () {}, { hold: 'nothing' })
}

/** Runs an operation nobody waits for; a failure is reported, not thrown. */
export function runAside(fs: Filesystem, what: string, op: Op<unknown>): void {
	try {
		const result = run(op)
		if (isPromise(result)) result.catch((error: Error) => fs.report(`${what}: ${error.message}`))
	} catch (error) {
		fs.report(`${what}: ${(error as Error).message}`)
	}
}
