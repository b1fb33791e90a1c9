/** `cairn drain NODE`: empties a node. Copies are made elsewhere first; the node's own go when those are good. */
import { setTimeout as sleep } from 'node:timers/promises'
import * as jobs from '../core/catalogue/jobs.ts'
import * as holdings from '../core/catalogue/holdings.ts'
import type { Amount } from '../core/catalogue/holdings.ts'
import * as nodeTable from '../core/catalogue/nodes.ts'
import { REPLICA } from '../core/catalogue/replicas.ts'
import type { Filesystem } from '../core/filesystem/filesystem.ts'
import { jsonPath } from '../core/text.ts'
import type { NodeRow } from '../core/nodes/node.ts'
import { run as drive } from '../core/op.ts'
import { drainName, progressOf } from '../replicator/level/activity.ts'
import type { DrainProgress } from '../replicator/level/drain.ts'
import { abortDrain, pauseDrain, resumeDrain, startDrain } from '../replicator/level/drains.ts'
import { forecastDrain } from '../replicator/level/forecast.ts'
import { startRun } from '../replicator/run.ts'
import { type ActivityOptions, activityOptions, oneRound, quietRound, refusable } from './activity.ts'
import { forecastLines, showAmount } from './drain-forecast.ts'
import { EXIT } from './exit-codes.ts'
import { withFilesystem } from './job.ts'
import { nodeNamed } from './no-such.ts'
import { showRun } from './progress.ts'
import { stopOnSignal } from './stop-on-signal.ts'
import type { Deps, Verb } from './verb.ts'

interface Options extends ActivityOptions {
	name: string
}

export const drain: Verb<Options> = (deps) => ({
	command: 'drain <name>',
	describe: 'empty a node: copies are made elsewhere, then its own go',
	builder: (yargs) => activityOptions(yargs.positional('name', { type: 'string', demandOption: true, describe: 'the node' })),
	handler: (options) => run(options, deps),
})

export interface DrainStatus {
	node: string
	/** none: it was never drained, or is used again since. */
	state: 'none' | jobs.JobState
	/** What the node is when the drain is aborted. */
	former: string
	total: Amount
	left: Amount
	/** Of what is left: copies that may go as soon as others were seen good. */
	released: Amount
	/** Of what is left: files no other node can take. */
	unplaced: Amount
}

export async function run(options: Options, deps: Deps): Promise<void> {
	await withFilesystem(options, deps, async (fs) => {
		const node = await drive(nodeNamed(fs.catalogue, options.name))
		if (options.dryRun) return await showForecast(fs, node, options, deps)
		if (options.pause) await refusable(pauseDrain(fs, node.name))
		else if (options.resume) await refusable(resumeDrain(fs, node.name))
		else if (options.abort) await refusable(abortDrain(fs, node.name))
		else if (!options.status) await refusable(startDrain(fs, node.name))
		if (options.wait) return await follow(fs, node, options, deps)
		if (!options.status && !options.pause) await oneRound(fs, { title: `drain ${node.name}`, json: options.json, deps })
		await showStatus(fs, node, options, deps)
	})
}

async function showForecast(fs: Filesystem, node: NodeRow, { json }: Options, deps: Deps): Promise<void> {
	const forecast = await forecastDrain(fs, node.id)
	if (json) deps.print(JSON.stringify({ node: node.name, ...forecast, examples: forecast.examples.map(({ path, why }) => ({ ...jsonPath(path), why })), seconds: forecast.seconds ?? null }, null, 2))
	else for (const line of forecastLines(node.name, forecast)) deps.print(line)
	if (forecast.unplaced.files > 0) process.exitCode = EXIT.left
}

async function showStatus(fs: Filesystem, node: NodeRow, { json }: Options, deps: Deps): Promise<void> {
	const status = await statusOf(fs, node)
	if (json) return deps.print(JSON.stringify(status, null, 2))
	for (const line of statusLines(status)) deps.print(line)
}

async function statusOf(fs: Filesystem, { id, name }: NodeRow): Promise<DrainStatus> {
	const row = await jobs.find(fs.catalogue, drainName(id))
	const isWanted = (await nodeTable.findByName(fs.catalogue, name))?.state === 'drain'
	const left = await drive(holdings.held(fs.catalogue, id))
	const state = stateOf(row, isWanted, left)
	const progress = progressOf<DrainProgress>(row)
	const none: Amount = { files: 0, bytes: 0 }
	return {
		node: name,
		state,
		former: progress?.former ?? '',
		total: (state === row?.state && progress?.total) || left,
		left,
		released: await drive(holdings.amountIn(fs.catalogue, id, REPLICA.surplus)),
		unplaced: state === 'running' ? (progress?.unplaced ?? none) : none,
	}
}

/** What was said by `node set --state` since holds: replicators go by that with their next round. */
function stateOf(row: jobs.JobRow | undefined, isWanted: boolean, left: Amount): DrainStatus['state'] {
	const isUnderWay = row?.state === 'running' || row?.state === 'paused'
	if (isUnderWay) return isWanted ? row.state : 'failed'
	if (row?.state === 'done' && left.files === 0) return 'done'
	if (isWanted && row?.state !== 'done') return 'running'
	return row?.state === 'failed' ? 'failed' : 'none'
}

function statusLines({ node, state, total, left, released, unplaced }: DrainStatus): string[] {
	const amounts = `${showAmount(left)} of ${showAmount(total)} left`
	switch (state) {
		case 'none':
			return [`node ${node} is not being drained; it holds ${showAmount(left)}`]
		case 'failed':
			return [`node ${node}: the drain was given up, it holds ${showAmount(left)}`]
		case 'done':
			return [`node ${node} is empty: 'cairn node remove ${node}' forgets it`]
		case 'paused':
			return [`node ${node}: paused, ${amounts}; 'cairn drain ${node} --resume' goes on`]
		case 'running':
			return [
				`node ${node}: being drained, ${amounts}, ${showAmount(released)} may go`,
				...(unplaced.files > 0
					? [`no other node can take ${showAmount(unplaced)}: 'cairn drain ${node} --dry-run' says why`]
					: []),
				`replicators do the work ('cairn replicator'); 'cairn drain ${node} --status' says how far it is`,
			]
	}
}

const LOOK_MS = 1_000

/** Until it is empty, or until only what cannot be placed is left. */
async function follow(fs: Filesystem, node: NodeRow, { json }: Options, deps: Deps): Promise<void> {
	const stop = stopOnSignal()
	const view = showRun(`drain ${node.name}`, { json, quiet: false }, deps)
	const shown = startRun(stop.signal, view.watcher)
	const said = new Set<string>()
	let before = (await statusOf(fs, node)).left
	shown.expect(before.files, before.bytes)
	while (!stop.signal.aborted) {
		await quietRound(fs, stop.signal, { trouble: shown.trouble, note: shown.note }, said)
		const status = await statusOf(fs, node)
		const moved = Math.max(0, before.files - status.left.files)
		for (let count = 0; count < moved; count++)
			shown.done('moved', count === 0 ? Math.max(0, before.bytes - status.left.bytes) : 0)
		before = status.left
		if (status.state !== 'running' || (status.unplaced.files > 0 && status.unplaced.files === status.left.files)) break
		await sleep(LOOK_MS, undefined, { signal: stop.signal }).catch(() => undefined)
	}
	stop.end()
	view.end(shown.summary())
	if (before.files > 0) process.exitCode = EXIT.left
}
