/** Bringing the filesystem up in a process, keeping it alive, and taking it down. */
import * as classTable from '../catalogue/classes.ts'
import type { ChangeRow } from '../catalogue/changes.ts'
import type { Driver } from '../catalogue/driver.ts'
import { checkSchema } from '../catalogue/migrate.ts'
import { openSequence } from '../catalogue/sequence.ts'
import type { Config } from '../config/types.ts'
import { CatalogueError } from '../errors.ts'
import { closeNode } from '../nodes/open-node.ts'
import { type Op, run, wait } from '../op.ts'
import { boundTouched } from '../stats/bound.ts'
import { newAlive } from './alive.ts'
import { isFollowed } from './behind.ts'
import { beat, HEARTBEAT_MS, join, part } from './clients.ts'
import { isCutOff } from './cut-off.ts'
import { createDirectories } from './directories.ts'
import { type Filesystem, flushLater, runAside } from './filesystem.ts'
import { catchUp } from './follow.ts'
import { hasten } from './hasten.ts'
import { createJournal } from './journal.ts'
import { createLater } from './later.ts'
import { refreshNodes } from './nodes.ts'
import { openAnew } from './open.ts'
import type { OpenFile } from './open-files.ts'
import { pruneChanges } from './prune.ts'
import { publishAside, release, retryAbandoned } from './publish.ts'
import { createReadAhead } from './read-ahead.ts'
import { keepLeases, settle } from './settle.ts'
import { createTouched } from './touched.ts'
import { findOut } from './undecided.ts'
import { createUnsynced, SYNC_MS, syncNodes } from './unsynced.ts'

const SETTLE_MS = 2_000
/** Well below what they last. */
const LEASES_MS = 20_000
const TOKENS_PER_CLIENT = 1_000_000_000
const PRUNE_MS = 600_000

export interface Start {
	config: Config
	catalogue: Driver
	/** What this process is, for `cairn status`: `mount /mnt/combined`. */
	what: string
	report: (line: string) => void
	onChange?: (change: ChangeRow) => void
	random?: () => number
}

/** For a process that stays: on a catalogue of this program's schema, which is closed where it cannot begin, as open connections would keep the process. */
export async function beginFilesystem(start: Start): Promise<Filesystem> {
	try {
		await checkSchema(start.catalogue)
		return await run(startFilesystem(start))
	} catch (error) {
		await start.catalogue.close()
		throw error
	}
}

export function* startFilesystem({ config, catalogue, what, report, onChange = () => {}, random = Math.random }: Start): Op<Filesystem> {
	const { capabilities } = catalogue
	const fs: Filesystem = {
		config,
		catalogue,
		capabilities,
		client: yield* join(catalogue, what),
		alive: newAlive(),
		returns: 0,
		what,
		nodes: new Map(),
		nodesInDoubt: false,
		classes: yield* wait(classTable.list(catalogue)),
		ids: openSequence(catalogue, 'next_file_id'),
		directories: createDirectories(),
		readAhead: createReadAhead(),
		journal: createJournal(capabilities, { transactionMs: config.catalogueTimeoutMs }),
		catchingUp: undefined,
		unfollowed: [],
		later: createLater(() => flushLater(fs), (error) => report(`catalogue: ${error.message}`)),
		unsynced: createUnsynced(),
		open: new Map(),
		removed: new Map(),
		nextToken: 0,
		carrying: new Set(),
		queued: new Set(),
		onQueued: () => hasten(fs),
		opening: new Map(),
		arriving: new Map(),
		undecided: new Set(),
		onUndecided: (error, since) => findOut(fs, error, since),
		sawStanding: false,
		mayHaveLeftPins: false,
		nodesMarked: new Set(),
		random,
		report,
		touched: createTouched(capabilities),
		synced: new Set(),
		lookedUp: undefined,
		absent: undefined,
		transactions: 0,
		afterAnswer: undefined,
		onChange,
		shared: false,
	}
	// Never given twice, by whichever client: what an intent leaves on a node is named by its token.
	fs.nextToken = fs.client * TOKENS_PER_CLIENT
	catalogue.markSeen()
	yield* fs.journal.start(catalogue)
	fs.unsynced.from = fs.journal.position()
	yield* refreshNodes(fs)
	for (const id of fs.nodes.keys()) fs.nodesMarked.add(id)
	yield* settle(fs)
	return fs
}

