/** The thread behind waiter.ts. */
import { parentPort, workerData } from 'node:worker_threads'
import { poll, pollDescriptor } from './system-calls.ts'

const ARMED = 0
const ENDED = 1
/** Long enough to cost nothing, short enough that the end of the process does not wait for it. */
const POLL_MS = 500

const { fd, shared } = workerData as { fd: number; shared: Int32Array }
const descriptor = pollDescriptor(fd)

while (Atomics.load(shared, ENDED) === 0) {
	Atomics.wait(shared, ARMED, 0)
	if (Atomics.load(shared, ENDED) !== 0) break
	if (poll(descriptor, 1, POLL_MS) === 0) continue
	Atomics.store(shared, ARMED, 0)
	parentPort?.postMessage(0)
}
