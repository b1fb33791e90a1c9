/** The job that makes copies: what is wanted on a node is pulled there, the files with the fewest good copies first. */
import { availableParallelism } from 'node:os'
import * as wanted from '../../core/catalogue/wanted.ts'
import { settle } from '../../core/filesystem/settle.ts'
import type { FileId } from '../../core/ids.ts'
import { newHealth } from '../../core/nodes/health.ts'
import { openLaneOperations } from '../../core/nodes/lanes.ts'
import type { Node, NodeOperations } from '../../core/nodes/node.ts'
import { run as drive } from '../../core/op.ts'
import type { SftpConfig } from '../../core/config/types.ts'
import { isLimited, type Pace, paceOf } from '../rate.ts'
import type { Job, Replicator } from '../replicator.ts'
import { inTurn } from './in-turn.ts'
import { openTargetDisk, type TargetDisk } from './disk.ts'
import { hasLeftovers, takeLeftovers } from './leftovers.ts'
import { patiently } from './patience.ts'
import { openRoom } from './room.ts'
import type { Hold, Round } from './round.ts'
import { openSources, type Reach } from './sources.ts'
import { openThreads } from './threads.ts'
import { doUnit, removeTray } from './unit.ts'
import { unitsOf } from './units.ts'

export interface ReplicateOptions {
	/** Shared by all that copy in this process; by default each run keeps to the configured rates by itself. */
	pace?: Pace
	/** For tests: waited for at each point of each file's way. */
	hold?: Hold
}

/** One reads while the other waits for the disk. */
const THREADS_MIN = 2
/** A disk that writes back a large file may take its time. */
const LOCAL_DEADLINE_MS = 600_000

export const replicate = (options: ReplicateOptions = {}): Job => ({
	what: 'replicate',
	async work(rep) {
		const { fs, node, run } = rep
		// Mostly there is nothing to do, and one question says so.
		const last = await patiently(run, () => wanted.lastWanted(fs.catalogue, node.id))
		if (last === undefined && !(await hasLeftovers(rep))) return
		await drive(settle(fs))
		const parts = await takeLeftovers(rep)
		if (last === undefined) return
		await withRound(rep, options, parts, async (round) => {
			await inTurn(unitsOf(rep, last), fs.config.replicator.copiesAtOnce, run.signal, onceAtATime(round))
		})
	},
})

async function withRound(
	rep: Replicator,
	options: ReplicateOptions,
	parts: Round['parts'],
	body: (round: Round) => Promise<void>,
): Promise<void> {
	const { fs, node, run } = rep
	const { copiesAtOnce, copyRates } = fs.config.replicator
	const threads = openThreads({ near: Math.min(copiesAtOnce, Math.max(THREADS_MIN, availableParallelism())), far: copiesAtOnce })
	const load = new Map<number, number>()
	const sources = openSources(fs, { own: node.id, load, connect })
	const target = openTarget(node, copiesAtOnce)
	const stop = () => threads.stop()
	run.signal.addEventListener('abort', stop)
	let disk: TargetDisk | undefined
	const round: Round = {
		rep,
		threads,
		sources,
		room: openRoom(node),
		pace: options.pace ?? (isLimited(copyRates) ? paceOf(copyRates) : undefined),
		hold: options.hold ?? (async () => undefined),
		parts,
		made: new Set(),
		load,
		underWay: new Map(),
		cramped: 0,
		away: new Map(),
		target: target.operations,
		trays: [],
		disk() {
			disk ??= openTargetDisk(node)
			return disk
		},
	}
	try {
		await body(round)
		if (round.cramped > 1) run.note(`node ${node.name}: ${round.cramped} files were left, as it does not take them`)
		for (const [why, many] of round.away) if (many > 1) run.note(`${many} files were left: ${why}`)
	} finally {
		run.signal.removeEventListener('abort', stop)
		await sources.end()
		threads.end()
		target.end()
		for (const { path } of round.trays) if (path) await removeTray(round, path)
		disk?.end()
	}
}

/** Only where it is needed: to load the library takes as long as to copy a thousand small files. */
async function connect(node: { name: string; uuid: string }, config: SftpConfig): Promise<Reach> {
	const { connectSftp } = await import('../../core/nodes/sftp.ts')
	return connectSftp(node, config)
}

/**
 * A file that gets or loses a good copy elsewhere while it is being copied comes in another portion too. The second would take
 * what the first has just put in its place for a stray.
 */
function onceAtATime(round: Round): (ids: readonly FileId[]) => Promise<void> {
	const taken = new Set<FileId>()
	return async (ids) => {
		const free = ids.filter((id) => !taken.has(id))
		if (free.length === 0) return
		for (const id of free) taken.add(id)
		try {
			await doUnit(round, free)
		} finally {
			for (const id of free) taken.delete(id)
		}
	}
}

/** What comes over a network is written by threads that may wait for the disk. A remote node has its own. */
function openTarget(node: Node, copiesAtOnce: number): { operations(): Promise<NodeOperations>; end(): void } {
	let own: Promise<NodeOperations> | undefined
	let opened: NodeOperations | undefined
	const open = async () => {
		opened = openLaneOperations(node.root, { deadlineMs: LOCAL_DEADLINE_MS, callsMax: copiesAtOnce, health: newHealth() })
		await opened.identify(node.row.uuid)
		return opened
	}
	return {
		operations() {
			if (node.remote) return Promise.resolve(node.operations)
			own ??= open()
			return own
		},
		end: () => opened?.end(),
	}
}
