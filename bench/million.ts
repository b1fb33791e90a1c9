/**
 * Fills a catalogue with files that exist nowhere else, by SQL alone: what listings and the daemon's memory cost at a
 * million files can be measured without making them.
 *
 *   node bench/million.ts CATALOGUE [DIRECTORIES [FILES]]     (1000 directories of 1000 files)
 */
import { DatabaseSync } from 'node:sqlite'
import { createConnection } from 'mysql2/promise'

export interface Filling {
	/** The directory below which they come: the root if not given. */
	readonly parent?: number
	/** 0: the files come into `parent` itself. */
	readonly directories: number
	/** Per directory. */
	readonly files: number
}

/** Far above what a catalogue hands out itself. */
const FIRST_ID = 2 ** 40
const ROOT_ID = 1
const FILE_BYTES = 1024
const BUSY_MS = 30_000

const REGULAR = 8
const DIRECTORY = 4
const GOOD = 1

interface Database {
	/** An expression that makes bytes of a text. */
	bytes(text: string): string
	execute(sql: string): Promise<unknown>
	numbers(sql: string): Promise<number[]>
	close(): Promise<void>
}

export async function fillCatalogue(catalogue: string, { parent = ROOT_ID, directories, files }: Filling): Promise<void> {
	const database = catalogue.startsWith('mysql:') ? await openMysql(catalogue) : openSqlite(catalogue)
	try {
		const nodes = await database.numbers('SELECT id FROM node ORDER BY id')
		if (nodes.length === 0) throw new Error('the catalogue has no nodes')
		const first = Math.max(FIRST_ID, ...(await database.numbers('SELECT max(id) + 1 FROM file')))
		await database.execute('BEGIN')
		await insertDirectories(database, { first, parent, count: directories })
		const folders = directories === 0 ? { first: parent, count: 1 } : { first, count: directories }
		await insertFiles(database, { first: first + directories, folders, files, nodes })
		await database.execute('COMMIT')
	} finally {
		await database.close()
	}
}

async function insertDirectories(
	database: Database,
	{ first, parent, count }: { first: number; parent: number; count: number },
): Promise<void> {
	if (count === 0) return
	await database.execute(fileRows({ count, id: `${first} + i`, kind: DIRECTORY, mode: 0o755, nlink: 2, size: 0, version: 0 }))
	await database.execute(entryRows({ count, parent: `${parent}`, name: database.bytes("concat('d', i)"), id: `${first} + i` }))
	await database.execute(`UPDATE file SET nlink = nlink + ${count} WHERE id = ${parent}`)
}

async function insertFiles(
	database: Database,
	{ first, folders, files, nodes }: { first: number; folders: { first: number; count: number }; files: number; nodes: number[] },
): Promise<void> {
	const count = folders.count * files
	const id = `${first} + i`
	await database.execute(fileRows({ count, id, kind: REGULAR, mode: 0o644, nlink: 1, size: FILE_BYTES, version: 1 }))
	// (i - i % n) / n is exact in both dialects, whatever each takes a division of integers for.
	const folder = `${folders.first} + (i - i % ${files}) / ${files}`
	await database.execute(entryRows({ count, parent: folder, name: database.bytes(`concat('f', i % ${files})`), id }))
	const node = `CASE i % ${nodes.length} ${nodes.map((nodeId, index) => `WHEN ${index} THEN ${nodeId}`).join(' ')} END`
	await database.execute(`INSERT INTO replica (file_id, node_id, version, state) ${counting(count)} SELECT ${id}, ${node}, 1, ${GOOD} FROM n`)
}

interface FileRows {
	count: number
	id: string
	kind: number
	mode: number
	nlink: number
	size: number
	version: number
}

function fileRows({ count, id, kind, mode, nlink, size, version }: FileRows): string {
	const now = Math.floor(Date.now() / 1000)
	const columns = 'id, kind, mode, uid, gid, nlink, size, blocks, atime, atime_ns, mtime, mtime_ns, ctime, ctime_ns, version'
	const values = [id, kind, mode, 0, 0, nlink, size, size / 512, now, 0, now, 0, now, 0, version]
	return `INSERT INTO file (${columns}) ${counting(count)} SELECT ${values.join(', ')} FROM n`
}

function entryRows({ count, parent, name, id }: { count: number; parent: string; name: string; id: string }): string {
	return `INSERT INTO entry (parent_id, name, file_id) ${counting(count)} SELECT ${parent}, ${name}, ${id} FROM n`
}

function counting(count: number): string {
	return `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${count - 1})`
}

function openSqlite(path: string): Database {
	const database = new DatabaseSync(path.replace(/^sqlite:/, ''), { timeout: BUSY_MS })
	return {
		bytes: (text) => `CAST(${text} AS BLOB)`,
		execute: async (sql) => database.exec(sql),
		numbers: async (sql) => database.prepare(sql).all().map((row) => Number(Object.values(row)[0])),
		close: async () => database.close(),
	}
}

async function openMysql(url: string): Promise<Database> {
	const connection = await createConnection(url)
	// MariaDB counts to a thousand and MySQL as well, each under its own name for the limit.
	const [[{ version }]] = (await connection.query('SELECT version() AS version')) as unknown as [{ version: string }[]]
	const limit = version.includes('MariaDB') ? 'max_recursive_iterations' : 'cte_max_recursion_depth'
	await connection.query(`SET SESSION ${limit} = 100000000`)
	return {
		bytes: (text) => text,
		execute: (sql) => connection.query(sql),
		numbers: async (sql) => {
			const [found] = (await connection.query({ sql, rowsAsArray: true })) as unknown as [unknown[][]]
			return found.map(([value]) => Number(value))
		},
		close: () => connection.end(),
	}
}

if (import.meta.main) {
	const [catalogue, directories = '1000', files = '1000'] = process.argv.slice(2)
	if (!catalogue) throw new Error('usage: node bench/million.ts CATALOGUE [DIRECTORIES [FILES]]')
	await fillCatalogue(catalogue, { directories: Number(directories), files: Number(files) })
}
