/**
 * What goes on for longer than one run: a drain, a rebalance, a pass over the whole tree. Each is a row in `job`; how far it
 * came stands in the row's position, as JSON, so that any process goes on with it.
 */
import type { Capabilities, Transaction } from '../../core/catalogue/driver.ts'
import type { JobRow } from '../../core/catalogue/jobs.ts'
import * as jobs from '../../core/catalogue/jobs.ts'
import type { NodeId } from '../../core/ids.ts'
import { type Op, wait } from '../../core/op.ts'
import { PASS } from '../../core/stats/owed.ts'

export { PASS }

export const REBALANCE = 'rebalance'
const DRAIN = 'drain'

export function drainName(node: NodeId): string {
	return jobs.jobName(DRAIN, node)
}

/** Of a row in `job`: the node that is being drained, if it is about that. */
export function drainedNode(name: string): NodeId | undefined {
	const [what, node] = name.split(':')
	return what === DRAIN && node !== undefined ? Number(node) : undefined
}

export function progressOf<T>(row: Pick<JobRow, 'position'> | undefined): T | undefined {
	return row?.position ? (JSON.parse(Buffer.from(row.position).toString()) as T) : undefined
}

export function begin(tx: Transaction, name: string, progress: object, capabilities: Capabilities): void {
	jobs.begin(tx, name, capabilities)
	remember(tx, name, progress)
}

export function remember(tx: Transaction, name: string, progress: object): void {
	jobs.setPosition(tx, name, Buffer.from(JSON.stringify(progress)))
}

/** It ended; how far it came stays, for whoever asks. */
export function end(
	tx: Transaction,
	name: string,
	{ state, outcome }: { state: 'done' | 'failed'; outcome: object },
	capabilities: Capabilities,
): void {
	jobs.end(tx, name, { state, summary: JSON.stringify(outcome) }, capabilities)
}

/**
 * Something was left that only a pass over the tree comes back to: copies one too many that nobody took back while a rebalance might have asked for
 * them, files for which there were too few nodes while one was emptied.
 */
export function* passAgain(tx: Transaction): Op<void> {
	const progress = progressOf(yield* wait(jobs.find(tx, PASS)))
	if (progress) remember(tx, PASS, { ...progress, waits: true })
}

/** Copies beyond what classes ask for are being made on purpose. */
export function isRebalancing(rows: readonly JobRow[]): boolean {
	const row = rows.find(({ name }) => name === REBALANCE)
	return (
		row !== undefined && (row.state === 'running' || row.state === 'paused') && !progressOf<{ aborting?: boolean }>(row)?.aborting
	)
}
