/** What the parts of one run share. */
import type { FileId, NodeId, Path } from '../../core/ids.ts'
import type { NodeOperations } from '../../core/nodes/node.ts'
import type { Pace } from '../rate.ts'
import type { Replicator } from '../replicator.ts'
import type { TargetDisk } from './disk.ts'
import type { Part, Tray } from './incoming.ts'
import type { Room } from './room.ts'
import type { Sources } from './sources.ts'
import type { Standing } from './standing.ts'
import type { Threads } from './threads.ts'

/** Where a test may hold a copy: before its bytes are read, and when they are there but the catalogue has not been told. */
export type Point = 'looked' | 'copied' | 'entered'
export type Hold = (point: Point, files: readonly FileId[]) => Promise<void>

export interface Round {
	readonly rep: Replicator
	readonly threads: Threads
	readonly sources: Sources
	readonly room: Room
	/** Undefined: as fast as it goes. */
	readonly pace: Pace | undefined
	readonly hold: Hold
	/** What dead processes had begun, by file. */
	readonly parts: Map<FileId, { part: Part; path: Path }>
	/** Directories that were made on the node, as `id:path`. */
	readonly made: Set<string>
	/** Copies under way from each node. */
	readonly load: Map<NodeId, number>
	/** Intents of this run that are being carried out, by token. */
	readonly underWay: Map<number, Standing>
	/** Where copies of plain files wait for their names, those that nobody uses now: made once, as making and removing costs as much as a dozen copies. */
	readonly trays: Tray[]
	/** Files that no node took. */
	cramped: number
	/** Those that were left because a node could not be reached, by why. */
	away: Map<string, number>
	/** The node's tree, changed by threads that the main one need not wait for. */
	target(): Promise<NodeOperations>
	/** The node's disk. Only of one that is no remote node. */
	disk(): TargetDisk
}

/** How a file's want ended, as the summary counts it. */
export type End = 'copied' | 'linked' | 'busy' | 'gone' | 'moved' | 'left'
