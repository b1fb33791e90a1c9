/** Waits for what a site was asked for. */
import { setTimeout as sleep } from 'node:timers/promises'
import * as orders from '../core/catalogue/backup-orders.ts'
import type { OrderRow } from '../core/catalogue/backup-orders.ts'
import { CatalogueError } from '../core/errors.ts'
import type { Filesystem } from '../core/filesystem/filesystem.ts'
import { dropScratch } from '../core/off-site/upload.ts'
import { run } from '../core/op.ts'
import { jsonBytes } from '../core/text.ts'
import { showSize } from './sizes.ts'
import type { Deps } from './verb.ts'

const LOOK_MS = 500
/** What is asked for may be a million files, of which each look counts all. */
const REST_TIMES = 10
const TOLD_MS = 10_000
const ROWS_AT_ONCE = 100
const FAILED_SHOWN_MAX = 1_000

export interface Outcome {
	done: number
	bytes: number
	failed: Array<{ path: Uint8Array; detail: string }>
	/** Not over when it was no longer waited for. */
	left: number
	/** From the first byte to the last. */
	seconds: number
}

export function failedJson({ path, detail }: Outcome['failed'][number]): object {
	return { ...jsonBytes('path', path), detail }
}

export interface Waiting {
	deps: Deps
	quiet: boolean
	signal: AbortSignal
	/** Done with each that arrived; its bytes go afterwards. */
	each?: (order: OrderRow) => Promise<void>
}

export async function waitForOrders(fs: Filesystem, job: string, { deps, quiet, signal, each }: Waiting): Promise<Outcome> {
	for (let toldAtMs = performance.now(); ; ) {
		while (each && !signal.aborted && (await takeArrived(fs, job, each)) === ROWS_AT_ONCE);
		const lookedAtMs = performance.now()
		const totals = await orders.totals(fs.catalogue, job)
		const left = totals.filter(({ state }) => state === 'asked' || state === 'arrived').reduce((sum, { many }) => sum + many, 0)
		if (left === 0 || signal.aborted) return await outcomeOf(fs, job, totals, left)
		if (!quiet && performance.now() - toldAtMs > TOLD_MS) {
			toldAtMs = performance.now()
			const received = totals.reduce((sum, row) => sum + Number(row.received ?? 0), 0)
			deps.print(`${left} still to come, ${showSize(received)}B have arrived`)
		}
		await sleep(Math.max(LOOK_MS, REST_TIMES * (performance.now() - lookedAtMs)), undefined, { signal }).catch(() => undefined)
	}
}

/** Some of those that have come; how many. */
async function takeArrived(fs: Filesystem, job: string, each: (order: OrderRow) => Promise<void>): Promise<number> {
	const { catalogue, capabilities } = fs
	const arrived = await orders.ofJob(catalogue, job, 'arrived', ROWS_AT_ONCE)
	for (const order of arrived) {
		const result = await each(order).then(
			() => ({ state: 'done' as const, detail: '' }),
			(error: Error) => {
				// What came lies there still: the same command goes on with it.
				if (error instanceof CatalogueError) throw error
				return { state: 'failed' as const, detail: error.message }
			},
		)
		await catalogue.transaction(function* (tx) {
			orders.setTaken(tx, order.id, result, capabilities)
		})
		if (result.state === 'done') await run(dropScratch(fs, order.id))
	}
	return arrived.length
}

async function outcomeOf({ catalogue }: Filesystem, job: string, totals: readonly orders.JobTotals[], left: number): Promise<Outcome> {
	const done = totals.find(({ state }) => state === 'done')
	const failed = await orders.ofJob(catalogue, job, 'failed', FAILED_SHOWN_MAX)
	const span = await orders.span(catalogue, job)
	return {
		done: done?.many ?? 0,
		bytes: Number(done?.bytes ?? 0),
		failed: failed.map(({ path, to_path, detail }) => ({ path: to_path ?? path, detail })),
		left,
		seconds: span,
	}
}
