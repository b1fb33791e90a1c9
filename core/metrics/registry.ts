/** What this process counts. Made once for each name, at the top of the file that counts; counting is an addition. */
import type { Family, Labels, Sample } from './family.ts'

/** To be kept by whoever counts often. */
export interface Cell {
	value: number
}

export interface Counter {
	add(by: number, ...labels: string[]): void
	cell(...labels: string[]): Cell
}

export interface Timing {
	/** Index by bucket; the last is for what is slower than all of them. */
	counts: Float64Array
	sumSeconds: number
}

export interface Histogram {
	observe(seconds: number, ...labels: string[]): void
	timing(...labels: string[]): Timing
}

/** Of one name: what has more combinations of labels is summed up under `OTHER`. */
const CHILDREN_MAX = 1_000
const OTHER = 'other'

/** Seconds, as most of them are: from a cached answer to a deadline. */
const LATENCY_SECONDS: readonly number[] = [
	0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]

const metrics = new Map<string, () => Family>()

export function families(): Family[] {
	return [...metrics.values()].map((collect) => collect())
}

export function counter(name: string, help: string, labels: readonly string[] = []): Counter {
	const cells = children(labels, () => ({ value: 0 }))
	register(name, () => ({
		name,
		type: 'counter',
		help,
		samples: cells.all().map(([own, cell]) => ({ suffix: '', labels: own, value: cell.value })),
	}))
	return {
		add(by, ...values) {
			cells.get(values).value += by
		},
		cell: (...values) => cells.get(values),
	}
}

export function histogram(name: string, help: string, labels: readonly string[] = [], bounds: readonly number[] = LATENCY_SECONDS): Histogram {
	const timings = children<Timing>(labels, () => ({ counts: new Float64Array(bounds.length + 1), sumSeconds: 0 }))
	register(name, () => ({ name, type: 'histogram', help, samples: timings.all().flatMap(([own, timing]) => toSamples(own, timing, bounds)) }))
	return {
		observe: (seconds, ...values) => observe(timings.get(values), seconds, bounds),
		timing: (...values) => timings.get(values),
	}
}

export function observe(timing: Timing, seconds: number, bounds: readonly number[] = LATENCY_SECONDS): void {
	let bucket = 0
	while (bucket < bounds.length && seconds > bounds[bucket]) bucket++
	timing.counts[bucket]++
	timing.sumSeconds += seconds
}

function register(name: string, collect: () => Family): void {
	if (metrics.has(name)) throw new TypeError(`${name} is counted already`)
	metrics.set(name, collect)
}

function toSamples(labels: Labels, { counts, sumSeconds }: Timing, bounds: readonly number[]): Sample[] {
	let total = 0
	const buckets = [...counts].map((count, index) => {
		total += count
		return { suffix: '_bucket', labels: { ...labels, le: index < bounds.length ? String(bounds[index]) : '+Inf' }, value: total }
	})
	return [...buckets, { suffix: '_sum', labels, value: sumSeconds }, { suffix: '_count', labels, value: total }]
}

interface Children<T> {
	get(values: readonly string[]): T
	all(): Array<[Labels, T]>
}

function children<T>(names: readonly string[], make: () => T): Children<T> {
	const byKey = new Map<string, { values: readonly string[]; child: T }>()
	function get(values: readonly string[]): T {
		const key = values.join('\0')
		const known = byKey.get(key)
		if (known) return known.child
		if (byKey.size >= CHILDREN_MAX && values.some((value) => value !== OTHER)) return get(names.map(() => OTHER))
		const child = make()
		byKey.set(key, { values, child })
		return child
	}
	if (names.length === 0) get([])
	return {
		get,
		all: () => [...byKey.values()].map(({ values, child }) => [Object.fromEntries(names.map((name, index) => [name, values[index]])), child]),
	}
}
