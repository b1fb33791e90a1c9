/**
 * What node.ts says, for a node that may hang: carried out by a few threads of its own, with a deadline.
 *
 * A call that passed its deadline fails with ETIMEDOUT and its lane is left alone until the call returns; `health.stuck`
 * counts those. Such a call may still change the node: nobody else may be given its work while `stuck` is not 0. A call
 * that timed out while it waited for a lane is never made.
 */
import { Errno } from '../errors.ts'
import { type Answer, errorOf, type Lane, startLane } from './lane.ts'
import type { DirectoryEntry, Health, NodeOperations, Space, Stat } from './node.ts'

/** Calls that wait for a lane; past it they fail at once with EAGAIN's cousin of a busy node, ETIMEDOUT. */
const CALLS_WAITING_MAX = 1024

export interface LaneOptions {
	deadlineMs: number
	callsMax: number
	health: Health
}

interface Call {
	method: keyof NodeOperations
	args: unknown[]
	transfer: ArrayBuffer[]
	settle: (answer: Answer) => void
	/** What to do with an answer that nobody waits for any more. */
	late: (answer: Answer) => void
	/** A close is made however late: the descriptor would leak. */
	isOwed: boolean
	isOver: boolean
}

export function openLaneOperations(root: string, options: LaneOptions): NodeOperations {
	const { deadlineMs, callsMax, health } = options
	const idle: Lane[] = []
	const waiting = new Set<Call>()
	const lanes = new Set<Lane>()
	let uuid = ''
	let generation = 0
	let isEnded = false

	function call<T>(method: keyof NodeOperations, args: unknown[], extra: Partial<Call> = {}): Promise<T> {
		const { promise, resolve, reject } = Promise.withResolvers<T>()
		const settle = (answer: Answer) => {
			const error = errorOf(answer)
			if (error === undefined) resolve(answer.value as T)
			else reject(error)
		}
		submit({ method, args, transfer: [], settle, late: ignore, isOwed: false, isOver: false, ...extra })
		return promise
	}

	function submit(call: Call): void {
		if (isEnded) return call.settle({ code: 'ENOTCONN', message: `${root} is closed` })
		if (waiting.size >= CALLS_WAITING_MAX && !call.isOwed) return call.settle(timedOut(call))
		const timer = setTimeout(() => expire(call), deadlineMs)
		const settle = call.settle
		call.settle = (answer) => {
			clearTimeout(timer)
			settle(answer)
		}
		const lane = idle.pop() ?? another()
		if (lane === undefined) waiting.add(call)
		else start(lane, call)
	}

	function another(): Lane | undefined {
		if (lanes.size >= callsMax) return undefined
		const lane = startLane(root, () => lanes.delete(lane))
		lanes.add(lane)
		return lane
	}

	function start(lane: Lane, call: Call): void {
		const { method, args, transfer } = call
		lane.send({ method, args, uuid, generation }, transfer, (answer) => finish(lane, call, answer))
	}

	function finish(lane: Lane, call: Call, answer: Answer): void {
		if (lanes.has(lane)) next(lane)
		if (!call.isOver) return call.settle(answer)
		health.stuck--
		call.late(answer)
	}

	function next(lane: Lane): void {
		const [call] = waiting
		if (call === undefined) {
			idle.push(lane)
			return
		}
		waiting.delete(call)
		start(lane, call)
	}
}
