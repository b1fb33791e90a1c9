/**
 * The last operations of a door, for whoever looks: a ring of numbers that is written over again and again. Where more happens than the
 * ring holds between two looks, it is a sample.
 */
import type { FileId } from '../ids.ts'

/** A power of two. */
const RING = 8_192
const WINDOW_MS = 2_000

export interface TopEntry {
	/** Of the process that asked; 0: the kernel itself. */
	pid: number
	file: FileId
	operation: string
	perSecond: number
	/** Carried through this process. */
	bytesPerSecond: number
	/** On average. */
	latencyMs: number
}

export interface Ring {
	note(operation: number, pid: number, file: FileId, endedMs: number, tookMs: number): void
	/** Bytes of the operation that is noted next. */
	carried(bytes: number): void
	/** By process, file and kind, most first. */
	read(names: (operation: number) => string): TopEntry[]
}

export function createRing(nowMs: () => number = () => performance.now()): Ring {
	const operations = new Uint8Array(RING)
	const pids = new Uint32Array(RING)
	const files = new Float64Array(RING)
	const ends = new Float64Array(RING).fill(Number.NEGATIVE_INFINITY)
	const times = new Float32Array(RING)
	const bytes = new Float64Array(RING)
	let next = 0
	let pending = 0
	return {
		note(operation, pid, file, endedMs, tookMs) {
			const at = next
			next = (next + 1) & (RING - 1)
			operations[at] = operation
			pids[at] = pid
			files[at] = file
			ends[at] = endedMs
			times[at] = tookMs
			bytes[at] = pending
			pending = 0
		},
		carried(more) {
			pending += more
		},
		read(names) {
			const now = nowMs()
			// The oldest that is there, where the ring does not reach back as far as the window.
			const spanMs = Math.min(WINDOW_MS, Math.max(1, now - ends[next]))
			const sums = new Map<string, { at: number; many: number; ms: number; bytes: number }>()
			for (let at = 0; at < RING; at++) {
				if (now - ends[at] > spanMs) continue
				const key = `${pids[at]} ${files[at]} ${operations[at]}`
				const sum = sums.get(key) ?? { at, many: 0, ms: 0, bytes: 0 }
				sums.set(key, sum)
				sum.many++
				sum.ms += times[at]
				sum.bytes += bytes[at]
			}
			return [...sums.values()]
				.map(({ at, many, ms, bytes: sum }) => ({
					pid: pids[at],
					file: files[at],
					operation: names(operations[at]),
					perSecond: (many * 1000) / spanMs,
					bytesPerSecond: (sum * 1000) / spanMs,
					latencyMs: ms / many,
				}))
				.sort((a, b) => b.perSecond - a.perSecond)
		},
	}
}
