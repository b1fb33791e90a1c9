/**
 * A process that ends, or ends one of its threads, while that thread loads koffi or names functions of the C library through it is
 * aborted: the library takes it for a mistake that it is not let to answer. So the end of the process waits for threads that are
 * at that, which takes them milliseconds, and a thread that comes to it afterwards stays where it is.
 *
 * Imported before koffi, by whoever imports koffi, and by whoever starts a thread before that.
 */
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads'

const KEY = 'cairn: threads that load'
/** How many threads are loading, and on top of that whether the process ends. */
const LOADING = 0
const ENDING = 1 << 16
/** Never written. */
const NEVER = 1

/** A disk that takes longer than this to read a library is in trouble, and an abort is a way to end too. */
const WAIT_MS_MAX = 10_000

if (isMainThread) waitAtExit()
else load(getEnvironmentData(KEY) as unknown as Int32Array)

function waitAtExit(): void {
	const state = new Int32Array(new SharedArrayBuffer(8))
	// Each thread that is started from now on has it, and those that are started by one.
	setEnvironmentData(KEY, state as unknown as Parameters<typeof setEnvironmentData>[1])
	process.on('exit', () => {
		const untilMs = performance.now() + WAIT_MS_MAX
		Atomics.or(state, LOADING, ENDING)
		for (let now = Atomics.load(state, LOADING); now !== ENDING; now = Atomics.load(state, LOADING)) {
			const leftMs = untilMs - performance.now()
			if (leftMs <= 0) return
			Atomics.wait(state, LOADING, now, leftMs)
		}
	})
}

function load(state: Int32Array): void {
	const before = Atomics.add(state, LOADING, 1)
	let isLoading = true
	const loaded = () => {
		if (isLoading) Atomics.sub(state, LOADING, 1)
		isLoading = false
		Atomics.notify(state, LOADING)
	}
	if (before >= ENDING) {
		loaded()
		Atomics.wait(state, NEVER, 0)
	}
	// All modules of a thread are run in one go; one of them may fail.
	setImmediate(loaded)
	process.on('exit', loaded)
}
