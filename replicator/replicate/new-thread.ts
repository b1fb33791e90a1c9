/** A copying thread that has yet to be told anything. One may be started while what it will be asked for is being found out: on another processor. */
import { Worker } from 'node:worker_threads'
import type { ThreadData } from './messages.ts'

export interface NewThread {
	worker: Worker
	control: Int32Array
}

/** A thread makes little garbage, and not all of a process's memory is to be copies of the runtime. */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 }

const early: NewThread[] = []

export function startEarly(): void {
	early.push(start())
}

export function newThread(): NewThread {
	return early.pop() ?? start()
}

function start(): NewThread {
	const shared = new SharedArrayBuffer(8)
	const workerData: ThreadData = { control: shared }
	const worker = new Worker(new URL('./thread.ts', import.meta.url), { workerData, execArgv: [], resourceLimits: RESOURCE_LIMITS })
	worker.unref()
	return { worker, control: new Int32Array(shared) }
}
