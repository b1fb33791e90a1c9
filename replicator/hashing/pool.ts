/** See hashing.ts: who hashes what. */
import { availableParallelism } from 'node:os'
import { Errno } from '../../core/errors.ts'
import type { Path } from '../../core/ids.ts'
import type { Node } from '../../core/nodes/node.ts'
import { type Asked, answerOne, answerRest, ask } from './asked.ts'
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

/** One file of those asked for together. */
interface Wanted {
	asked: Asked
	at: number
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

	async function hashFile(node: Node, path: Path, options?: HashOptions): Promise<Hashed> {
		const [answer] = await hashFiles(node, [path], options)
		if (answer instanceof Errno) throw answer
		return answer
	}

	function hashFiles(node: Node, paths: readonly Path[], options: HashOptions = {}): Promise<Array<Hashed | Errno>> {
		const { asked, answers } = ask(node, paths, options)
		const queue = node.remote ? waitingRemote : waiting
		const refusal = refusalOf(asked, queue.size())
		if (refusal) answerRest(asked, refusal)
		else for (let at = 0; at < paths.length; at++) queue.push({ asked, at })
		// At the end of this turn: what is asked for together travels together.
		if (!isTold) queueMicrotask(distribute)
		isTold = true
		return answers
	}

	function refusalOf({ node, options, paths }: Asked, before: number): Errno | undefined {
		if (isEnded || options.signal?.aborted) return ended()
		if (!node.health.up) return new Errno('ENOTCONN', node.health.reason)
		return before + paths.length > WAITING_FILES_MAX ? new Errno('ENOBUFS', 'too many files wait for their hash') : undefined
	}

	function distribute(): void {
		isTold = false
		while (waitingRemote.size() > 0 && remoteUnderWay < REMOTE_FILES_MAX) startRemote(waitingRemote.take())
		while (waiting.size() > 0) {
			const thread = leastLoaded()
			if (!thread) return
			const batch = nextBatch()
			giveTo(thread, batch, () => hashBatch(thread, batch))
		}
	}

	function startRemote(wanted: Wanted): void {
		const { node, paths, options } = wanted.asked
		remoteUnderWay++
		void settle([wanted], async () => answer(wanted, await hashRemote(node, paths[wanted.at], options))).finally(() => {
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
		const { node } = batch[0].asked
		while (batch.length < BATCH_FILES_MAX && waiting.peek()?.asked.node === node) batch.push(waiting.take())
		return batch
	}

	function giveTo(thread: Thread, batch: Wanted[], work: () => Promise<void>): void {
		thread.load += batch.length
		void settle(batch, work).finally(() => {
			thread.load -= batch.length
			distribute()
		})
	}

	async function hashBatch(thread: Thread, batch: Wanted[]): Promise<void> {
		const place = placeOf(batch[0].asked.node)
		const paths = batch.map(({ asked, at }) => asked.paths[at])
		const reply = await thread.ask({ ask: 'batch', id: ++lastId, ...place, ...packPaths(paths) })
		const { numbers, hashes } = reply.batch as NonNullable<Reply['batch']>
		for (let at = 0; at < batch.length; at++) {
			const code = unpackError(numbers, at)
			if (code !== undefined) answer(batch[at], new Errno(code))
			else if (isTooLarge(numbers, at)) startLarge(thread, batch[at])
			else answer(batch[at], { hash: Buffer.from(hashes.buffer, at * HASH_BYTES, HASH_BYTES), stat: unpackStat(numbers, at) })
		}
	}

	/** It stays on its thread, between batches of others. */
	function startLarge(thread: Thread, wanted: Wanted): void {
		const { node, paths, options } = wanted.asked
		const large = { id: ++lastId, place: placeOf(node), path: paths[wanted.at] }
		giveTo(thread, [wanted], async () => answer(wanted, await hashLarge(thread, large, options)))
	}

	function end(): void {
		isEnded = true
		for (const queue of [waiting, waitingRemote]) while (queue.size() > 0) answer(queue.take(), ended())
		for (const thread of [...threads]) thread.end()
	}

	return { hashFile, hashFiles, width: threadsMax * THREAD_FILES_MAX, end }
}

function answer({ asked, at }: Wanted, hashed: Hashed | Errno): void {
	answerOne(asked, at, hashed)
}

/** Whatever happens, each of them is answered. */
async function settle(batch: readonly Wanted[], work: () => Promise<void>): Promise<void> {
	try {
		await work()
	} catch (error) {
		for (const wanted of batch) answer(wanted, error instanceof Errno ? error : new Errno('EIO', (error as Error).message))
	}
}

function ended(): Errno {
	return new Errno('ECANCELED', 'hashing was ended')
}

function placeOf({ root, row }: Node): Place {
	return { root, uuid: row.uuid }
}
