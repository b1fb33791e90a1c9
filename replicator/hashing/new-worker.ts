/** A hashing thread that has yet to be told anything. */
import { Worker } from 'node:worker_threads'
import '../../core/loading.ts'

/** Nearly everything a thread makes is garbage at the next message: a large nursery is memory for nothing. */
const NURSERY_MIB = 4

export function newWorker(): Worker {
	const worker = new Worker(new URL('./worker.ts', import.meta.url), { execArgv: [], resourceLimits: { maxYoungGenerationSizeMb: NURSERY_MIB } })
	worker.unref()
	return worker
}
