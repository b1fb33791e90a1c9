/**
 * The catalogue's rows as a checker wants them: read with the databases' own clients and with queries of its own, so that
 * a mistake in core/catalogue cannot hide itself.
 */
import { DatabaseSync } from 'node:sqlite'
import { createConnection } from 'mysql2/promise'

export interface Rows {
	files: { id: number; kind: number; mode: number; nlink: number; size: number; version: number }[]
	entries: { parent: number; name: Buffer; file: number }[]
	replicas: { file: number; node: number; version: number; state: number }[]
	nodes: { id: number; name: string; path: string; state: string }[]
	intents: { node: number; op: string; path: Buffer }[]
	writers: { file: number; client: number; node: number }[]
}

const QUERIES: Record<keyof Rows, string> = {
	files: 'SELECT id, kind, mode, nlink, size, version FROM file',
	entries: 'SELECT parent_id AS parent, name, file_id AS file FROM entry',
	replicas: 'SELECT file_id AS file, node_id AS node, version, state FROM replica',
	nodes: 'SELECT id, name, path, state FROM node ORDER BY id',
	intents: 'SELECT node_id AS node, op, path FROM intent ORDER BY id',
	writers: 'SELECT file_id AS file, client_id AS client, node_id AS node FROM writer',
}

/** `catalogue`: the path of an SQLite file, or a mysql:// URL. */
export async function readCatalogue(catalogue: string): Promise<Rows> {
	return catalogue.startsWith('mysql:') ? readMysql(catalogue) : readSqlite(catalogue)
}

function readSqlite(path: string): Rows {
	const database = new DatabaseSync(path, { readOnly: true })
	try {
		return collect((sql) => database.prepare(sql).all().map(withBuffers))
	} finally {
		database.close()
	}
}

async function readMysql(url: string): Promise<Rows> {
	const { username, pathname, searchParams } = new URL(url)
	const connection = await createConnection({
		user: username,
		database: pathname.slice(1),
		socketPath: searchParams.get('socketPath') ?? undefined,
	})
	try {
		const answers = new Map<string, unknown[]>()
		for (const sql of Object.values(QUERIES)) answers.set(sql, (await connection.query(sql))[0] as unknown[])
		return collect((sql) => answers.get(sql) ?? [])
	} finally {
		await connection.end()
	}
}

function collect(ask: (sql: string) => unknown[]): Rows {
	return Object.fromEntries(Object.entries(QUERIES).map(([table, sql]) => [table, ask(sql)])) as unknown as Rows
}

/** SQLite gives BLOBs as Uint8Array. */
function withBuffers(row: Record<string, unknown>): Record<string, unknown> {
	const fields = Object.entries(row).map(([name, value]) => [name, value instanceof Uint8Array ? Buffer.from(value) : value])
	return Object.fromEntries(fields)
}
