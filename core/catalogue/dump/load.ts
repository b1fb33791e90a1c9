/**
 * Loading a dump. Nobody can tell how old it is: what the nodes hold may be of later days. So what it says is to be done on
 * nodes is done in a way that costs no bytes (see loaded-intents.ts), and what it says of copies that were to be replaced
 * is taken for a wish only.
 */
import { REPLICA } from '../replicas.ts'
import type { Driver, Value } from '../driver.ts'
import * as settings from '../settings.ts'
import { checkSchemaOf } from '../migrate.ts'
import { beginFilling, endFilling, endMarked, insertRows } from './fill.ts'
import type { Header } from './lines.ts'
import { loadIntents } from './loaded-intents.ts'
import { type Chunk, readDump, verifyDump } from './read.ts'
import { TABLES } from './tables.ts'
import { type Progress, sum } from './write.ts'
import { UserError } from '../../errors.ts'
import { EXIT } from '../../exit-codes.ts'

/** Reads it twice: a dump that is cut or damaged loads nothing. */
export async function loadDump(driver: Driver, path: string, progress: Progress = {}): Promise<Header> {
	const header = await verifyDump(path)
	checkSchemaOf(driver, header.schema, `${path}: the dump`)
	progress.expected?.(sum(header.rows))
	await beginFilling(driver)
	await fillFrom(driver, path, progress)
	await checkCounts(driver, path, header)
	await endFilling(driver, header)
	await endMarked(driver)
	return header
}

/** The rows alone, into a catalogue that is being filled. */
export async function fillFrom(driver: Driver, path: string, progress: Progress = {}): Promise<void> {
	const late: Chunk[] = []
	for await (const item of readDump(path)) {
		if ('header' in item) continue
		checkTable(path, item)
		if (item.table === 'writer' || item.table === 'intent') late.push(item)
		else await insertRows(driver, item.table, item.columns, adapted(item))
		progress.done?.(item.rows.length)
	}
	for (const chunk of late) {
		if (chunk.table === 'writer') await loadWriters(driver, chunk)
		else await loadIntents(driver, chunk)
	}
}

/** Of an older schema: columns it did not have take their defaults. */
function checkTable(path: string, { table, columns }: Chunk): void {
	const known = TABLES.find(({ name }) => name === table)
	const strange = known ? columns.find((column) => !known.columns.includes(column)) : ''
	if (strange === undefined) return
	throw new UserError(`${path}: this program does not know ${strange ? `column ${strange} of ` : ''}table ${table}`, EXIT.dump)
}

function adapted({ table, columns, rows }: Chunk): Value[][] {
	return table === 'replica' ? rows.map((row) => withoutPast(row, columns)) : rows
}

/** What stands on the node where a copy is to be made or replaced may be newer than all of this: version 0 is nothing known. */
function withoutPast(row: Value[], columns: readonly string[]): Value[] {
	const state = row[columns.indexOf('state')]
	return state === REPLICA.good ? row : row.map((value, i) => (columns[i] === 'version' ? 0 : value))
}

/**
 * Files that were open for writing: as if their writers had ended without a word, which they have. Whoever settles them
 * takes what is really on the node for their content.
 */
async function loadWriters(driver: Driver, { columns, rows }: Chunk): Promise<void> {
	if (rows.length === 0) return
	const client = await endedClient(driver)
	await insertRows(driver, 'writer', columns, onePerFile(rows, columns).map((row) => row.map((value, i) => (columns[i] === 'client_id' ? client : value))))
}

function onePerFile(rows: Value[][], columns: readonly string[]): Value[][] {
	const at = columns.indexOf('file_id')
	return [...new Map(rows.map((row) => [row[at], row])).values()]
}

/** No machine is called that, and its heartbeat was long ago. */
async function endedClient(driver: Driver): Promise<number> {
	const stored = await driver.get<{ value: string }>("SELECT value FROM setting WHERE name = 'next_client_id'")
	const id = Number(stored?.value ?? 0) + 1
	await driver.transaction(function* (tx) {
		settings.set(tx, 'next_client_id', String(id + 1), driver.capabilities)
		tx.write("INSERT INTO client (id, host, pid, started, what, joined, heartbeat) VALUES (?, '', 0, '', 'writers in a dump', 0, 0)", [id])
	})
	return id
}

async function checkCounts(driver: Driver, path: string, { rows }: Header): Promise<void> {
	await driver.snapshot(async (reader) => {
		for (const name of ['node', 'class', 'file', 'entry', 'replica', 'xattr']) {
			const [{ many }] = await reader.all<{ many: number }>(`SELECT COUNT(*) AS many FROM ${name}`)
			if (many !== rows[name]) throw new UserError(`${path}: ${many} rows of ${name} were loaded where ${rows[name]} should be`, EXIT.dump)
		}
	})
}
