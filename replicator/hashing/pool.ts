/** See hashing.ts: who hashes what. */
import { availableParallelism } from 'node:os'
import { Errno } from '../../core/errors.ts'
import type { Name, Path } from '../../core/ids.ts'
import type { Node } from '../../core/nodes/node.ts'
import { answerAll, answerOne, type Asked, ask, pathOf, type Range } from './asked.ts'
import { isToBeScouted, takeScouted } from './early.ts'
import type { Answers, Hashed, HashOptions, Hashing } from './hashing.ts'
import { hashLarge } from './large.ts'
import { type Gathered, isTooLarge, type Packet, packDirectories, packPaths, type Place, type Reply, type Survey } from './packets.ts'
import { createQueue } from './queue.ts'
import { hashByCalls } from './by-calls.ts'
import { startThread, type Thread } from './thread.ts'

/** Files of one message to a thread. */
const BATCH_FILES_MAX = 256
/** What a thread has before it: one batch in hand, one that waits. */
const THREAD_FILES_MAX = 2 * BATCH_FILES_MAX
/** What it may have before it and be asked what is in directories. */
const SURVEYS_MAX = 8
/** Files of remote nodes at once: each has a buffer of its own. */
const REMOTE_FILES_MAX = 8
/** Past it a caller has lost count of what it asked for. */
const WAITING_FILES_MAX = 100_000

/** Nobody waits for anything any more when it rests. */
export type HashingPool = Omit<Hashing, 'end'> & { rest(): void }

const TOP = Buffer.alloc(0)

