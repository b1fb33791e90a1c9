/** `cairn replicator --status`: for each node and kind of work, what its last run did and when the next one is due. */
import * as jobs from '../core/catalogue/jobs.ts'
import type { JobRow } from '../core/catalogue/jobs.ts'
import * as leases from '../core/catalogue/leases.ts'
import * as nodes from '../core/catalogue/nodes.ts'
import type { Driver } from '../core/catalogue/driver.ts'
import type { ScheduleConfig } from '../core/config/types.ts'
import type { NodeId } from '../core/ids.ts'
import type { Summary } from '../replicator/run.ts'
import { nextDue, wrongWith } from '../replicator/service/due.ts'
import { KINDS } from '../replicator/service/jobs.ts'
import { leaseName } from '../replicator/service/lease.ts'
import { withCatalogue } from './catalogue.ts'
import { filesSeen, showDuration } from './progress-text.ts'
import { showAge, table } from './table.ts'
import type { Common, Deps } from './verb.ts'

/** Times in seconds since 1970, null where there is none. */
export interface JobStatus {
	job: string
	/** Null: of the whole tree. */
	node: string | null
	/** ended: it was killed. never: it has not run yet. */
	state: 'running' | 'paused' | 'done' | 'failed' | 'ended' | 'never'
	started: number | null
	seconds: number | null
	outcomes: Record<string, number>
	left: number
	error: string | null
	next: number | null
}

export interface ServiceStatus {
	nodes: Array<{ name: string; lookedAfter: boolean }>
	jobs: JobStatus[]
}

export async function runStatus(options: Common & { json: boolean }, deps: Deps): Promise<void> {
	const found = await withCatalogue(options, deps, (driver, config) => serviceStatus(driver, config.replicator.schedule))
	if (options.json) return deps.print(JSON.stringify(found, null, 2))
	for (const line of jobLines(found)) deps.print(line)
}

export async function serviceStatus(driver: Driver, schedule: ScheduleConfig): Promise<ServiceStatus> {
	const [rows, ours, held] = await Promise.all([jobs.list(driver), nodes.list(driver), leases.list(driver, driver.capabilities)])
	const leased = new Set(held.map((lease) => lease.name))
	const names = new Map(ours.map((row) => [row.id, row.name]))
	const next = dueTimes(schedule)
	const known = rows.map((row) => toStatus(row, { names, leased, next })).filter((row) => row !== undefined)
	const never = ours.flatMap(({ name }) =>
		[...next].filter(([job]) => !known.some((each) => each.job === job && (each.node === name || each.node === null))).map(([job, due]) => neverRun(job, name, due)),
	)
	const order = (row: JobStatus) => `${row.node ?? '\uffff'}\0${row.job}`
	return {
		nodes: ours.map(({ id, name }) => ({ name, lookedAfter: leased.has(leaseName(id)) })),
		jobs: [...known, ...never].sort((a, b) => (order(a) < order(b) ? -1 : 1)),
	}
}

function dueTimes(schedule: ScheduleConfig): Map<string, number> {
	const asked = Object.entries(schedule).filter(([, expression]) => expression !== '' && wrongWith(expression) === undefined)
	return new Map(asked.map(([job, expression]) => [job, Math.floor(nextDue(expression).getTime() / 1000)]))
}

interface Circumstances {
	names: ReadonlyMap<NodeId, string>
	leased: ReadonlySet<string>
	next: ReadonlyMap<string, number>
}

/** Undefined of a node that is not there any more. */
function toStatus(row: JobRow, { names, leased, next }: Circumstances): JobStatus | undefined {
	const [job, id] = row.name.split(':')
	const isOfNode = id !== undefined && /^\d+$/.test(id)
	const node = isOfNode ? names.get(Number(id)) : null
	if (node === undefined) return undefined
	const { outcomes = {}, troubles = 0, error = null } = JSON.parse(row.summary) as Partial<Summary> & { error?: string }
	return {
		job: isOfNode ? job : row.name,
		node,
		// A drain, a rebalance, a pass go on from run to run; anything else that runs has its lease.
		state: row.state === 'running' && Object.hasOwn(KINDS, job) && !leased.has(row.name) ? 'ended' : row.state,
		started: row.started,
		seconds: row.ended > 0 ? row.ended - row.started : null,
		outcomes,
		left: troubles,
		error,
		next: next.get(job) ?? null,
	}
}

function neverRun(job: string, node: string, next: number): JobStatus {
	return { job, node, state: 'never', started: null, seconds: null, outcomes: {}, left: 0, error: null, next }
}

function jobLines({ nodes: ours, jobs: rows }: ServiceStatus): string[] {
	const nowSeconds = Date.now() / 1000
	const alone = ours.filter((node) => !node.lookedAfter).map((node) => node.name)
	return [
		...table(['NODE', 'JOB', 'STATE', 'LAST RUN', 'TOOK', 'DID', 'NEXT'], rows.map((row) => cells(row, nowSeconds))),
		...(alone.length > 0 ? ['', `no replicator looks after ${alone.join(', ')}`] : []),
	]
}

function cells({ node, job, state, started, seconds, outcomes, left, error, next }: JobStatus, nowSeconds: number): string[] {
	const ago = started === null ? '-' : `${showAge(nowSeconds - started)} ago`
	const counts = Object.entries(outcomes).map(([word, many]) => `${many} ${word}`)
	if (left > 0) counts.push(`${left} left`)
	const did = error ?? (filesSeen({ outcomes, troubles: left }) > 0 ? counts.join(', ') : '-')
	// What failed says why.
	const word = state === 'failed' && error === null ? 'given up' : state
	return [node ?? '-', job, word, ago, seconds === null ? '-' : showDuration(seconds), did, next === null ? '-' : `in ${showDuration(Math.max(0, next - nowSeconds))}`]
}
