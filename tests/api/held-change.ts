/** Somebody else's transaction, past the door: begun, and committed when the test says so. */
import { DatabaseSync } from 'node:sqlite'
import { createConnection } from 'mysql2/promise'
import type { Value } from '../../core/catalogue/driver.ts'
import type { TestDoor } from './door.ts'

type Statement = readonly [sql: string, params: readonly Value[]]

/** Others wait for it, or see what was there before it. The function commits it. */
export async function holdChange({ config: { catalogue }, driver }: TestDoor, statements: readonly Statement[]): Promise<() => Promise<void>> {
	if (driver.capabilities.synchronous) return holdSqlite(catalogue.replace(/^sqlite:/, ''), statements)
	const { pathname, searchParams, username } = new URL(catalogue)
	const connection = await createConnection({ user: username, socketPath: searchParams.get('socketPath') ?? '', database: pathname.slice(1) })
	await connection.beginTransaction()
	for (const [sql, params] of statements) await connection.query(sql, [...params])
	return async () => {
		await connection.commit()
		await connection.end()
	}
}

function holdSqlite(file: string, statements: readonly Statement[]): () => Promise<void> {
	const db = new DatabaseSync(file)
	db.exec('BEGIN IMMEDIATE')
	for (const [sql, params] of statements) db.prepare(sql).run(...params)
	return async () => {
		db.exec('COMMIT')
		db.close()
	}
}
