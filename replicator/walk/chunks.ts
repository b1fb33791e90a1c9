/** A directory of the node beside the same directory in the catalogue, a part at a time, both in the order of their names. */
import type { ChangeRow } from '../../core/catalogue/changes.ts'
import type { IntentRow } from '../../core/catalogue/intents.ts'
import * as intents from '../../core/catalogue/intents.ts'
import type { WalkedRow } from '../../core/catalogue/walks.ts'
import * as walks from '../../core/catalogue/walks.ts'
import { isDone } from '../../core/filesystem/intents.ts'
import type { FileId } from '../../core/ids.ts'
import type { DirectoryEntry } from '../../core/nodes/node.ts'
import { isPromise, run as drive } from '../../core/op.ts'
import type { Walking } from './walking.ts'

/** Names of one part. */
const PART_NAMES = 500
/** A node with more intents to carry out is walked when it has fewer. */
export const STANDING_ROWS_MAX = 1_000

/** A name and what is known of it on either side. */
export interface Pair {
	row: WalkedRow | undefined
	entry: DirectoryEntry | undefined
}

export interface Part {
	pairs: Pair[]
	/** What the node has yet to carry out. */
	standing: IntentRow[]
	/** Nothing comes after it. */
	isLast: boolean
}

/** What follows the name `after`, and the entries from `from` on, which are sorted and follow it too. */
export async function readPart(walking: Walking, directory: FileId, { entries, from, after }: Position): Promise<{ part: Part; next: Position }> {
	const { fs, node, watchman } = walking
	const queries = [watchman.query(), walks.pageQuery(node.id, directory, after, PART_NAMES), intents.standingQuery(node.id, STANDING_ROWS_MAX)]
	const answers = fs.catalogue.read(...queries)
	const [changes, rows, standing] = (isPromise(answers) ? await answers : answers) as [ChangeRow[], WalkedRow[], IntentRow[]]
	const taken = drive(watchman.take(changes, fs.catalogue))
	if (isPromise(taken)) await taken
	const page = entries.slice(from, from + PART_NAMES)
	const { pairs, used } = pair(rows, page, { rowsEnd: rows.length < PART_NAMES, entriesEnd: from + page.length >= entries.length })
	const last = pairs[pairs.length - 1]
	const part = {
		pairs,
		standing: yetToDo(fs, standing),
		isLast: from + used.entries >= entries.length && used.rows === rows.length && rows.length < PART_NAMES,
	}
	return { part, next: { entries, from: from + used.entries, after: last ? nameOf(last) : after } }
}

/** Without what this process has done already, whose rows are about to go. Where so many stand that there may be more, all of them, for whoever counts. */
export function yetToDo(fs: Walking['fs'], standing: IntentRow[]): IntentRow[] {
	const isWhole = standing.length > 0 && standing.length < STANDING_ROWS_MAX
	return isWhole ? standing.filter((row) => !isDone(fs, row)) : standing
}

export interface Position {
	entries: readonly DirectoryEntry[]
	from: number
	after: Uint8Array
}

export function begin(entries: readonly DirectoryEntry[]): Position {
	return { entries, from: 0, after: NOTHING }
}

const NOTHING = Buffer.alloc(0)

export function nameOf({ row, entry }: Pair): Buffer {
	if (entry) return entry.name
	const { buffer, byteOffset, byteLength } = (row as WalkedRow).name
	return Buffer.from(buffer, byteOffset, byteLength)
}

/** Up to where both sides are known: what follows the last row of a full page may have a row too. */
function pair(rows: readonly WalkedRow[], entries: readonly DirectoryEntry[], { rowsEnd, entriesEnd }: { rowsEnd: boolean; entriesEnd: boolean }) {
	const pairs: Pair[] = []
	const used = { rows: 0, entries: 0 }
	for (;;) {
		const row = rows[used.rows]
		const entry = entries[used.entries]
		if ((!row && !entry) || (!row && !rowsEnd) || (!entry && !entriesEnd)) return { pairs, used }
		const order = !row ? 1 : !entry ? -1 : Buffer.compare(row.name, entry.name)
		if (order <= 0) used.rows++
		if (order >= 0) used.entries++
		pairs.push({ row: order <= 0 ? row : undefined, entry: order >= 0 ? entry : undefined })
	}
}
