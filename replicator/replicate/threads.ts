/** The copying threads of a run: as many as copies are made at once, started when there is something for them. */
import { Worker } from 'node:worker_threads'
import { Errno } from '../../core/errors.ts'
import {
	type CopyAnswer,
	type CopyMessage,
	LEAVE,
	type PlaceMessage,
	type Report,
	type Request,
	STOP,
	type SmallMessage,
	type SyncMessage,
	type ThreadData,
} from './messages.ts'
import { allOf, unpackAnswers } from './packets.ts'

export interface Threads {
	/** An answer for each order. `pace` is asked before each piece, if there is one; `moved` told of the bytes of large files. */
	copy(
		message: Omit<CopyMessage, 'isPaced'>,
		told: { pace?: (bytes: number) => Promise<void>; moved(bytes: number): void },
	): Promise<CopyAnswer[]>
	/** The same of many small files. */
	copySmall(message: Omit<SmallMessage, 'isPaced'>, told: { pace?: (bytes: number) => Promise<void> }): Promise<CopyAnswer[]>
	/** For each move whether it is done, and on the disk. */
	place(message: PlaceMessage): Promise<boolean[]>
	sync(message: SyncMessage): Promise<void>
	/** Copies end at their next piece with ECANCELED. */
	stop(): void
	end(): Promise<void>
}

interface Thread {
	worker: Worker
	control: Int32Array
}

interface Task {
	request: Request
	asked: (bytes: number) => Promise<void>
	moved: (bytes: number) => void
	settle: (report: Report | Error) => void
}

const NOTHING_TOLD = { asked: async () => undefined, moved: () => undefined }
/** A thread makes little garbage, and not all of a process's memory is to be copies of the runtime. */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 }

export function openThreads(threadsMax: number): Threads {
	const threads = new Set<Thread>()
	const idle: Thread[] = []
	const waiting: Task[] = []
	let isStopped = false

	function submit(task: Task): void {
		const thread = idle.pop() ?? (threads.size < threadsMax ? start() : undefined)
		if (thread) give(thread, task)
		else waiting.push(task)
	}

	function start(): Thread {
		const shared = new SharedArrayBuffer(8)
		const control = new Int32Array(shared)
		if (isStopped) Atomics.store(control, STOP, 1)
		const workerData: ThreadData = { control: shared }
		const worker = new Worker(new URL('./thread.ts', import.meta.url), {
			workerData,
			execArgv: [],
			resourceLimits: RESOURCE_LIMITS,
		})
		worker.unref()
		const thread = { worker, control }
		threads.add(thread)
		return thread
	}

	function give(thread: Thread, task: Task): void {
		const { worker } = thread
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
		worker.ref()
		worker.on('message', hear).on('error', failed)
		worker.postMessage(task.request)
	}

	function next(thread: Thread): void {
		const task = waiting.shift()
		if (task) give(thread, task)
		else idle.push(thread)
	}

	function ask(request: Request, told: Pick<Task, 'asked' | 'moved'>): Promise<Report> {
		return new Promise((resolve, reject) => {
			submit({ request, ...told, settle: (report) => (report instanceof Error ? reject(report) : resolve(report)) })
		})
	}

	return {
		async copy(message, { pace, moved }) {
			const report = await ask({ copy: { ...message, isPaced: pace !== undefined } }, { asked: leaveOf(pace), moved })
			if ('failure' in report) return message.orders.map(() => report.failure)
			return 'answers' in report ? report.answers : []
		},
		async copySmall(message, { pace }) {
			const request = { small: { ...message, isPaced: pace !== undefined } }
			const report = await ask(request, { ...NOTHING_TOLD, asked: leaveOf(pace) })
			if ('small' in report) return unpackAnswers(report.small)
			return 'failure' in report ? allOf(message, report.failure) : []
		},
		async place(message) {
			const report = await ask({ place: message }, NOTHING_TOLD)
			return 'placed' in report ? report.placed : Array.from(message.inos, () => false)
		},
		async sync(message) {
			const report = await ask({ sync: message }, NOTHING_TOLD)
			if ('failure' in report) throw new Errno(report.failure.code, report.failure.message)
		},
		stop() {
			isStopped = true
			for (const { control } of threads) Atomics.store(control, STOP, 1)
		},
		async end() {
			await Promise.all([...threads].map(({ worker }) => worker.terminate()))
			threads.clear()
		},
	}
}

/** Where it is refused the copy is to stop, and is told so. */
function leaveOf(pace: ((bytes: number) => Promise<void>) | undefined): Task['asked'] {
	return async (bytes) => await pace?.(bytes).catch(() => undefined)
}

function allow({ control }: Thread): void {
	Atomics.add(control, LEAVE, 1)
	Atomics.notify(control, LEAVE)
}
