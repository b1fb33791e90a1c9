/** See hashing.ts: who hashes what. */
import { availableParallelism } from 'node:os'
import { Errno } from '../../core/errors.ts'
import type { Path } from '../../core/ids.ts'
import type { Node } from '../../core/nodes/node.ts'
import type { Hashed, HashOptions, Hashing } from './hashing.ts'
import { hashLarge } from './large.ts'
import { HASH_BYTES, isTooLarge, packPaths, type Place, type Reply, unpackError, unpackStat } from './packets.ts'
import { createQueue } from './queue.ts'
import { hashRemote } from './remote.ts'
import { startThread, type Thread } from './thread.ts'

/** Files of one message to a thread. */
const BATCH_FILES_MAX = 64
/** What a thread has before it: one batch in hand, one that waits. */
const THREAD_FILES_MAX = 2 * BATCH_FILES_MAX
/** Files of remote nodes at once: each has a buffer of its own. */
const REMOTE_FILES_MAX = 8
/** Past it a caller has lost count of what it asked for. */
const WAITING_FILES_MAX = 100_000

interface Wanted {
	node: Node
	path: Path
	options: HashOptions
	resolve: (hashed: Hashed) => void
	reject: (error: unknown) => void
}

export function openHashing(threadsWanted: number): Hashing {
	const threadsMax = threadsWanted > 0 ? threadsWanted : availableParallelism()
	const threads = new Set<Thread>()
	const waiting = createQueue<Wanted>()
	const waitingRemote = createQueue<Wanted>()
	let remoteUnderWay = 0
	let isTold = false
	let isEnded = false
	let lastId = 0

	function hashFile(node: Node, path: Path, options: HashOptions = {}): Promise<Hashed> {
		return new Promise((resolve, reject) => {
			const queue = node.remote ? waitingRemote : waiting
			if (isEnded || options.signal?.aborted) return reject(new Errno('ECANCELED', 'hashing was ended'))
			if (!node.health.up) return reject(new Errno('ENOTCONN', node.health.reason))
			if (queue.size() >= WAITING_FILES_MAX) return reject(new Errno('ENOBUFS', 'too many files wait for their hash'))
			queue.push({ node, path, options, resolve, reject })
			if (isTold) return
			// At the end of this turn: what is asked for together travels together.
			isTold = true
			queueMicrotask(distribute)
		})
	}

	function distribute(): void {
		isTold = false
		while (waitingRemote.size() > 0 && remoteUnderWay < REMOTE_FILES_MAX) startRemote(waitingRemote.take())
		while (waiting.size() > 0) {
			const thread = leastLoaded()
			if (!thread) return
			startBatch(thread, nextBatch())
		}
	}

	function startRemote(wanted: Wanted): void {
		remoteUnderWay++
		void settle([wanted], async () => wanted.resolve(await hashRemote(wanted.node, wanted.path, wanted.options))).finally(() => {
			remoteUnderWay--
			distribute()
		})
	}

	function leastLoaded(): Thread | undefined {
		let best: Thread | undefined
		for (const thread of threads) if (!best || thread.load < best.load) best = thread
		if (best?.load === 0 || (best && threads.size >= threadsMax)) return best.load < THREAD_FILES_MAX ? best : undefined
		const thread = startThread(() => threads.delete(thread))
		threads.add(thread)
		return thread
	}

	/** Of one node. */
	function nextBatch(): Wanted[] {
		const batch = [waiting.take()]
		while (batch.length < BATCH_FILES_MAX && waiting.peek()?.node === batch[0].node) batch.push(waiting.take())
		return batch
	}

	function startBatch(thread: Thread, batch: Wanted[]): void {
		giveTo(thread, batch, () => hashBatch(thread, batch))
	}

	function giveTo(thread: Thread, batch: Wanted[], work: () => Promise<void>): void {
		thread.load += batch.length
		void settle(batch, work).finally(() => {
			thread.load -= batch.length
			distribute()
		})
	}

	async function hashBatch(thread: Thread, batch: Wanted[]): Promise<void> {
		const place = placeOf(batch[0].node)
		const { batch: answer } = await thread.ask({ ask: 'batch', id: ++lastId, ...place, ...packPaths(batch.map(({ path }) => path)) })
		const { numbers, hashes } = answer as NonNullable<Reply['batch']>
		const large: Wanted[] = []
		for (let at = 0; at < batch.length; at++) {
			const code = unpackError(numbers, at)
			if (code !== undefined) batch[at].reject(new Errno(code))
			else if (isTooLarge(numbers, at)) large.push(batch[at])
			else batch[at].resolve({ hash: Buffer.from(hashes.buffer, at * HASH_BYTES, HASH_BYTES), stat: unpackStat(numbers, at) })
		}
		for (const wanted of large) startLarge(thread, wanted)
	}

	/** It stays on its thread, between batches of others. */
	function startLarge(thread: Thread, wanted: Wanted): void {
		const { node, path, options } = wanted
		const large = { id: ++lastId, place: placeOf(node), path }
		giveTo(thread, [wanted], async () => wanted.resolve(await hashLarge(thread, large, options)))
	}

	function end(): void {
		isEnded = true
		for (const queue of [waiting, waitingRemote]) while (queue.size() > 0) queue.take().reject(new Errno('ECANCELED', 'hashing was ended'))
		for (const thread of [...threads]) thread.end()
	}

	return { hashFile, width: threadsMax * THREAD_FILES_MAX, end }
}

/** Whatever happens, each of them is answered. */
async function settle(batch: readonly Wanted[], work: () => Promise<void>): Promise<void> {
	try {
		await work()
	} catch (error) {
		for (const { reject } of batch) reject(error)
	}
}

function placeOf({ root, row }: Node): Place {
	return { root, uuid: row.uuid }
}
