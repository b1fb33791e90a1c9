/** The nodes as levelling sees them: what each is for, and how much room it will have when all that is asked for is done. */
import * as holdings from '../../core/catalogue/holdings.ts'
import * as jobs from '../../core/catalogue/jobs.ts'
import type { Reader } from '../../core/catalogue/driver.ts'
import * as nodeTable from '../../core/catalogue/nodes.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import type { NodeId } from '../../core/ids.ts'
import type { NodeRow, Space } from '../../core/nodes/node.ts'
import { type Op, wait } from '../../core/op.ts'
import { reserveBytes } from '../../core/placement/placement.ts'
import { freeBytes } from '../../core/placement/room.ts'
import { drainedNode } from './activity.ts'

/** takes: further copies too. keeps: what is there counts. leaves: it is being emptied. gone: it will not come back. */
export type Role = 'takes' | 'keeps' | 'leaves' | 'gone'

export interface LevelNode {
	readonly id: NodeId
	readonly name: string
	readonly zone: string
	readonly role: Role
	/** Its keeper has not said that it is away. Whether it is there now is seen by whoever removes a copy. */
	readonly reliable: boolean
	readonly capacity: number
	/** Bytes, with what is on its way and without what is to go. */
	used: number
	/** Bytes beyond its reserve, less what is on its way. */
	room: number
	/** Copies it is to make. */
	pending: number
	/** It has enough to do: nothing is asked of it until it has done some of that. */
	busy: boolean
}

/** Copies asked of one node before it has made some: what is asked can be taken back as long as it is not too much. */
export const PENDING_FILES_MAX = 20_000

export function fillOf({ used, capacity }: LevelNode): number {
	return capacity > 0 ? used / capacity : 1
}

export interface NodesOptions {
	/** Ask no more of a node than that at a time. */
	pendingMax?: number
}

export function* readNodes(
	fs: Filesystem,
	{ pendingMax = Number.POSITIVE_INFINITY }: NodesOptions = {},
): Op<Map<NodeId, LevelNode>> {
	const rows = yield* wait(nodeTable.list(fs.catalogue))
	const paused = yield* pausedDrains(fs.catalogue)
	const nodes = new Map<NodeId, LevelNode>()
	for (const row of rows) {
		const coming = yield* holdings.amountIn(fs.catalogue, row.id, REPLICA.wanted)
		const going = yield* holdings.amountIn(fs.catalogue, row.id, REPLICA.surplus)
		nodes.set(row.id, toLevelNode(fs, row, { coming, going, isPaused: paused.has(row.id), pendingMax }))
	}
	return nodes
}

interface Work {
	coming: holdings.Amount
	going: holdings.Amount
	isPaused: boolean
	pendingMax: number
}

function toLevelNode(fs: Filesystem, row: NodeRow, { coming, going, isPaused, pendingMax }: Work): LevelNode {
	const node = fs.nodes.get(row.id)
	const space: Pick<Space, 'capacity' | 'free'> = node?.health.up ? { capacity: node.space.capacity, free: freeBytes(node) } : row
	return {
		id: row.id,
		name: row.name,
		zone: row.zone,
		role: roleOf(row, isPaused),
		reliable: row.state === 'rw' || row.state === 'nc' || row.state === 'ro',
		capacity: space.capacity,
		used: space.capacity - space.free + coming.bytes - going.bytes,
		room: space.free - reserveBytes({ row, space }) - coming.bytes,
		pending: coming.files,
		busy: coming.files >= pendingMax,
	}
}

/** While a drain is paused nothing changes on its node, either way. */
function roleOf({ state }: NodeRow, isPaused: boolean): Role {
	if (state === 'rw') return 'takes'
	if (state === 'drain') return isPaused ? 'keeps' : 'leaves'
	return state === 'dead' ? 'gone' : 'keeps'
}

function* pausedDrains(reader: Reader): Op<Set<NodeId>> {
	const paused = new Set<NodeId>()
	for (const row of yield* wait(jobs.list(reader))) {
		const drained = drainedNode(row.name)
		if (drained !== undefined && row.state === 'paused') paused.add(drained)
	}
	return paused
}

/** The plan holds from now on for whoever asks next. */
export function reckon(
	nodes: ReadonlyMap<NodeId, LevelNode>,
	size: number,
	{ added, gone, pendingMax }: { added: readonly NodeId[]; gone: readonly NodeId[]; pendingMax: number },
): void {
	for (const id of added) {
		const node = nodes.get(id)
		if (!node) continue
		node.used += size
		node.room -= size
		node.pending++
		node.busy = node.pending >= pendingMax
	}
	for (const id of gone) {
		const node = nodes.get(id)
		if (node) node.used -= size
	}
}
