/** What the copying threads and whoever uses them say to each other. Paths travel as latin1 texts: a Buffer would bring its whole pool along. */
import type { Copied, Order, Side } from './copy.ts'

export interface Tree {
	root: string
	uuid: string
}

export type OrderMessage = Omit<Order, 'from' | 'aside' | 'further' | 'to'> & {
	from: string
	aside: string
	further: string[]
	to: string[]
}

export interface CopyMessage {
	from: Tree
	to: Tree
	orders: OrderMessage[]
	/** Ask before each piece of a large file. */
	isPaced: boolean
}

/** From a place beside the tree to a name in it. */
export interface Move {
	from: string
	to: string
	ino: number
}

export interface PlaceMessage {
	on: Tree
	moves: Move[]
}

/** These names are to be on the disk. */
export interface SyncMessage {
	on: Tree
	paths: string[]
}

export type Request = { copy: CopyMessage } | { place: PlaceMessage } | { sync: SyncMessage }

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

export function encodePath(path: Uint8Array): string {
	return Buffer.from(path.buffer, path.byteOffset, path.byteLength).toString('latin1')
}

export function decodePath(text: string): Buffer {
	return Buffer.from(text, 'latin1')
}
