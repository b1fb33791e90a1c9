/**
 * Calls on a few lanes, each with a deadline.
 *
 * One that passed it fails with ETIMEDOUT, and its lane is left alone until the call returns; `health.stuck` counts those.
 * One that was still waiting for a lane is never made, except a close.
 */
import { awakeMs, whenAwakeUntil } from '../awake.ts'
import { type Answer, type Era, errorOf, type Lane, startLane } from './lane.ts'
import type { Health, NodeOperations } from './node.ts'

/** Calls that wait for a lane of one node; past it they fail at once, as the node does not keep up. */
const CALLS_WAITING_MAX = 1024

export interface PoolOptions {
	root: string
	lanesMax: number
	deadlineMs: number
	health: Health
	era: Era
}

export interface Special {
	/** Buffers that go over to the lane. */
	transfer?: ArrayBuffer[]
	/** What to do with an answer that comes after the deadline. */
	late?: (answer: Answer) => void
	/** To be made however late: a close that is left out leaks a descriptor. */
	isOwed?: boolean
}

export interface Pool {
	call<T>(method: keyof NodeOperations, args: unknown[], special?: Special): Promise<T>
	end(): void
}

interface Call extends Special {
	method: keyof NodeOperations
	args: unknown[]
	settle: (answer: Answer) => void
	isOver: boolean
}

export function openPool({ root, lanesMax, deadlineMs, health, era }: PoolOptions): Pool {
	const lanes = new Set<Lane>()
	const idle: Lane[] = []
	const waiting = new Set<Call>()
	let isEnded = false

	function call<T>(method: keyof NodeOperations, args: unknown[], special: Special = {}): Promise<T> {
		return new Promise<T>((resolve, reject) => {
			const answered = whenAwakeUntil(awakeMs() + deadlineMs, () => expire(call))
			const settle = (answer: Answer) => {
				answered()
				const error = errorOf(answer)
				if (error === undefined) resolve(answer.value as T)
				else reject(error)
			}
			const call: Call = { ...special, method, args, settle, isOver: false }
			submit(call)
		})
	}

	function submit(call: Call): void {
		const lane = idle.pop() ?? another()
		if (lane !== undefined) start(lane, call)
		else if (isEnded) call.settle({ code: 'ENOTCONN', message: `${root} is closed` })
		else if (waiting.size < CALLS_WAITING_MAX || call.isOwed) waiting.add(call)
		else call.settle(timedOut(call.method))
	}

	function another(): Lane | undefined {
		if (isEnded || lanes.size >= lanesMax) return undefined
		const lane = startLane(root, () => lanes.delete(lane))
		lanes.add(lane)
		return lane
	}

	function start(lane: Lane, call: Call): void {
		const { method, args, transfer = [] } = call
		lane.send({ method, args, ...era }, transfer, (answer) => finish(lane, call, answer))
	}

	function finish(lane: Lane, call: Call, answer: Answer): void {
		if (call.isOver) health.stuck--
		if (call.isOver) call.late?.(answer)
		else call.settle(answer)
		if (lanes.has(lane)) next(lane)
		else if (waiting.size > 0) next(another())
	}

	function next(lane: Lane | undefined): void {
		if (lane === undefined) return
		const [call] = waiting
		if (call === undefined) return rest(lane)
		waiting.delete(call)
		start(lane, call)
	}

	function rest(lane: Lane): void {
		if (isEnded) lane.end()
		else idle.push(lane)
	}

	function expire(call: Call): void {
		if (!call.isOwed && waiting.delete(call)) return call.settle(timedOut(call.method))
		call.isOver = true
		health.stuck++
		call.settle(timedOut(call.method))
	}

	function timedOut(method: string): Answer {
		return { code: 'ETIMEDOUT', message: `${root} did not answer within ${deadlineMs} ms (${method})` }
	}

	/** Busy lanes end after their call, and after the closes that are owed. */
	function end(): void {
		isEnded = true
		for (const lane of idle.splice(0)) lane.end()
	}

	return { call, end }
}
