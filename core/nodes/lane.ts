/** One worker thread, as the thread that uses it sees it, and what the two say to each other. */
import { Worker } from 'node:worker_threads'
import { Errno } from '../errors.ts'
import { exitNow } from '../libc.ts'
import type { NodeOperations } from './node.ts'

export interface LaneData {
	root: string
}

/** Grows when the node was not at its path: a lane that has not seen this one leaves its directory and identifies the new one. */
export interface Era {
	uuid: string
	generation: number
}

export interface LaneCall extends Era {
	method: keyof NodeOperations
	args: unknown[]
}

/** In place of a call: the thread leaves its directory and ends. */
export const END = 'end'

export interface Answer {
	value?: unknown
	code?: string
	message?: string
}

export interface Lane {
	/** Only when it is idle. The answer comes whenever the call returns, however late. */
	send(call: LaneCall, transfer: ArrayBuffer[], answered: (answer: Answer) => void): void
	/** An idle one ends; a busy one is left to its call, and ends after it. */
	end(): void
}

/** Lanes in a call; the process cannot end in the ordinary way while one of these threads hangs. */
const busy = new Set<Worker>()
let isWatching = false

export function startLane(root: string, failed: () => void): Lane {
	// Flags of the program (`--input-type` and its like) are not meant for its threads.
	const options = { workerData: { root } satisfies LaneData, execArgv: [] }
	const worker = new Worker(new URL('./lane-worker.ts', import.meta.url), options)
	let waiting: ((answer: Answer) => void) | undefined
	let isEnding = false
	leaveAtExit()
	worker.unref()
	worker.on('message', settle)
	worker.on('error', (error: Error) => {
		failed()
		settle({ code: 'EIO', message: `the thread of a node failed: ${error.message}` })
	})

	function send(call: LaneCall, transfer: ArrayBuffer[], answered: (answer: Answer) => void): void {
		waiting = answered
		busy.add(worker)
		worker.postMessage(call, transfer)
	}

	function settle(answer: Answer): void {
		const answered = waiting
		waiting = undefined
		busy.delete(worker)
		if (isEnding) stop()
		answered?.(answer)
	}

	function end(): void {
		isEnding = true
		if (waiting === undefined) stop()
	}

	/** By itself: a thread that is ended from outside leaves open what it had opened through the C library. */
	function stop(): void {
		worker.postMessage(END)
	}

	return { send, end }
}

export function errorOf(answer: Answer): Errno | undefined {
	return answer.code === undefined ? undefined : new Errno(answer.code, answer.message)
}

/** At its exit Node waits for its threads: one in a call that never returns would keep the process for ever. */
function leaveAtExit(): void {
	if (isWatching) return
	isWatching = true
	process.on('exit', (code) => {
		if (busy.size > 0) exitNow(code)
	})
}
