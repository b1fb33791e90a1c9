/** What is still to be done, by kind and node, and how long it takes at the pace of the last run. */
import type { Amount } from '../catalogue/holdings.ts'
import * as jobs from '../catalogue/jobs.ts'
import { REPLICA } from '../catalogue/replicas.ts'
import { figuresIn, type Rows } from './rows.ts'

export interface Owed extends Amount {
	/** copy: to be made there; remove: more than is asked for; check: in doubt; change: to be told to the node. */
	kind: 'copy' | 'remove' | 'check' | 'change'
	node: string
	/** Undefined where no run of the past says how fast it goes. */
	etaSeconds: number | undefined
}

const KINDS = [
	['copy', REPLICA.wanted, 'replicate'],
	['remove', REPLICA.surplus, 'trim'],
	['check', REPLICA.suspect, 'verify'],
] as const

/** What replicators call the pass over the tree that is made whenever classes or nodes have changed. */
export const PASS = 'pass'

/** Setting that stands while files were written since then for which no node had room that may have some later. */
export const WITHOUT_ROOM = 'without_room'

/** Files that it found too few nodes for. */
export function shortIn(pass: jobs.JobRow | undefined): number {
	return (JSON.parse(pass?.summary ?? '{}') as { short?: number }).short ?? 0
}

/** Only what there is any of. */
export function owedWork(rows: Rows): Owed[] {
	const owed: Owed[] = []
	const heldOn = Map.groupBy(rows.held, ({ node_id }) => node_id)
	for (const node of rows.nodes) {
		for (const [kind, state, job] of KINDS) {
			const amount = figuresIn(heldOn.get(node.id) ?? [], state)
			if (amount.files > 0) owed.push({ kind, node: node.name, ...amount, etaSeconds: etaOf(rows, jobs.jobName(job, node.id), amount) })
		}
		const changes = rows.intents.get(node.id) ?? 0
		if (changes > 0) owed.push({ kind: 'change', node: node.name, files: changes, bytes: 0, etaSeconds: undefined })
	}
	return owed
}

interface LastRun {
	outcomes?: Record<string, number>
	bytes?: number
	seconds?: number
}

/** Small files are a matter of how many, large ones of how much: whichever takes longer. */
function etaOf({ jobs: list }: Rows, name: string, { files, bytes }: Amount): number | undefined {
	const run = JSON.parse(list.find((job) => job.name === name)?.summary ?? '{}') as LastRun
	const done = Object.values(run.outcomes ?? {}).reduce((sum, many) => sum + many, 0)
	if (!run.seconds || done === 0) return undefined
	const byFiles = (files * run.seconds) / done
	const byBytes = run.bytes ? (bytes * run.seconds) / run.bytes : 0
	return Math.ceil(Math.max(byFiles, byBytes))
}
