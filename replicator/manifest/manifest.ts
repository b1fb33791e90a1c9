/**
 * Keeping a node's manifest up to date. What changed is read from the journal and goes into a small file of its own, a
 * segment; when the segments have grown to half of what they amend, everything is written anew. Whatever is written counts
 * from the moment `state` names it, so a run may end anywhere.
 */
import { transact } from '../../core/filesystem/filesystem.ts'
import { isStillOurs, type Job, type Replicator } from '../replicator.ts'
import { changedSince, lookNow, type Now, sameSurroundings } from './changed.ts'
import { BEFORE, DIRECTORY, type State } from './format.ts'
import { listOnNode, removeLeftovers, removeOnNode } from './node-files.ts'
import { KIND, readState, removeOld, writeState } from './state.ts'
import { writeBase, writeSegment } from './write.ts'

/** Segments that amend a small tree, before it is written anew. */
const AMENDED_RECORDS_MIN = 20_000
const SEGMENTS_MAX = 1_000
/** The journal also has lines that concern no file. After this many the state is written again, so that they are not read for ever. */
const IDLE_NUMBERS_MAX = 1_000

/** `full`: everything anew, whatever changed. */
export const manifest = ({ full = false }: { full?: boolean } = {}): Job => ({ what: 'manifest', work: (replicator) => work(replicator, full) })

async function work(replicator: Replicator, full: boolean): Promise<void> {
	const { fs, node } = replicator
	const state = full ? undefined : await usableState(replicator)
	if (state && (await isUpToDate(replicator, state))) return
	await removeLeftovers(node, KIND)
	await fs.catalogue.snapshot(async (reader) => {
		const now = await lookNow(reader, fs.capabilities)
		const ids = state && (await changedSince(reader, state, now))
		const amended = state && ids && isWorthAmending(state, ids.size) ? await writeSegment(reader, node, { now, ids: [...ids], state }, replicator.run) : undefined
		if (!amended) await keepForeign(replicator, now.epoch)
		const named = amended ?? (await writeBase(reader, node, now, replicator.run))
		if (named) await makeCurrent(replicator, { ...now, ...named })
	})
}

/** One whose files are there. */
async function usableState({ node }: Replicator): Promise<State | undefined> {
	const state = await readState(node)
	if (!state) return undefined
	const names = new Set(await listOnNode(node, DIRECTORY))
	const shards = await listOnNode(node, `${DIRECTORY}/${state.base.name}`)
	const isWhole = shards.length === state.base.shards && state.segments.every(({ name }) => names.has(name))
	return isWhole ? state : undefined
}

/** What most runs find, so it costs as little as possible: no snapshot, nothing written. */
async function isUpToDate({ fs }: Replicator, state: State): Promise<boolean> {
	const reader = fs.catalogue
	const source = { all: async <T>(sql: string, params?: Parameters<typeof reader.all>[1]) => reader.all<T>(sql, params) }
	const now = await lookNow(source, fs.capabilities)
	if (now.seq > state.readFrom + IDLE_NUMBERS_MAX || !sameSurroundings(state, now)) return false
	const ids = await changedSince(source, state, now)
	return ids !== undefined && ids.size === 0
}

function isWorthAmending({ base, segments }: State, more: number): boolean {
	const records = segments.reduce((sum, segment) => sum + segment.records, more)
	return segments.length < SEGMENTS_MAX && records < Math.max(AMENDED_RECORDS_MIN, base.records / 2)
}

/** Unless another process has taken over meanwhile and names files of its own. */
async function makeCurrent(replicator: Replicator, { oldest: _, ...state }: Now & Pick<State, 'base' | 'segments'>): Promise<void> {
	if (!(await isOurs(replicator))) return
	await writeState(replicator.node, state, () => isOurs(replicator))
	if (await isOurs(replicator)) await removeOld(replicator.node, state)
}

async function isOurs(replicator: Replicator): Promise<boolean> {
	return await transact(replicator.fs, (tx) => isStillOurs(replicator, tx))
}

/** It knows another history than the catalogue does now, perhaps a longer one: kept until there is a third. */
async function keepForeign(replicator: Replicator, epoch: number): Promise<void> {
	const { node } = replicator
	const state = await readState(node)
	if (!state || state.epoch === epoch || !(await isOurs(replicator))) return
	await removeOnNode(node, BEFORE)
	await node.operations.rename(Buffer.from(DIRECTORY), Buffer.from(BEFORE))
}
