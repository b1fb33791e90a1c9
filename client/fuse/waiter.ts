/**
 * Waiting for the kernel without blocking the event loop and without a place in libuv's pool, where file operations hung
 * on a node could keep it out: a thread that does nothing but poll(2). It says once that there is something to read, then
 * sleeps until it is asked to look again.
 */
import { Worker } from 'node:worker_threads'

/** It holds nothing. */
const LIMITS = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 16, stackSizeMb: 1 }

export interface Waiter {
	/** Calls back once, when there is something to read. */
	arm(): void
	end(): void
}

const ARMED = 0
const ENDED = 1

export function startWaiter(fd: number, onReadable: () => void): Waiter {
	const shared = new Int32Array(new SharedArrayBuffer(8))
	const worker = new Worker(new URL('./waiter-thread.mjs', import.meta.url), { workerData: { fd, shared }, resourceLimits: LIMITS })
	worker.on('message', onReadable)
	return {
		arm() {
			Atomics.store(shared, ARMED, 1)
			Atomics.notify(shared, ARMED)
		},
		end() {
			Atomics.store(shared, ENDED, 1)
			Atomics.notify(shared, ARMED)
			worker.unref()
		},
	}
}
