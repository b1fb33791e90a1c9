/** `cairn rebalance`: towards the same share of every disk in use. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Amount } from '../core/catalogue/holdings.ts'
import * as jobs from '../core/catalogue/jobs.ts'
import { UserError } from '../core/errors.ts'
import type { Filesystem } from '../core/filesystem/filesystem.ts'
import { run as drive } from '../core/op.ts'
import { progressOf, REBALANCE } from '../replicator/level/activity.ts'
import { balanced, isEven } from '../replicator/level/moves.ts'
import { fillOf, readNodes } from '../replicator/level/nodes.ts'
import { type RebalanceProgress, TOLERANCE } from '../replicator/level/rebalance.ts'
import {
	abortRebalance,
	type BalancePlan,
	pauseRebalance,
	planBalance,
	resumeRebalance,
	startRebalance,
} from '../replicator/level/rebalances.ts'
import { startRun } from '../replicator/run.ts'
import { type ActivityOptions, activityOptions, oneRound, quietRound, refusable } from './activity.ts'
import { showAmount } from './drain-forecast.ts'
import { EXIT } from './exit-codes.ts'
import { withFilesystem } from './job.ts'
import { showRun } from './progress.ts'
import { showSize } from './sizes.ts'
import { stopOnSignal } from './stop-on-signal.ts'
import { table } from './table.ts'
import type { Deps, Verb } from './verb.ts'

interface Options extends ActivityOptions {
	tolerance: number
}

export const rebalance: Verb<Options> = (deps) => ({
	command: 'rebalance',
	describe: 'move copies until all disks are in use to the same share',
	builder: (yargs) =>
		activityOptions(yargs).option('tolerance', {
			type: 'number',
			default: TOLERANCE * 100,
			requiresArg: true,
			describe: 'per cent by which a disk may differ from all together',
		}),
	handler: (options) => run(options, deps),
})

export async function run(options: Options, deps: Deps): Promise<void> {
	const { tolerance } = options
	if (!(tolerance >= 0.1 && tolerance <= 50))
		throw new UserError(`--tolerance: a number from 0.1 to 50`, EXIT.usage)
	await withFilesystem(options, deps, async (fs) => {
		if (options.dryRun) return showPlan(await planBalance(fs, tolerance / 100), options, deps)
		if (options.pause) await refusable(pauseRebalance(fs))
		else if (options.resume) await refusable(resumeRebalance(fs))
		else if (options.abort) await refusable(abortRebalance(fs))
		else if (!options.status) await startRebalance(fs, tolerance / 100)
		if (options.wait) return await follow(fs, options, deps)
		if (!options.status && !options.pause) await oneRound(fs, { title: 'rebalance', json: options.json, deps })
		const status = await statusOf(fs)
		if (options.json) return deps.print(JSON.stringify(status, null, 2))
		for (const line of statusLines(status)) deps.print(line)
	})
}

function showPlan(plan: BalancePlan, { json }: Options, deps: Deps): void {
	if (json) return deps.print(JSON.stringify(plan, null, 2))
	const shares = plan.shares.map(({ name, before, after }) => [name, percent(before), percent(after)])
	for (const line of table(['NODE', 'IN USE', 'THEN'], shares)) deps.print(line)
	const moves = plan.moves.map(({ from, to, files, bytes }) => [from, to, `${files}`, showSize(bytes)])
	deps.print('')
	if (moves.length === 0) deps.print('nothing to move')
	else for (const line of table(['FROM', 'TO', 'FILES', 'BYTES'], moves)) deps.print(line)
}

export interface RebalanceStatus {
	state: 'none' | jobs.JobState
	isEven: boolean
	/** The share of each node's disk in use, when what is asked for is done. */
	shares: Array<{ name: string; share: number }>
	moved: Amount
	underWay: Amount
}

async function statusOf(fs: Filesystem): Promise<RebalanceStatus> {
	const row = await jobs.find(fs.catalogue, REBALANCE)
	const progress = progressOf<RebalanceProgress>(row)
	const nodes = await drive(readNodes(fs))
	const underWay = row?.state === 'running' || row?.state === 'paused' ? (progress?.underWay ?? []) : []
	return {
		state: row?.state ?? 'none',
		isEven: isEven(nodes, progress?.tolerance ?? TOLERANCE),
		shares: balanced(nodes).map((node) => ({ name: node.name, share: fillOf(node) })),
		moved: progress?.moved ?? { files: 0, bytes: 0 },
		underWay: { files: underWay.length, bytes: underWay.reduce((sum, { size }) => sum + size, 0) },
	}
}

const STATES: Record<jobs.JobState, string> = {
	running: 'being balanced',
	paused: 'paused',
	done: 'done',
	failed: 'given up',
}

function statusLines({ state, isEven: even, shares, moved, underWay }: RebalanceStatus): string[] {
	return [
		state === 'none'
			? `nobody has asked for it yet; ${even ? 'the disks are in use to the same share' : "'cairn rebalance --dry-run' says what it would move"}`
			: `${STATES[state]}: ${showAmount(moved)} moved, ${showAmount(underWay)} under way`,
		...table(
			['NODE', 'IN USE'],
			shares.map(({ name, share }) => [name, percent(share)]),
		),
	]
}

function percent(share: number): string {
	return `${(share * 100).toFixed(1)} %`
}

const LOOK_MS = 1_000

async function follow(fs: Filesystem, { json }: Options, deps: Deps): Promise<void> {
	const stop = stopOnSignal()
	const view = showRun('rebalance', { json, quiet: false }, deps)
	const shown = startRun(stop.signal, view.watcher)
	const said = new Set<string>()
	let state: RebalanceStatus['state'] = 'running'
	let before: Amount = { files: 0, bytes: 0 }
	while (!stop.signal.aborted && state === 'running') {
		await quietRound(fs, stop.signal, { trouble: shown.trouble, note: shown.note }, said)
		const status = await statusOf(fs)
		for (let count = before.files; count < status.moved.files; count++)
			shown.done('moved', count === before.files ? status.moved.bytes - before.bytes : 0)
		before = status.moved
		state = status.state
		if (state === 'running') await sleep(LOOK_MS, undefined, { signal: stop.signal }).catch(() => undefined)
	}
	stop.end()
	view.end(shown.summary())
	if (state !== 'done') process.exitCode = EXIT.left
}
