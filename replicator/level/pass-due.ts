/** Whether the whole tree has to be looked at again. */
import type { ClassRow } from '../../core/catalogue/classes.ts'
import type { JobRow } from '../../core/catalogue/jobs.ts'
import type { FileId } from '../../core/ids.ts'
import type { NodeRow } from '../../core/nodes/node.ts'
import { progressOf } from './activity.ts'

export interface PassProgress {
	/** What classes and nodes were like when it began. */
	signature: string
	after: FileId
	/** Something was to go and could not yet, or others may go by what was before: another pass is needed after a while. */
	waits: boolean
	/** It had something done. */
	changed?: boolean
	/** Files it looked at, and those that found too few nodes. */
	files: number
	short: number
	/** Since then it waits for nodes that have enough to do. */
	fullSinceMs?: number
}

/** A pass that had to leave something is followed by another, but not at once. */
const AGAIN_SECONDS = 600
/** One that changed nothing is followed by so many times as long without one: of a large tree that is more than nodes have time for. */
const REST_TIMES = 10
/** One may have been cut off for a week. */
const REST_SECONDS_MAX = 86_400
/** What a pass depends on: another one is due when this is another text. A node that is being emptied has a job of its own. */
export function signatureOf(classes: readonly ClassRow[], nodes: readonly NodeRow[]): string {
	const roles: Record<string, string> = { rw: 'takes', drain: 'takes', dead: 'gone' }
	return JSON.stringify([
		classes.map(({ id, pattern, copies, zones }) => [id, pattern, copies, zones]),
		nodes.map(({ id, zone, state }) => [id, zone, roles[state] ?? 'keeps']),
	])
}

/** `isShort`: files were written since the last one for which there was no room. */
export function isPassDue(row: JobRow | undefined, signature: string, isShort: boolean): boolean {
	const progress = progressOf<PassProgress>(row)
	if (!row || !progress || progress.signature !== signature) return true
	const restSeconds = progress.changed ? 0 : Math.min(REST_TIMES * (row.ended - row.started), REST_SECONDS_MAX)
	return row.state === 'running' || ((progress.waits || isShort) && Math.abs(Date.now() / 1000 - row.ended) > Math.max(AGAIN_SECONDS, restSeconds))
}