/** What goes on by itself while the filesystem is up; call the result to end it. */
export function keepAlive(fs: Filesystem): () => void {
	fs.alive.shownMs = Date.now()
	const timers = [
		every(fs, 'journal', fs.config.mount.pollMs, function* () {
			if (!isFollowed(fs)) yield* catchUp(fs)
		}),
		every(fs, 'heartbeat', HEARTBEAT_MS, () => beat(fs)),
		every(fs, 'settling', SETTLE_MS, () => settle(fs)),
		// A round may last longer than a lease.
		every(fs, 'keeping leases', LEASES_MS, () => keepLeases(fs)),
		every(fs, 'syncing nodes', SYNC_MS, () => syncNodes(fs)),
		every(fs, 'pruning', PRUNE_MS, function* () {
			yield* pruneChanges(fs)
			yield* boundTouched(fs)
		}),
		every(fs, 'publishing', fs.config.mount.publishSeconds * 1000, () => publishOpen(fs)),
	]
	return () => {
		timers.forEach(clearInterval)
		fs.alive.shownMs = Number.POSITIVE_INFINITY
	}
}

/** One round at a time: a catalogue that is away must not pile rounds up. */
function every(fs: Filesystem, what: string, ms: number, round: () => Op<unknown>): NodeJS.Timeout {
	let underWay = false
	return setInterval(() => {
		if (underWay) return
		underWay = true
		const turn = (function* () {
			try {
				yield* round()
			} finally {
				underWay = false
			}
		})()
		runAside(fs, what, turn)
	}, ms)
}

/** One that its node does not let be looked at keeps none of the others waiting. */
function* publishOpen(fs: Filesystem): Op<void> {
	const failures: unknown[] = []
	for (const file of [...fs.open.values()]) {
		if (file.writers === 0 || file.orphan) continue
		try {
			yield* file.abandoned ? publishAbandoned(fs, file) : publishAside(fs, file)
		} catch (error) {
			if (error instanceof CatalogueError) throw error
			failures.push(error)
		}
	}
	if (failures.length > 0) throw failures[0]
}

function* publishAbandoned(fs: Filesystem, file: OpenFile): Op<void> {
	if (yield* isCutOff(file)) yield* openAnew(fs, file)
	yield* retryAbandoned(fs, file)
}

function* closeWhole(fs: Filesystem, file: OpenFile): Op<void> {
	file.handles = 1
	file.writers = Math.min(1, file.writers)
	yield* release(fs, file, file.writers > 0)
}

/** What had to wait for another process to finish would stand until somebody comes, should this be the last that goes. */
async function leave(fs: Filesystem): Promise<void> {
	await flushLater(fs)
	try {
		await run(settle(fs))
	} catch (error) {
		if (error instanceof CatalogueError) throw error
		fs.report(`what is left for who comes next: ${(error as Error).message}`)
	}
	await run(part(fs))
}

/** Publishes and closes everything. The catalogue's driver is the caller's to close. */
export async function stopFilesystem(fs: Filesystem): Promise<void> {
	const results = await Promise.allSettled([...fs.open.values()].map(async (file) => run(closeWhole(fs, file))))
	const failed = results.filter((result) => result.status === 'rejected')
	try {
		// As after a crash: whoever comes next settles what this client was writing.
		if (failed.length > 0) fs.report(`${failed.length} files could not be published: ${failed[0].reason.message}`)
		else await leave(fs)
	} finally {
		fs.later.end()
		for (const node of fs.nodes.values()) closeNode(node)
	}
}
