/**
 * Whether a node is in service. Failures that speak of the node and not of a file open its breaker: from then on its calls
 * fail at once with ENOTCONN, until a probe finds the node well again.
 */
import { codeOf, Errno, isShortage } from '../errors.ts'
import { isPromise, type Maybe } from '../op.ts'
import type { Health, Latency, NodeOperations, Space } from './node.ts'

/** The node itself does not answer. */
const AT_ONCE = new Set(['ETIMEDOUT', 'ENOTCONN', 'ENODEV', 'ECONNRESET', 'EHOSTDOWN', 'EREMOTEIO', 'ESHUTDOWN'])
/** One bad sector, one file removed on the server behind our back: only several in a row, of different files, speak of the node. */
const IN_A_ROW = new Set(['EIO', 'ESTALE', 'ENXIO'])
const IN_A_ROW_MAX = 3
const PROBE_INTERVAL_MS = 2000
/** The weight of a new call in the smoothed latency. */
const LATENCY_WEIGHT = 0.1
/** What was measured before says nothing of now. */
const LATENCY_AGE_MS_MAX = 600_000
/** Of calls that answer at once, on a local disk: one in so many is timed. */
const TIMED_EVERY = 16

const CHANGES = new Set<keyof NodeOperations>([
	'create', 'write', 'truncate', 'allocate', 'copyRange', 'sync', 'flush', 'setFileAttributes', 'setAttributes', 'setXattrs',
	'makeDirectory', 'unlink', 'removeDirectory', 'rename', 'link', 'symlink', 'setAside',
])

/** What is to be known of a node while its breaker is open: whether it is well, and that descriptors get closed. */
const ALWAYS = ['close', 'end', 'forgetDirectories', 'identify', 'leave'] as const
/** By a descriptor, their first argument. */
const ON_DESCRIPTOR = new Set<keyof NodeOperations>([
	'fstat', 'read', 'write', 'truncate', 'allocate', 'seek', 'copyRange', 'sync', 'flush', 'setFileAttributes',
])
/** A hole sought past the end is no failure of the node. */
const ENXIO_IS_AN_ANSWER = new Set<keyof NodeOperations>(['seek'])

export function newHealth(): Health {
	return { up: false, since: seconds(), era: 0, reason: 'not identified yet', read: { ms: 0, measuredMs: 0 }, write: { ms: 0, measuredMs: 0 }, failures: 0, calls: 0, stuck: 0 }
}

function measured(latency: Latency, startMs: number): void {
	const nowMs = performance.now()
	latency.ms = latency.measuredMs === 0 ? nowMs - startMs : latency.ms + (nowMs - startMs - latency.ms) * LATENCY_WEIGHT
	latency.measuredMs = nowMs
}

/** Undefined where nothing was measured of late. */
export function recentMs({ ms, measuredMs }: Latency): number | undefined {
	return measuredMs > 0 && performance.now() - measuredMs < LATENCY_AGE_MS_MAX ? ms : undefined
}

/** Puts a node in or out of service; true if that changed anything. */
function setUp(health: Health, up: boolean): boolean {
	if (health.up === up) return false
	health.up = up
	health.since = seconds()
	if (up) health.era++
	return true
}

export interface Breaker {
	operations: NodeOperations
	health: Health
	/** Its calls answer with promises; so does a refusal. */
	remote: boolean
	/** Called when the breaker opened. */
	opened: () => void
}

