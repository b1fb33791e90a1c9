/** Which paths of a node are uncertain, because something that was decided about them has not been carried out there. */
import type { Reader, Transaction } from '../../core/catalogue/driver.ts'
import type { Intent, IntentOp, IntentRow } from '../../core/catalogue/intents.ts'
import * as intents from '../../core/catalogue/intents.ts'
import { othersIntents } from '../../core/catalogue/wanted.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { isDone } from '../../core/filesystem/intents.ts'
import type { FileId, NodeId, Path } from '../../core/ids.ts'
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
	const rows = yield* wait(intents.standing(reader, node, ROWS_MAX))
	return toStanding(rows.length === ROWS_MAX ? rows : rows.filter((row) => !isDone(fs, row)))
}

/**
 * In a transaction that writes intents: rows of what was carried out already go with it. Found after a crash together with
 * the new ones, they would be carried out again, and undo what was built on them. `own` are those of other portions of this
 * run that are being carried out; they need not be read.
 */
export function* standingForChange(
	fs: Filesystem,
	tx: Transaction,
	{ node, own }: { node: NodeId; own: ReadonlyMap<number, Standing> },
): Op<Standing> {
	// As they are now: what ends meanwhile may have been left standing.
	const known = [...own]
	const others = yield* othersStanding(fs, tx, { node, own: known.map(([token]) => token) })
	const all = [others, ...known.map(([, standing]) => standing)]
	return { isInTheWay: (path) => all.some((each) => each.isInTheWay(path)), madeBy: others.madeBy }
}

/** The same without one's own, which go by these tokens. */
export function* othersStanding(
	fs: Filesystem,
	tx: Transaction,
	{ node, own }: { node: NodeId; own: readonly number[] },
): Op<Standing> {
	const rows = yield* wait(othersIntents(tx, { node, client: fs.client, tokens: own, limit: ROWS_MAX }))
	const left = rows.filter((row) => !isDone(fs, row))
	if (left.length < rows.length) for (const row of rows) if (!left.includes(row)) intents.remove(tx, row)
	return toStanding(rows.length === ROWS_MAX ? rows : left)
}

/** Those of one's own. */
export function standingOf(list: readonly Intent[]): Standing {
	const { add, isInTheWay } = gather()
	for (const { op, path, toPath } of list) add(op, path, toPath)
	return { isInTheWay, madeBy: () => [] }
}

function toStanding(rows: readonly IntentRow[]): Standing {
	if (rows.length === 0) return NOTHING
	const { add, isInTheWay } = gather()
	for (const { op, path, to_path } of rows) add(op, path, to_path)
	const isFull = rows.length >= ROWS_MAX
	return {
		isInTheWay: (path) => isFull || isInTheWay(path),
		madeBy: (token, file) => rows.filter((row) => row.token === token && row.file_id === file).map(toIntent),
	}
}

function gather(): { add(op: IntentOp, path: Uint8Array, to: Uint8Array | null): void; isInTheWay(path: Path): boolean } {
	const on = new Set<string>()
	const above = new Set<string>()

	function addPath(path: string): void {
		on.add(path)
		for (let end = path.lastIndexOf(SLASH); ; end = path.lastIndexOf(SLASH, end - 1)) {
			const up = path.slice(0, Math.max(0, end))
			// What is above that was put in with it.
			if (above.has(up)) return
			above.add(up)
			if (end <= 0) return
		}
	}

	function isBelow(path: string): boolean {
		for (let end = path.lastIndexOf(SLASH); end > 0; end = path.lastIndexOf(SLASH, end - 1))
			if (on.has(path.slice(0, end))) return true
		return path !== '' && on.has('')
	}

	return {
		add(op, path, to) {
			addPath(text(path))
			if (op !== 'symlink' && to !== null) addPath(text(to))
		},
		isInTheWay(path) {
			const name = text(path)
			return on.has(name) || above.has(name) || isBelow(name)
		},
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
