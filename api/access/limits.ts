/** How often somebody may ask, and how often somebody may be wrong. */

const MINUTE_MS = 60_000
/** Those who are counted at once; the one not seen for longest is forgotten. */
const COUNTED_MAX = 10_000

interface Bucket {
	left: number
	atMs: number
}

export interface Buckets {
	/** Takes one of so many a minute: 0, or the seconds until there is one again. */
	take(key: string | number, perMinute: number): number
	/** The same without taking one. */
	look(key: string | number, perMinute: number): number
}

export interface Limits {
	/** By token. */
	readonly requests: Buckets
	/** Wrong credentials, by the address they come from. */
	readonly wrong: Buckets
}

export function createLimits(): Limits {
	return { requests: createBuckets(), wrong: createBuckets() }
}

/** A bucket holds what a minute allows, and fills at that pace. */
export function createBuckets(): Buckets {
	const buckets = new Map<string | number, Bucket>()

	function filled(key: string | number, perMinute: number): Bucket {
		const atMs = performance.now()
		const known = buckets.get(key)
		const left = known ? Math.min(perMinute, known.left + ((atMs - known.atMs) * perMinute) / MINUTE_MS) : perMinute
		return { left, atMs }
	}

	const waitFor = ({ left }: Bucket, perMinute: number) => (left >= 1 ? 0 : Math.ceil(((1 - left) * MINUTE_MS) / perMinute / 1000))

	return {
		look: (key, perMinute) => waitFor(filled(key, perMinute), perMinute),
		take(key, perMinute) {
			const bucket = filled(key, perMinute)
			const seconds = waitFor(bucket, perMinute)
			if (seconds === 0) bucket.left--
			buckets.delete(key)
			buckets.set(key, bucket)
			if (buckets.size > COUNTED_MAX) buckets.delete(buckets.keys().next().value as string | number)
			return seconds
		},
	}
}