/** The same operations, watched. */
export function withBreaker({ operations, health, remote, opened }: Breaker): NodeOperations {
	let inARow = 0
	let lastFailed: unknown
	/** When descriptors were opened; a number that is given anew is that of another. */
	const eras = new Map<unknown, number>()

	function judge(error: unknown, method: keyof NodeOperations, on: unknown): void {
		const code = codeOf(error)
		if (!AT_ONCE.has(code) && !IN_A_ROW.has(code)) return succeeded()
		if (code === 'ENXIO' && ENXIO_IS_AN_ANSWER.has(method)) return succeeded()
		health.failures++
		if (IN_A_ROW.has(code) && isLastFailed(on)) return
		inARow++
		health.reason = (error as Error).message
		if (AT_ONCE.has(code) || inARow >= IN_A_ROW_MAX) open()
	}

	/** By its path or descriptor: however often it is tried. */
	function isLastFailed(on: unknown): boolean {
		const before = lastFailed
		lastFailed = on instanceof Uint8Array ? Buffer.from(on).toString('latin1') : on
		return on !== undefined && lastFailed === before
	}

	function open(): void {
		inARow = 0
		if (setUp(health, false)) opened()
	}

	/** A file that is not there is an answer too. */
	function succeeded(): void {
		inARow = 0
	}

	function refuse(): Promise<never> {
		const error = new Errno('ENOTCONN', health.reason)
		if (remote) return Promise.reject(error)
		throw error
	}

	async function carried<T>(result: Promise<T>, method: keyof NodeOperations, { latency, on }: { latency: Latency; on: unknown }): Promise<T> {
		const startMs = performance.now()
		const { era } = health
		try {
			const value = await result
			measured(latency, startMs)
			succeeded()
			if (method === 'open' || method === 'create') eras.set(value, era)
			return value
		} catch (error) {
			if (!isOfBefore(error, method, on)) judge(error, method, on)
			throw error
		}
	}

	/** What a mount that is gone answers says nothing of the one there is now. A call that hangs is one all the same. */
	function isOfBefore(error: unknown, method: keyof NodeOperations, fd: unknown): boolean {
		return ON_DESCRIPTOR.has(method) && codeOf(error) !== 'ETIMEDOUT' && health.era !== (eras.get(fd) ?? health.era)
	}

	type AnyCall = (a?: unknown, b?: unknown, c?: unknown, d?: unknown, e?: unknown) => Maybe<unknown>

	/** Five parameters and no rest array: this stands before every call of the fast path. */
	function watched(method: keyof NodeOperations): AnyCall {
		const call = operations[method] as AnyCall
		const latency = CHANGES.has(method) ? health.write : health.read
		return (a, b, c, d, e) => {
			if (!health.up) return refuse()
			const startMs = ++health.calls % TIMED_EVERY === 0 ? performance.now() : 0
			try {
				const result = call(a, b, c, d, e)
				if (isPromise(result)) return carried(result, method, { latency, on: a })
				inARow = 0
				if (startMs > 0) measured(latency, startMs)
				return result
			} catch (error) {
				judge(error, method, a)
				throw error
			}
		}
	}

	const watchedOperations = Object.fromEntries(
		Object.keys(operations).map((name) => [name, watched(name as keyof NodeOperations)]),
	) as unknown as NodeOperations
	return Object.assign(watchedOperations, Object.fromEntries(ALWAYS.map((name) => [name, operations[name]])))
}

export interface Monitor {
	/** Probes now. */
	probe(): Maybe<void>
	end(): void
}

export interface Probed {
	/** Without the breaker. */
	operations: NodeOperations
	health: Health
	uuid: string
	/** After every probe, with the room the node has if it is well. */
	found: (space: Space | undefined) => void
}

/** Looks after a node every two seconds, for as long as the process has something else to do. */
export function watch({ operations, health, uuid, found }: Probed): Monitor {
	let isProbing = false
	let isEnded = false
	const timer = setInterval(probe, PROBE_INTERVAL_MS)
	timer.unref()

	function probe(): Maybe<void> {
		if (isProbing) return
		const startMs = performance.now()
		try {
			const identified = operations.identify(uuid)
			if (isPromise(identified)) return probeLater(identified, startMs)
			well(operations.space() as Space, startMs)
		} catch (error) {
			ill(error)
		}
	}

	async function probeLater(identified: Promise<void>, startMs: number): Promise<void> {
		isProbing = true
		try {
			await identified
			const space = await operations.space()
			if (!isEnded) well(space, startMs)
		} catch (error) {
			// That it is closed says nothing of the node.
			if (!isEnded) ill(error)
		} finally {
			isProbing = false
		}
	}

	function well(space: Space, startMs: number): void {
		measured(health.read, startMs)
		if (setUp(health, true)) health.reason = ''
		found(space)
	}

	function ill(error: unknown): void {
		if (health.up && isShortage(error)) return
		health.reason = (error as Error).message
		setUp(health, false)
		found(undefined)
	}

	function end(): void {
		isEnded = true
		clearInterval(timer)
	}

	return { probe, end }
}

function seconds(): number {
	return Math.floor(Date.now() / 1000)
}
