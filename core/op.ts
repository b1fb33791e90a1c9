/**
 * Operations over "value or promise".
 *
 * SQLite and a local disk answer on the calling thread, MySQL and a remote node answer with a promise. An operation is a
 * generator that yields only the promises it meets; `run` drives it. When nothing inside was asynchronous the result is
 * there at once, in the same turn of the event loop and without a promise: that is where the speed of the mount comes from.
 */
export type Maybe<T> = T | Promise<T>

// biome-ignore lint/suspicious/noExplicitAny: what a promise resolves to is typed by `wait`, not by the generator
export type Op<T> = Generator<Promise<unknown>, T, any>

/** Inside an operation: the value itself, or what the promise resolves to. */
export function* wait<T>(value: Maybe<T>): Op<T> {
	return isPromise(value) ? ((yield value) as T) : value
}

/** Drives an operation to its end: its result, or a promise of it if anything inside was asynchronous. */
export function run<T>(op: Op<T>): Maybe<T> {
	const step = op.next()
	return step.done ? step.value : drive(op, step.value)
}

async function drive<T>(op: Op<T>, pending: Promise<unknown>): Promise<T> {
	for (;;) {
		const settled = await pending.then(
			(value) => ({ value, failed: false }),
			(error: unknown) => ({ value: error, failed: true }),
		)
		const step = settled.failed ? op.throw(settled.value) : op.next(settled.value)
		if (step.done) return step.value
		pending = step.value
	}
}

export function isPromise<T>(value: Maybe<T>): value is Promise<T> {
	return typeof value === 'object' && value !== null && typeof (value as Promise<T>).then === 'function'
}
