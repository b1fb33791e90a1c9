/**
 * The conversation with the kernel: one thread, a hybrid loop. When the waiter says there is something to read, requests
 * are read and answered in one go for as long as they keep coming; in between the event loop has its turn.
 */
import { Errno, toldCode } from '../../core/errors.ts'
import { close, errno, errnoName, errnoNumber, read, write } from '../../core/libc.ts'
import { isPromise, type Op, run } from '../../core/op.ts'
import type { Meter } from '../meter.ts'
import { OP, OUT_HEADER_BYTES, READ_BUFFER_BYTES, WRITE_BYTES_MAX } from './protocol.ts'
import { createGiveWay, ofMachine } from './give-way.ts'
import { createLinger } from './linger.ts'
import { createNeighbour } from './neighbour.ts'
import { callerOf, decodeRequest, type Request } from './request.ts'
import { poll, pollDescriptor, yieldProcessor } from './system-calls.ts'
import { startWaiter } from './waiter.ts'

/** How long the loop may keep the thread before timers and sockets have a turn. */
const BURST_MS_MAX = 50
/** The next request of a busy caller comes within this time. */
const LINGER_MS = 1
/** Whoever is on this processor, or was about to ask anyway, is found sooner. */
const LOOKS_TOGETHER_MAX = 4
/** With answers outstanding the loop comes back at once, this long after the last request; then it waits like anybody. */
const SPIN_MS_MAX = 2

/** Where a reply is put together: the body starts at `at`. */
export interface Out {
	bytes: Buffer
	view: DataView
	at: number
}

/**
 * Writes the body of a reply and says how long it is. A buffer is a whole reply whose first 16 bytes are left for the header, a string
 * the name of an error that is an ordinary answer: to throw one costs as much as the rest.
 */
export type Reply = ((out: Out) => number) | Buffer | string

export type Handler = (request: Request) => Op<Reply | undefined>

export interface SessionOptions {
	fd: number
	handlers: ReadonlyMap<number, Handler>
	/** The kernel has let go: the mount is gone. */
	onEnd: () => void
	report: (line: string) => void
	meter: Pick<Meter, 'note' | 'failed'>
}

export interface Session {
	start(): void
	/** Has work done as soon as the reply to the request being served is written, before the next is read. */
	afterReply(work: () => void): void
	end(): void
}

/** ENODEV: the mount is gone. ENOENT: the caller was interrupted before its request was taken. */
const NOT_FOR_WANT_OF_REQUESTS: ReadonlySet<string> = new Set(['ENODEV', 'EINTR', 'ENOENT'])
const WITHOUT_REPLY: ReadonlySet<number> = new Set([OP.FORGET, OP.BATCH_FORGET, OP.INTERRUPT])
/** Nobody sleeps until they are answered. */
const NOT_WAITED_FOR: ReadonlySet<number> = new Set([OP.RELEASE, OP.RELEASEDIR])

