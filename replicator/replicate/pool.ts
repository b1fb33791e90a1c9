/** A few copying threads, started when there is something for them. Each does one thing at a time, for whoever's turn it is. */
import { Worker } from 'node:worker_threads'
import { LEAVE, type Report, type Request, STOP, type ThreadData } from './messages.ts'

/** One of those who use the threads: its copies end when it says so, and nobody else's. */
export interface User {
	isStopped: boolean
}

export interface Task {
	user: User
	request: Request
	asked: (bytes: number) => Promise<void>
	moved: (bytes: number) => void
	settle: (report: Report | Error) => void
}

export interface Pool {
	/** It has no threads yet. */
	isUnused(): boolean
	/** One of its threads has nothing to do. */
	hasIdle(): boolean
	submit(task: Task): void
	/** What is being copied for the user ends at its next piece. */
	stop(user: User): void
	/** Nobody uses them for now: they keep no tree and no connection open. */
	rest(): void
}

interface Thread {
	worker: Worker
	control: Int32Array
	/** Whose turn it is. */
	user: User | undefined
}

/** A thread makes little garbage, and not all of a process's memory is to be copies of the runtime. */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 }

export function openPool(threadsMax: number): Pool {
	const threads = new Set<Thread>()
	const idle: Thread[] = []
	const waiting: Task[] = []

	function submit(task: Task): void {
		const thread = idle.pop() ?? (threads.size < threadsMax ? start() : undefined)
		if (thread) give(thread, task)
		else waiting.push(task)
	}

	function start(): Thread {
		const shared = new SharedArrayBuffer(8)
		const workerData: ThreadData = { control: shared }
		const worker = new Worker(new URL('./thread.ts', import.meta.url), {
			workerData,
			execArgv: [],
			resourceLimits: RESOURCE_LIMITS,
		})
		worker.unref()
		const thread = { worker, control: new Int32Array(shared), user: undefined }
		threads.add(thread)
		return thread
	}

	function give(thread: Thread, task: Task): void {
		const { worker, control } = thread
		const ended = (report: Report | Error) => {
			worker.off('message', hear).off('error', failed)
			worker.unref()
			if (!(report instanceof Error)) next(thread)
			task.settle(report)
		}
		const hear = (report: Report) => {
			if ('moved' in report) task.moved(report.moved)
			else if ('asks' in report) void task.asked(report.asks).finally(() => allow(thread))
			else ended(report)
		}
		const failed = (error: Error) => {
			threads.delete(thread)
			ended(error)
		}
		thread.user = task.user
		Atomics.store(control, STOP, task.user.isStopped ? 1 : 0)
		worker.ref()
		worker.on('message', hear).on('error', failed)
		worker.postMessage(task.request)
	}

	function next(thread: Thread): void {
		thread.user = undefined
		const task = waiting.shift()
		if (task) give(thread, task)
		else idle.push(thread)
	}

	return {
		isUnused: () => threads.size === 0,
		hasIdle: () => idle.length > 0,
		submit,
		stop(user) {
			for (const thread of threads) if (thread.user === user) Atomics.store(thread.control, STOP, 1)
		},
		rest() {
			for (const { worker } of threads) worker.postMessage({ rest: true } satisfies Request)
		},
	}
}

function allow({ control }: Thread): void {
	Atomics.add(control, LEAVE, 1)
	Atomics.notify(control, LEAVE)
}
