/**
 * What a dump says is still to be done on nodes. It may have been done long ago, and something else may stand at those
 * paths now. But where it was not done, forgetting it would bring back what was deleted or renamed. So nothing is removed
 * or replaced: what was to be unlinked is set aside on its node and listed among the conflicts, a rename gives way to
 * whatever has the name already, and a directory that was to be removed stays.
 *
 * Paths below `.cairn` are never used twice: what is there is what was meant.
 */
import { randomUUID } from 'node:crypto'
import type { Driver, Value } from '../driver.ts'
import type { IntentOp } from '../intents.ts'
import * as conflicts from '../conflicts.ts'
import { insertRows } from './fill.ts'
import type { Chunk } from './read.ts'

const OWN = Buffer.from('.cairn/')
const SLASH = 0x2f
const NAME_BYTES_MAX = 200

interface Row {
	node_id: number
	op: IntentOp
	path: Buffer
	to_path: Buffer | null
	client_id: number | null
	file_id: number
}

export async function loadIntents(driver: Driver, { columns, rows }: Chunk): Promise<void> {
	const loaded = rows.map((values) => made(values, columns)).filter((row) => row.op !== 'rmdir')
	for (const row of loaded) {
		// Left for whoever settles the node: its maker is not there any more.
		row.client_id = null
		if (isOwn(row.path)) continue
		if (row.op === 'unlink') await setAside(driver, row)
		else if (row.op === 'rename') row.op = 'move'
	}
	const values = loaded.map((row) => columns.map((column) => row[column as keyof Row] as Value))
	await insertRows(driver, 'intent', columns, values)
}

function made(values: Value[], columns: readonly string[]): Row {
	return Object.fromEntries(columns.map((column, i) => [column, values[i]])) as unknown as Row
}

function isOwn(path: Buffer): boolean {
	return path.subarray(0, OWN.length).equals(OWN)
}

async function setAside(driver: Driver, row: Row): Promise<void> {
	const name = row.path.subarray(row.path.lastIndexOf(SLASH) + 1).subarray(0, NAME_BYTES_MAX)
	row.op = 'move'
	row.to_path = Buffer.concat([Buffer.from(`.cairn/conflicts/${randomUUID()}-`), name])
	const { node_id: nodeId, path, to_path: aside } = row
	await driver.transaction(function* (tx) {
		conflicts.insert(tx, { nodeId, path, aside, fileId: 0, reason: 'stray', size: 0, mtime: 0 }, driver.capabilities)
	})
}
