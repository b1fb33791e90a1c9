/**
 * Threads that all runs of a process use together: started for the first of them, at rest when nobody uses them. They stay: of one that ends
 * the library it had loaded leaves memory behind, a little each time, and a daemon has a run every few seconds.
 */
export interface Shared<T> {
	it: T
	/** Called once. */
	giveBack(): void
}

export function sharedBy<K, T extends { rest(): unknown }>(open: (key: K) => T): (key: K) => Shared<T> {
	const kept = new Map<K, { it: T; users: number }>()
	return (key) => {
		const own = kept.get(key) ?? { it: open(key), users: 0 }
		own.users++
		kept.set(key, own)
		return {
			it: own.it,
			giveBack() {
				if (--own.users === 0) own.it.rest()
			},
		}
	}
}
