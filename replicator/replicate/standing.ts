/** Which paths of a node are uncertain, because something that was decided about them has not been carried out there. */
import type { Reader, Transaction } from '../../core/catalogue/driver.ts'
import type { Intent, IntentRow } from '../../core/catalogue/intents.ts'
import * as intents from '../../core/catalogue/intents.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import type { FileId, NodeId, Path } from '../../core/ids.ts'
import { isDone } from '../../core/intents.ts'
import { type Op, wait } from '../../core/op.ts'

/** Where more than this stands, nothing is certain. */
const ROWS_MAX = 10_000
const SLASH = '/'

export interface Standing {
	/** Something stands on the path, above it or below it. */
	isInTheWay(path: Path): boolean
	/** Of one transaction, for one file. */
	madeBy(token: number, file: FileId): Intent[]
}

export const NOTHING: Standing = { isInTheWay: () => false, madeBy: () => [] }

export function* standingOn(fs: Filesystem, reader: Reader, node: NodeId): Op<Standing> {
	return toStanding((yield* wait(intents.standing(reader, node, ROWS_MAX))).filter((row) => !isDone(fs, row)))
}

/**
 * In a transaction that writes intents: rows of what was carried out already go with it. Found after a crash together with
 * the new ones, they would be carried out again, and undo what was built on them.
 */
export function* standingForChange(fs: Filesystem, tx: Transaction, node: NodeId): Op<Standing> {
	const rows = yield* wait(intents.standing(tx, node, ROWS_MAX))
	const left = rows.filter((row) => !isDone(fs, row))
	for (const row of rows) if (!left.includes(row)) intents.remove(tx, row)
	return toStanding(rows.length === ROWS_MAX ? rows : left)
}

function toStanding(rows: readonly IntentRow[]): Standing {
	if (rows.length === 0) return NOTHING
	const on = new Set<string>()
	const above = new Set<string>()
	for (const { op, path, to_path } of rows) {
		for (const each of op === 'symlink' || to_path === null ? [path] : [path, to_path]) {
			on.add(text(each))
			for (const up of prefixes(text(each))) above.add(up)
		}
	}
	const isFull = rows.length >= ROWS_MAX
	return {
		isInTheWay: (path) => isFull || on.has(text(path)) || above.has(text(path)) || prefixes(text(path)).some((up) => on.has(up)),
		madeBy: (token, file) => rows.filter((row) => row.token === token && row.file_id === file).map(toIntent),
	}
}

function toIntent({ node_id, op, path, to_path, file_id, token }: IntentRow): Intent {
	return {
		nodeId: node_id,
		op,
		path: Buffer.from(path),
		toPath: to_path === null ? null : Buffer.from(to_path),
		fileId: file_id,
		token,
	}
}

function text(path: Uint8Array): string {
	return Buffer.from(path.buffer, path.byteOffset, path.byteLength).toString('latin1')
}

/** The directories above a path, the root included. */
function prefixes(path: string): string[] {
	const found = path === '' ? [] : ['']
	for (let slash = path.indexOf(SLASH); slash !== -1; slash = path.indexOf(SLASH, slash + 1)) found.push(path.slice(0, slash))
	return found
}
