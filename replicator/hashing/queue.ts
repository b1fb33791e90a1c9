/** First in, first out, without moving what waits. */
export interface Queue<T> {
	size(): number
	push(item: T): void
	/** The next, left where it is. */
	peek(): T | undefined
	/** Only where there is one. */
	take(): T
}

export function createQueue<T>(): Queue<T> {
	let items: T[] = []
	let first = 0

	function take(): T {
		const item = items[first++]
		if (first === items.length) {
			items = []
			first = 0
		}
		return item
	}

	return { size: () => items.length - first, push: (item) => void items.push(item), peek: () => items[first], take }
}
