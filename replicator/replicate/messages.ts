/** What the copying threads and whoever uses them say to each other. Paths travel as latin1 texts: a Buffer would bring its whole pool along. */
import type { SftpConfig } from '../../core/config/types.ts'
import { codeOf } from '../../core/errors.ts'
import type { Node } from '../../core/nodes/node.ts'
import { type Copied, type Order, type Side, sideOf } from './copy.ts'

export interface Tree {
	root: string
	uuid: string
}

/** One that is not here, and read over SFTP. */
export interface Far {
	name: string
	uuid: string
	sftp: SftpConfig
}

export type OrderMessage = Omit<Order, 'from' | 'aside' | 'further' | 'to'> & {
	from: string
	aside: string
	further: string[]
	to: string[]
}

export interface CopyMessage {
	from: Tree | Far
	to: Tree
	orders: OrderMessage[]
	/** Ask before each piece of a large file. */
	isPaced: boolean
}

/** Files that are small and plain, packed by `packSmall`. */
export interface SmallMessage {
	from: Tree
	to: Tree
	tray: string
	/** As `waysOf` takes them: where each is, and where it is to come. */
	paths: string
	numbers: Float64Array
	isPaced: boolean
	/** They reach the disk before they are said to be made; otherwise whoever asked sees to that. */
	isSynced: boolean
}

/** One of each for each file; those that failed have zeros. */
export interface SmallAnswers {
	/** All their digits in one text. */
	hashes: string
	inos: Float64Array
	occupied: Uint8Array
	failures: Array<[index: number, Failure]>
}

/** From places beside the tree to names in it, both as `waysOf` takes them. */
export interface PlaceMessage {
	on: Tree
	from: string
	to: string
	inos: Float64Array
	/** Not 0: nothing of ours has that name, so nothing that has it is replaced. */
	areNew: Uint8Array
	/** The names reach the disk; otherwise as above. */
	isSynced: boolean
}

/** These names are to be on the disk. */
export interface SyncMessage {
	on: Tree
	paths: string[]
}

export type Request = { copy: CopyMessage } | { small: SmallMessage } | { place: PlaceMessage } | { sync: SyncMessage } | { rest: true }

export interface Failure {
	code: string
	message: string
	side: Side | undefined
}

export type CopyAnswer = Copied | Failure

export type Report =
	| { asks: number }
	| { moved: number }
	| { answers: CopyAnswer[] }
	| { small: SmallAnswers }
	| { placed: boolean[] }
	| { synced: true }
	| { failure: Failure }

export interface ThreadData {
	/** [STOP]: not 0 when copies are to end. [LEAVE]: grows with each piece that may be moved. */
	control: SharedArrayBuffer
}

export const STOP = 0
export const LEAVE = 1

export function isFailure(answer: CopyAnswer): answer is Failure {
	return 'code' in answer
}

export function treeOf({ root, row }: Node): Tree {
	return { root, uuid: row.uuid }
}

export function toFailure(error: unknown): Failure {
	return { code: codeOf(error), message: (error as Error).message, side: sideOf(error) }
}

export function encodePath(path: Uint8Array): string {
	return Buffer.from(path.buffer, path.byteOffset, path.byteLength).toString('latin1')
}

export function decodePath(text: string): Buffer {
	return Buffer.from(text, 'latin1')
}
