/**
 * `cairn api` as several processes that serve the same addresses. This one starts anew whichever ends by itself.
 */
import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { checkFree } from '../api/listen.ts'
import type { ApiConfig } from '../core/config/types.ts'
import { UserError } from '../core/errors.ts'
import { createPause } from '../replicator/service/pause.ts'
import { EXIT } from './exit-codes.ts'
import { MARK, type Report } from './parent.ts'
import type { Deps } from './verb.ts'

const RESTART = { firstMs: 500, mostMs: 60_000 }
const LOOK_MS = 100
/** Run for this long, it was well: the next start comes soon again. */
const WELL_MS = 60_000
/** For what comes after the time that requests under way have. */
const END_MS = 5_000

export interface Workers {
	readonly addresses: string[]
	reload(): Promise<void>
	stop(): Promise<void>
}

/** What a worker says when it serves; as a daemon does, it says also why it ends. */
interface Ready {
	addresses: string[]
}

type Said = Ready | Extract<Report, { error: string }>

interface Place {
	worker: Worker | undefined
	startedMs: number
	readonly pause: ReturnType<typeof createPause>
}

/** When all of them serve. Where one cannot, none does. */
export async function startWorkers({ workers: many, drainMs, listen }: Pick<ApiConfig, 'workers' | 'drainMs' | 'listen'>, { warn }: Pick<Deps, 'warn'>): Promise<Workers> {
	for (const { at } of listen) await checkFree(at)
	const places = Array.from({ length: many }, (): Place => ({ worker: undefined, startedMs: 0, pause: createPause(RESTART) }))
	let isEnding = false
	// They take connections by themselves: those given to one that is killed just then would wait for ever.
	cluster.schedulingPolicy = cluster.SCHED_NONE

	function start(place: Place): Worker {
		const worker = cluster.fork({ [MARK]: '1' })
		place.worker = worker
		place.startedMs = performance.now()
		worker.on('message', (said: Said) => {
			if (looking && 'error' in said) warn(said.error)
		})
		worker.on('error', (error) => warn(`a worker: ${error.message}`))
		worker.on('exit', (code, signal) => {
			place.worker = undefined
			if (isEnding || !looking) return
			if (performance.now() - place.startedMs > WELL_MS) place.pause.end()
			place.pause.longer()
			warn(`a worker ended with ${signal ?? code} and will be started again`)
		})
		return worker
	}

	const running = () => places.flatMap(({ worker }) => worker ?? [])

	async function stop(): Promise<void> {
		isEnding = true
		clearInterval(looking)
		await Promise.all(running().map((worker) => ended(worker, drainMs + END_MS)))
	}

	// Others than these are not begun before all of these serve.
	let looking: NodeJS.Timeout | undefined
	try {
		const [{ addresses }] = await Promise.all(places.map((place) => serving(start(place))))
		looking = setInterval(() => {
			for (const place of places) if (!place.worker && place.pause.isOver()) start(place)
		}, LOOK_MS)
		return {
			addresses,
			stop,
			async reload() {
				for (const worker of running()) worker.process.kill('SIGHUP')
			},
		}
	} catch (error) {
		await stop()
		throw error
	}
}

async function serving(worker: Worker): Promise<Ready> {
	const over = new AbortController()
	const { signal } = over
	try {
		return await Promise.race([
			once(worker, 'message', { signal }).then(([said]: Said[]) => {
				if ('error' in said) throw new UserError(said.error, said.code)
				return said
			}),
			once(worker, 'exit', { signal }).then(([code]) => {
				throw new UserError('a worker ended before it served', code || EXIT.notStarted)
			}),
		])
	} finally {
		over.abort()
	}
}

async function ended(worker: Worker, mostMs: number): Promise<void> {
	const exited = once(worker, 'exit')
	const late = setTimeout(() => worker.process.kill('SIGKILL'), mostMs)
	worker.process.kill('SIGTERM')
	await exited
	clearTimeout(late)
}

/** Of a worker: it serves. */
export function tellServing(addresses: string[]): void {
	process.send?.({ addresses } satisfies Ready)
}

export function isWorker(): boolean {
	return cluster.isWorker
}

/** Of a worker: nothing keeps it any more. */
export function leave(): void {
	cluster.worker?.disconnect()
}
