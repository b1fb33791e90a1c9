/**
 * Filling a catalogue from elsewhere: from a dump, or from what the nodes know. It takes many transactions; until the last
 * one the catalogue has a schema number no program accepts, so that nobody works with half a tree, however this ended.
 */
import { wait } from '../../op.ts'
import type { Driver, Reader, Value } from '../driver.ts'
import * as notices from '../backup-notices.ts'
import * as touched from '../stat-touched.ts'
import { FILLING, migrateToFill } from '../migrate.ts'
import * as settings from '../settings.ts'
import { LEFT_OUT, TABLES } from './tables.ts'

/** The keeper is none of the clients. */
const KEEPER = 0
const ROWS_PER_STATEMENT = 100
/** Of values, in one statement and so in one packet. */
const STATEMENT_BYTES_MAX = 512 * 1024
const STATEMENTS_PER_TRANSACTION = 8
const EPOCH = 'epoch'
/** Rows that are there as long as the catalogue is. */
const KEPT: readonly string[] = ['migration', 'commit_token', 'moves']
/**
 * What was given out after a dump or a manifest was written is not known, and may still be in a kernel's memory or in a
 * name on a node: ids go on this much higher. 64-bit ids have room for a few million of these.
 */
const IDS_SKIPPED = 1_000_000_000
const CLIENT_IDS_SKIPPED = 10_000

/** Of the catalogue as it stands; grows whenever one is put in the place of another. */
export async function epochOf(reader: Pick<Reader, 'all'>): Promise<number> {
	const [row] = await reader.all<{ value: string }>(...settings.findQuery(EPOCH))
	return row ? Number(row.value) : 0
}

/** Empties the catalogue, whatever is in it, and marks it as one that is being filled. */
export async function beginFilling(driver: Driver): Promise<void> {
	await migrateToFill(driver)
	const emptied = [...TABLES.map(({ name }) => name), ...LEFT_OUT].filter((name) => !KEPT.includes(name))
	for (const name of emptied) await driver.script(`DELETE FROM \`${name}\``)
}

/** Rows in the order of `columns`. */
export async function insertRows(driver: Driver, table: string, columns: readonly string[], rows: readonly Value[][]): Promise<void> {
	const statements = statementsFor(rows)
	for (let at = 0; at < statements.length; at += STATEMENTS_PER_TRANSACTION) {
		await driver.transaction(function* (tx) {
			for (const many of statements.slice(at, at + STATEMENTS_PER_TRANSACTION)) tx.write(insertion(table, columns, many.length), many.flat())
		})
	}
}

/** Full ones and single rows: drivers keep every text they have seen. */
function statementsFor(rows: readonly Value[][]): Value[][][] {
	const statements: Value[][][] = []
	for (let at = 0; at < rows.length; ) {
		const next = rows.slice(at, at + ROWS_PER_STATEMENT)
		const whole = next.length === ROWS_PER_STATEMENT && next.flat().reduce<number>((sum, value) => sum + bytesOf(value), 0) <= STATEMENT_BYTES_MAX
		const many = whole ? ROWS_PER_STATEMENT : 1
		statements.push(rows.slice(at, at + many))
		at += many
	}
	return statements
}

function bytesOf(value: Value): number {
	return typeof value === 'string' || value instanceof Uint8Array ? value.length : 0
}

function insertion(table: string, columns: readonly string[], rows: number): string {
	const row = `(${columns.map(() => '?').join(',')})`
	return `INSERT INTO ${table} (${columns.join(', ')}) VALUES ${Array(rows).fill(row).join(',')}`
}

export interface Past {
	/** Of what it was filled from. */
	epoch: number
	seq: number
}

/** Numbers go on above everything that was ever given out: all is there, and nobody let in yet. */
export async function endFilling(driver: Driver, past: Past): Promise<void> {
	const { capabilities } = driver
	const [{ last }] = await driver.all<{ last: number | null }>('SELECT MAX(id) AS last FROM file')
	await driver.transaction(function* (tx) {
		const [stored, clients, clock] = yield* wait(tx.read(settings.findQuery('next_file_id'), settings.findQuery('next_client_id'), [`SELECT ${capabilities.now} AS seconds`, []]))
		const nextId = Math.max(Number(stored[0]?.value ?? 0), (last ?? 0) + 1)
		settings.set(tx, 'next_file_id', String(nextId + IDS_SKIPPED), capabilities)
		settings.set(tx, 'next_client_id', String(Number(clients[0]?.value ?? 0) + CLIENT_IDS_SKIPPED), capabilities)
		// By whoever counts, a part at a time: all files at once may be more than a transaction has time for.
		settings.set(tx, touched.ANEW, '1', capabilities)
		notices.goOnFrom(tx, clock[0].seconds * 1_000, capabilities)
		// Of two that come from one dump the later one counts.
		settings.set(tx, EPOCH, String(Math.max(past.epoch + 1, clock[0].seconds)), capabilities)
		tx.write(`INSERT INTO \`change\` (seq, at, client_id, op) VALUES (?, ${capabilities.now}, ?, 'node')`, [past.seq + 1, KEEPER])
	})
}

/** From now on anybody may work with it. */
export async function endMarked(driver: Driver): Promise<void> {
	await driver.change('DELETE FROM migration WHERE version = ?', [FILLING])
	await driver.sync()
}
