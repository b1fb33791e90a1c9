/** One name looked at by itself, and what was seen of it: the rows first, then the disk. */
import type { Transaction } from '../../core/catalogue/driver.ts'
import type { Intent, IntentRow } from '../../core/catalogue/intents.ts'
import * as intents from '../../core/catalogue/intents.ts'
import type { ReplicaRow } from '../../core/catalogue/replicas.ts'
import * as replicas from '../../core/catalogue/replicas.ts'
import type { OneRow } from '../../core/catalogue/walks.ts'
import * as walks from '../../core/catalogue/walks.ts'
import * as writers from '../../core/catalogue/writers.ts'
import { transact } from '../../core/filesystem/filesystem.ts'
import { intend } from '../../core/filesystem/intents.ts'
import type { Name, Path } from '../../core/ids.ts'
import { standsInTheWay } from '../../core/in-the-way.ts'
import type { Stat } from '../../core/nodes/node.ts'
import { type Op, run as drive, wait } from '../../core/op.ts'
import { carryOutInTime } from '../proof/in-time.ts'
import { isStillOurs } from '../replicator.ts'
import { STANDING_ROWS_MAX, yetToDo } from './chunks.ts'
import type { Watch } from './watch.ts'
import { type Directory, type Walking, WalkStopped } from './walking.ts'

export interface Finding {
	directory: Directory
	name: Name
	path: Path
	watch: Watch
	row: OneRow
	/** Undefined: nothing stands there. */
	stat: Stat | undefined
}

export interface Conclusion {
	/** Copies of the file, with this node's. */
	copies: ReplicaRow[]
	token: number
}

/**
 * Writes a conclusion down, if what it was drawn from is still so: a file being written, moved, replaced or waiting for
 * something to be carried out is left alone. False: look again.
 */
export async function conclude(walking: Walking, finding: Finding, body: (tx: Transaction, what: Conclusion) => Op<Intent[] | undefined>): Promise<boolean> {
	const { fs } = walking
	const token = fs.nextToken++
	const seenMs = performance.now()
	const made = await transact(fs, function* (tx) {
		const copies = yield* stillSo(walking, tx, finding)
		if (!copies) return undefined
		const plan = yield* body(tx, { copies, token })
		return plan && (yield* intend(fs, tx, plan, true))
	})
	if (made) await drive(carryOutInTime(fs, made, seenMs))
	return made !== undefined
}

function* stillSo({ fs, node, rep, watchman }: Walking, tx: Transaction, { directory, name, path, watch, row }: Finding): Op<ReplicaRow[] | undefined> {
	if (!(yield* isStillOurs(rep, tx))) throw new WalkStopped('another process has taken over, or the node was taken away')
	yield* wait(tx.read(...walks.lockQueries([row.id], fs.capabilities)))
	yield* watchman.look(tx)
	const [[now], pins, standing, copies] = (yield* wait(
		tx.read(
			walks.oneQuery(node.id, directory.id, name),
			writers.ofFileQuery(row.id, fs.capabilities.forUpdate),
			intents.standingQuery(node.id, STANDING_ROWS_MAX),
			replicas.ofFileQuery(row.id),
		),
	)) as [OneRow[], unknown[], IntentRow[], ReplicaRow[]]
	if (watch.moved || watch.isTouched(directory.id, name) || watch.isFileTouched(row.id)) return undefined
	if (pins.length > 0 || isObstructed(yetToDo(fs, standing), path)) return undefined
	return now && isSame(now, row) ? copies : undefined
}

/** Something the node has yet to carry out decides what stands at the path. */
export function isObstructed(standing: readonly IntentRow[], path: Path): boolean {
	return standing.length >= STANDING_ROWS_MAX || standing.some((row) => standsInTheWay(row, path))
}

function isSame(now: OneRow, then: OneRow): boolean {
	return now.id === then.id && now.version === then.version && now.replica_version === then.replica_version && now.replica_state === then.replica_state
}
