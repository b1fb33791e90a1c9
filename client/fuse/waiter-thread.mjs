/**
 * The thread behind waiter.ts. JavaScript and not TypeScript: stripping the types of thirty lines would cost this thread
 * more memory than everything else it does.
 */
import { parentPort, workerData } from 'node:worker_threads'
import koffi from 'koffi'

const ARMED = 0
const ENDED = 1
const POLLIN = 1
/** Long enough to cost nothing, short enough that the end of the process does not wait for it. */
const POLL_MS = 500

const poll = koffi.load('libc.so.6').func('int poll(void *fds, unsigned long count, int timeoutMs)')
const { fd, shared } = workerData
const descriptor = Buffer.alloc(8)
descriptor.writeInt32LE(fd, 0)
descriptor.writeInt16LE(POLLIN, 4)

while (Atomics.load(shared, ENDED) === 0) {
	Atomics.wait(shared, ARMED, 0)
	if (Atomics.load(shared, ENDED) !== 0) break
	if (poll(descriptor, 1, POLL_MS) === 0) continue
	Atomics.store(shared, ARMED, 0)
	parentPort?.postMessage(0)
}