export function openSession({ fd, handlers, onEnd, report, meter }: SessionOptions): Session {
	const input = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES)
	const inputView = new DataView(input.buffer)
	const output = Buffer.allocUnsafeSlow(WRITE_BYTES_MAX + 4096)
	const out: Out = { bytes: output, view: new DataView(output.buffer), at: OUT_HEADER_BYTES }
	const descriptor = pollDescriptor(fd)
	const waiter = startWaiter(fd, drain)
	const linger = createLinger(() => performance.now(), yieldProcessor)
	const way = createGiveWay(ofMachine())
	const neighbour = createNeighbour(way.begin)
	/** Of what was read last; where that was nothing, why. */
	let length = 0
	let refusal = ''
	/** How often it was looked for. */
	let looks = 0
	let answeredMs = 0
	let outstanding = 0
	let lastRequestMs = 0
	let ended = false
	const owed: Array<() => void> = []

	function drain(): void {
		const startedMs = performance.now()
		while (!ended) {
			looks = 0
			if (!look() && !comesSoon()) return rest()
			if (length > 0) {
				neighbour.came(callerOf(inputView), looks > LOOKS_TOGETHER_MAX ? performance.now() - answeredMs : 0)
				answeredMs = serve(length)
				if (answeredMs - startedMs > BURST_MS_MAX) return again()
			} else if (refusal === 'ENODEV') {
				end()
				onEnd()
			}
		}
	}

	/** Whether there is something now: a request, or what waiting would not change. */
	function look(): boolean {
		length = read(fd, input, READ_BUFFER_BYTES)
		if (length > 0) return true
		refusal = errnoName(errno())
		return NOT_FOR_WANT_OF_REQUESTS.has(refusal)
	}

	function comesSoon(): boolean {
		if (outstanding > 0 || !linger.wait(look, sleep)) return false
		looks = linger.looks()
		return true
	}

	function sleep(): boolean {
		return poll(descriptor, 1, LINGER_MS) > 0
	}

	function rest(): void {
		if (outstanding > 0 && performance.now() - lastRequestMs < SPIN_MS_MAX) again()
		else waiter.arm()
	}

	function again(): void {
		setImmediate(drain)
	}

	/** When it was done, or given to whoever answers later. */
	function serve(length: number): number {
		const startedMs = performance.now()
		const request = decodeRequest(input, inputView)
		if (request.end !== length) {
			report(`request of ${length} bytes says it has ${request.end}`)
			return startedMs
		}
		if (WITHOUT_REPLY.has(request.opcode)) return startedMs
		const handler = handlers.get(request.opcode)
		if (!handler) {
			sendError(request, 'ENOSYS')
			return startedMs
		}
		try {
			const result = run(handler(request))
			if (isPromise(result)) return answerLater(request, result, startedMs)
			send(request, result)
		} catch (error) {
			sendError(request, codeFor(error, request))
		}
		return noted(request, startedMs)
	}

	function noted(request: Request, startedMs: number): number {
		const endedMs = performance.now()
		meter.note(request, startedMs, endedMs)
		return endedMs
	}

	function answerLater(request: Request, result: Promise<Reply | undefined>, startedMs: number): number {
		const { opcode, uniqueLow, uniqueHigh, pid, node } = request
		const later = { opcode, uniqueLow, uniqueHigh, pid, node } as Request
		outstanding++
		lastRequestMs = performance.now()
		result.then(
			(reply) => {
				outstanding--
				send(later, reply)
				noted(later, startedMs)
			},
			(error: unknown) => {
				outstanding--
				sendError(later, codeFor(error, later))
				noted(later, startedMs)
			},
		)
		return lastRequestMs
	}

	function codeFor(error: unknown, request: Request): string {
		// Anything that carries no errno is a mistake of ours: the caller gets EIO, the keeper the whole story.
		if (!(error instanceof Errno) && (error as { code?: unknown })?.code === undefined) {
			report(`operation ${request.opcode}: ${(error as Error)?.stack ?? error}`)
		}
		return toldCode(error)
	}

	function send(request: Request, reply: Reply | undefined): void {
		if (reply === undefined) return put(request, output, OUT_HEADER_BYTES, 0)
		if (typeof reply === 'string') return sendError(request, reply)
		if (typeof reply === 'function') return put(request, output, OUT_HEADER_BYTES + reply(out), 0)
		put(request, reply, reply.length, 0)
	}

	function sendError(request: Request, code: string): void {
		meter.failed(code)
		put(request, output, OUT_HEADER_BYTES, -errnoNumber(code))
	}

	function put({ opcode, uniqueLow, uniqueHigh }: Request, bytes: Buffer, length: number, error: number): void {
		bytes.writeUInt32LE(length, 0)
		bytes.writeInt32LE(error, 4)
		bytes.writeUInt32LE(uniqueLow, 8)
		bytes.writeUInt32LE(uniqueHigh, 12)
		const tell = () => write(fd, bytes, length)
		// ENOENT: the caller was interrupted and nobody waits for the answer any more.
		if (!ended && (NOT_WAITED_FOR.has(opcode) ? tell() : way.answer(tell)) === -1 && !['ENOENT', 'ENODEV'].includes(errnoName(errno()))) {
			report(`reply: ${errnoName(errno())}`)
		}
		// The caller is on its way on another processor meanwhile.
		for (let work = owed.shift(); work; work = owed.shift()) work()
	}

	function end(): void {
		if (ended) return
		ended = true
		waiter.end()
	}

	return {
		start: () => waiter.arm(),
		afterReply: (work) => void owed.push(work),
		end() {
			end()
			close(fd)
		},
	}
}
