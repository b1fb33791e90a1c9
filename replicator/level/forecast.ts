/** What emptying a node would do: where its files would go, what could not be placed and why, and how long it would take. Nothing is changed. */
import type { Amount } from '../../core/catalogue/holdings.ts'
import * as jobs from '../../core/catalogue/jobs.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import type { NodeId, Path } from '../../core/ids.ts'
import { run as drive } from '../../core/op.ts'
import { classById } from '../../core/placement/placement.ts'
import type { Summary } from '../run.ts'
import { isRebalancing } from './activity.ts'
import { type LevelNode, readNodes, reckon } from './nodes.ts'
import { type Held, pagesOfNode, pathToTell } from './pages.ts'
import { type Plan, planFile } from './plan.ts'
import { isUnplaced, whyUnplaced } from './unplaced.ts'

export interface Forecast {
	/** What the node holds. */
	held: Amount
	/** Has enough good copies elsewhere, and may go at once. */
	spare: Amount
	targets: Array<{ node: NodeId; name: string } & Amount>
	unplaced: Amount
	examples: Array<{ path: Path | string; why: string }>
	/** Undefined where no run of the past says how fast the targets copy. */
	seconds: number | undefined
}

const EXAMPLES_MAX = 10
const STATES = [REPLICA.good, REPLICA.suspect, REPLICA.wanted, REPLICA.surplus] as const

export async function forecastDrain(fs: Filesystem, id: NodeId): Promise<Forecast> {
	const nodes = await drive(readNodes(fs))
	const node = nodes.get(id)
	if (node) nodes.set(id, { ...node, role: 'leaves', reliable: false })
	const keepSpare = isRebalancing(await jobs.list(fs.catalogue))
	const forecast: Forecast = { held: nothing(), spare: nothing(), targets: [], unplaced: nothing(), examples: [], seconds: 0 }
	const targets = new Map<NodeId, Amount>()
	for (const state of STATES) {
		for await (const { files } of pagesOfNode(fs, id, state, 0)) {
			for (const file of files) {
				const plan = planFile(file, classById(fs, file.class_id), file.copies, nodes, { keepSpare })
				reckon(nodes, file.size, { added: plan.add, gone: [], pendingMax: Number.POSITIVE_INFINITY })
				await account(fs, nodes, { forecast, targets, file, plan })
			}
		}
	}
	forecast.targets = [...targets].map(([target, amount]) => ({
		node: target,
		name: nodes.get(target)?.name ?? `${target}`,
		...amount,
	}))
	forecast.seconds = await secondsFor(fs, targets)
	return forecast
}

interface Account {
	forecast: Forecast
	targets: Map<NodeId, Amount>
	file: Held
	plan: Plan
}

async function account(
	fs: Filesystem,
	nodes: ReadonlyMap<NodeId, LevelNode>,
	{ forecast, targets, file, plan }: Account,
): Promise<void> {
	count(forecast.held, file.size)
	for (const target of plan.add) {
		const amount = targets.get(target) ?? nothing()
		targets.set(target, amount)
		count(amount, file.size)
	}
	if (isUnplaced(plan)) {
		count(forecast.unplaced, file.size)
		if (forecast.examples.length === EXAMPLES_MAX) return
		const why = whyUnplaced(classById(fs, file.class_id), { size: file.size, plan, copies: file.copies }, nodes)
		forecast.examples.push({ path: await pathToTell(fs, file.id), why })
	} else if (!plan.waits) count(forecast.spare, file.size)
}

function nothing(): Amount {
	return { files: 0, bytes: 0 }
}

function count(amount: Amount, size: number): void {
	amount.files++
	amount.bytes += size
}

/** The targets copy side by side, each as fast as it did the last time. */
async function secondsFor(fs: Filesystem, targets: ReadonlyMap<NodeId, Amount>): Promise<number | undefined> {
	let seconds = 0
	for (const [node, { bytes }] of targets) {
		const row = await jobs.find(fs.catalogue, jobs.jobName('replicate', node))
		const last = JSON.parse(row?.summary ?? '{}') as Partial<Summary>
		const bytesPerSecond = last.bytes && last.seconds ? last.bytes / last.seconds : 0
		if (bytes > 0 && bytesPerSecond === 0) return undefined
		seconds = Math.max(seconds, bytes === 0 ? 0 : bytes / bytesPerSecond)
	}
	return seconds
}
