/** What all runs of a process use together: made for the first of them, ended after the last. */
export interface Shared<T> {
	it: T
	/** Called once. */
	giveBack(): unknown
}

export function sharedBy<K, T extends { end(): unknown }>(open: (key: K) => T): (key: K) => Shared<T> {
	const kept = new Map<K, { it: T; users: number }>()
	return (key) => {
		const own = kept.get(key) ?? { it: open(key), users: 0 }
		own.users++
		kept.set(key, own)
		return {
			it: own.it,
			giveBack() {
				if (--own.users > 0) return undefined
				kept.delete(key)
				return own.it.end()
			},
		}
	}
}
