/** What each node has and what is owed there. */
import type { Amount } from '../catalogue/holdings.ts'
import * as jobs from '../catalogue/jobs.ts'
import { REPLICA } from '../catalogue/replicas.ts'
import type { NodeId } from '../ids.ts'
import type { NodeState } from '../nodes/node.ts'
import { reserveBytes } from '../placement/placement.ts'
import { figuresIn, type Rows } from './rows.ts'

export interface NodeFigures {
	id: NodeId
	name: string
	zone: string
	/** What the keeper says of it. Whether it answers is known to those that use it: `health` of a running filesystem. */
	state: NodeState
	/** Unix seconds, of the state. */
	since: number
	/** As of `seenAt`. */
	capacityBytes: number
	freeBytes: number
	reserveBytes: number
	seenAt: number
	good: Amount
	wanted: Amount
	suspect: Amount
	surplus: Amount
	/** Changes its tree has yet to be told. */
	intents: number
	conflicts: number
	/** A replicator looks after it. */
	lookedAfter: boolean
	/** The last run there of any kind of work; undefined: there was none. */
	lastRun: { job: string; started: number; ended: number; state: string } | undefined
}

/** As replicator/service/lease.ts names it. */
const SERVICE_LEASE = 'replicator'

export function nodeFigures(rows: Rows): NodeFigures[] {
	const heldOn = Map.groupBy(rows.held, ({ node_id }) => node_id)
	return rows.nodes.map((row) => {
		const held = heldOn.get(row.id) ?? []
		return {
			id: row.id,
			name: row.name,
			zone: row.zone,
			state: row.state,
			since: row.since,
			capacityBytes: row.capacity,
			freeBytes: row.free,
			reserveBytes: reserveBytes({ row, space: row }),
			seenAt: row.seen_at,
			good: figuresIn(held, REPLICA.good),
			wanted: figuresIn(held, REPLICA.wanted),
			suspect: figuresIn(held, REPLICA.suspect),
			surplus: figuresIn(held, REPLICA.surplus),
			intents: rows.intents.get(row.id) ?? 0,
			conflicts: rows.conflicts.get(row.id) ?? 0,
			lookedAfter: rows.leases.has(jobs.jobName(SERVICE_LEASE, row.id)),
			lastRun: lastRunOn(row.id, rows),
		}
	})
}

function lastRunOn(id: NodeId, rows: Rows): NodeFigures['lastRun'] {
	const own = rows.jobs.filter((job) => job.name.endsWith(`:${id}`))
	const last = own.reduce<(typeof own)[number] | undefined>((latest, job) => (latest && latest.started >= job.started ? latest : job), undefined)
	return last && { job: last.name.split(':')[0], started: last.started, ended: last.ended, state: last.state }
}