export function openPool(threadsWanted: number): HashingPool {
	const threadsMax = threadsWanted > 0 ? threadsWanted : availableParallelism()
	const threads = new Set<Thread>()
	const waiting = createQueue<Range>()
	const waitingRemote = createQueue<Range>()
	/** In both. */
	let waitingFiles = 0
	let remoteUnderWay = 0
	let isTold = false
	let lastId = 0

	async function hashFile(node: Node, path: Path, options?: HashOptions): Promise<Hashed> {
		const answer = (await hashNames(node, TOP, [path], options)).at(0)
		if (answer instanceof Errno) throw answer
		return answer
	}

	function hashNames(node: Node, directory: Path, names: readonly Name[], options: HashOptions = {}): Promise<Answers> {
		const { asked, promise } = ask(node, directory, names, options)
		const refusal = refusalOf(asked)
		if (refusal) answerAll({ asked, from: 0, to: names.length }, refusal)
		else if (names.length > 0) enqueue(asked)
		return promise
	}

	function enqueue(asked: Asked): void {
		const { length } = asked.names
		waitingFiles += length
		if (!asked.node.remote) waiting.push({ asked, from: 0, to: length })
		else for (let at = 0; at < length; at++) waitingRemote.push({ asked, from: at, to: at + 1 })
		// At the end of this turn: what is asked for together travels together.
		if (!isTold) queueMicrotask(distribute)
		isTold = true
	}

	function refusalOf({ node, options, names }: Asked): Errno | undefined {
		if (options.signal?.aborted) return ended()
		if (!node.health.up) return new Errno('ENOTCONN', node.health.reason)
		return waitingFiles + names.length > WAITING_FILES_MAX
			? new Errno('ENOBUFS', 'too many files wait for their hash')
			: undefined
	}

	function distribute(): void {
		isTold = false
		while (waitingRemote.size() > 0 && remoteUnderWay < REMOTE_FILES_MAX) startRemote(waitingRemote.take())
		while (waiting.size() > 0) {
			const thread = leastLoaded()
			if (thread.load >= THREAD_FILES_MAX) return
			const batch = nextBatch()
			giveTo(thread, batch, () => hashBatch(thread, batch))
		}
	}

	function startRemote(range: Range): void {
		const { asked, from } = range
		waitingFiles--
		remoteUnderWay++
		void settle([range], async () =>
			answerOne(asked, from, await hashByCalls(asked.node, pathOf(asked, from), asked.options)),
		).finally(() => {
			remoteUnderWay--
			distribute()
		})
	}

	function leastLoaded(): Thread {
		let best: Thread | undefined
		for (const thread of threads) if (!best || thread.load < best.load) best = thread
		if (best?.load === 0 || (best && threads.size >= threadsMax)) return best
		const thread = startThread(() => threads.delete(thread))
		threads.add(thread)
		return thread
	}

	/** One that is started: of a survey there is less to do than it takes to start another. */
	function atLeisure(): Thread | undefined {
		return [...threads].find(({ load }) => load < SURVEYS_MAX * BATCH_FILES_MAX)
	}

	/** Of one node, from as many directories as it takes. */
	function nextBatch(): Range[] {
		const batch: Range[] = []
		let room = BATCH_FILES_MAX
		for (let next = waiting.peek(); next && room > 0; next = waiting.peek()) {
			if (batch.length > 0 && next.asked.node !== batch[0].asked.node) break
			const to = Math.min(next.to, next.from + room)
			batch.push({ asked: next.asked, from: next.from, to })
			room -= to - next.from
			next.from = to
			if (to === next.to) waiting.take()
		}
		waitingFiles -= BATCH_FILES_MAX - room
		return batch
	}

	function giveTo(thread: Thread, batch: Range[], work: () => Promise<void>): void {
		const many = filesIn(batch)
		thread.load += many
		void settle(batch, work).finally(() => {
			thread.load -= many
			distribute()
		})
	}

	async function hashBatch(thread: Thread, batch: Range[]): Promise<void> {
		const place = placeOf(batch[0].asked.node)
		const reply = await thread.ask({ ask: 'batch', id: ++lastId, ...place, ...packPaths(batch) })
		const packet = reply.batch as Packet
		let index = 0
		for (const { asked, from, to } of batch) {
			for (let at = from; at < to; at++, index++) {
				if (isTooLarge(packet.numbers, index)) startLarge(thread, asked, at)
				else answerOne(asked, at, packet, index)
			}
		}
	}

	async function survey(node: Node, directories: readonly Path[], namesMax: number) {
		const scouted = await Promise.all(directories.map((directory) => takeScouted(node.root, directory)))
		const rest = directories.filter((_, index) => !scouted[index])
		const asked = rest.length > 0 ? ((await look('survey', node, rest, namesMax)).surveys as Array<Survey | undefined>) : []
		let next = 0
		return scouted.map((known) => (known ? known.survey : asked[next++]))
	}

	async function gather(node: Node, directories: readonly Path[], namesMax: number) {
		return (await look('gather', node, directories, namesMax)).gathered as Array<Gathered | undefined>
	}

	async function look(ask: 'survey' | 'gather', node: Node, directories: readonly Path[], namesMax: number): Promise<Reply> {
		const thread = (ask === 'survey' ? atLeisure() : undefined) ?? leastLoaded()
		thread.load += BATCH_FILES_MAX
		try {
			return await thread.ask({ ask, id: ++lastId, ...placeOf(node), ...packDirectories(directories), namesMax })
		} finally {
			thread.load -= BATCH_FILES_MAX
			distribute()
		}
	}

	/** It stays on its thread, between batches of others. */
	function startLarge(thread: Thread, asked: Asked, at: number): void {
		const large = { id: ++lastId, place: placeOf(asked.node), path: pathOf(asked, at) }
		giveTo(thread, [{ asked, from: at, to: at + 1 }], async () =>
			answerOne(asked, at, await hashLarge(thread, large, asked.options)),
		)
	}

	function rest(): void {
		for (const queue of [waiting, waitingRemote]) while (queue.size() > 0) answerAll(queue.take(), ended())
		waitingFiles = 0
		for (const thread of threads) thread.rest()
	}

	return { hashFile, hashNames, survey, isToCome: ({ root }, directory) => isToBeScouted(root, directory), gather, rest }
}

function filesIn(batch: readonly Range[]): number {
	return batch.reduce((many, { from, to }) => many + to - from, 0)
}

/** Whatever happens, each of them is answered. */
async function settle(batch: readonly Range[], work: () => Promise<void>): Promise<void> {
	try {
		await work()
	} catch (error) {
		for (const range of batch) answerAll(range, error instanceof Errno ? error : new Errno('EIO', (error as Error).message))
	}
}

function ended(): Errno {
	return new Errno('ECANCELED', 'hashing was ended')
}

function placeOf({ root, row }: Node): Place {
	return { root, uuid: row.uuid }
}
