/** A database as Geograph GridFS has it, on a real server. */
import { createConnection } from 'mysql2/promise'
import { startMariadb } from '../support/mariadb.ts'

export interface OldRow {
	path: string | Buffer
	size?: number
	md5?: string
	replicas?: string
	replicaCount?: number
	backups?: string
	class?: string
}

const SCHEMA = `
CREATE TABLE folder (folder_id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, folder VARCHAR(255) NOT NULL UNIQUE) CHARSET=latin1;
CREATE TABLE file (
	file_id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, filename VARCHAR(255) NOT NULL UNIQUE, folder_id INT UNSIGNED NOT NULL DEFAULT 0,
	size MEDIUMINT UNSIGNED NOT NULL, file_created DATETIME, file_modified DATETIME, file_accessed DATETIME, md5sum VARCHAR(32) NOT NULL DEFAULT '',
	replicas SET('milk','cream','cake') NOT NULL DEFAULT '', replica_count TINYINT UNSIGNED NOT NULL DEFAULT 0, replica_target TINYINT UNSIGNED NOT NULL DEFAULT 2,
	backups SET('dwo','Amz 1') NOT NULL DEFAULT '', backup_count TINYINT UNSIGNED NOT NULL DEFAULT 0, backup_target TINYINT UNSIGNED NOT NULL DEFAULT 0,
	meta_created DATETIME, meta_updated DATETIME, class VARCHAR(32) NOT NULL DEFAULT ''
) CHARSET=latin1;
CREATE TABLE remote (identity VARCHAR(32) PRIMARY KEY, secret VARCHAR(64) NOT NULL, active TINYINT NOT NULL DEFAULT 1) CHARSET=latin1;
`

let databases = 0

/** Its address. */
export async function oldDatabase(rows: readonly OldRow[], { folders = [] as string[], more = '' } = {}): Promise<string> {
	const server = await startMariadb()
	const address = await server.freshDatabase(`geograph_${++databases}`)
	const url = new URL(address)
	const connection = await createConnection({ socketPath: url.searchParams.get('socketPath') as string, user: url.username, database: url.pathname.slice(1), multipleStatements: true, charset: 'latin1' })
	await connection.query(SCHEMA)
	await connection.query("INSERT INTO remote VALUES ('dwo', 's3cret', 1), ('Amz 1', 'other', 0)")
	for (const { path, size = 10, md5 = '', replicas = 'milk', replicaCount = 1, backups = '', class: name = '' } of rows) {
		await connection.query("INSERT INTO file (filename, size, file_modified, md5sum, replicas, replica_count, backups, class) VALUES (CONVERT(? USING latin1), ?, '2012-03-04 05:06:07', ?, ?, ?, ?, ?)", [
			Buffer.from(path).toString('latin1'), size, md5, replicas, replicaCount, backups, name,
		])
	}
	for (const folder of folders) await connection.query('INSERT INTO folder (folder) VALUES (?)', [folder])
	if (more !== '') await connection.query(more)
	await connection.end()
	return address
}
