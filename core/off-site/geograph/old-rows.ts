/** The old database: its rows as they are, a page at a time, so that nothing has to be held and reading can go on anywhere. */
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise'
import { UserError } from '../../errors.ts'
import { EXIT } from '../../exit-codes.ts'

export interface OldFile {
	file_id: number
	/** As bytes: what the column says they mean does not matter, on the nodes they are bytes. */
	filename: Buffer
	size: number
	/** Seconds since 1970. */
	modified: number | null
	/** Hex; '' when it was never known. */
	md5sum: string
	/** Names of nodes and of agents, with commas. */
	replicas: string
	replica_count: number
	backups: string
	class: string
}

export interface OldRemote {
	identity: string
	secret: string
	active: number
}

export interface OldDatabase {
	/** Of the server and the database, without the password. */
	readonly name: string
	files(after: number, limit: number): Promise<OldFile[]>
	folders(after: number, limit: number): Promise<Array<{ folder_id: number; folder: Buffer }>>
	remotes(): Promise<OldRemote[]>
	count(): Promise<number>
	close(): Promise<void>
}

const FILES = `SELECT file_id, CAST(filename AS BINARY) AS filename, size, UNIX_TIMESTAMP(file_modified) AS modified, COALESCE(md5sum, '') AS md5sum,
	COALESCE(CAST(replicas AS CHAR), '') AS replicas, replica_count, COALESCE(CAST(backups AS CHAR), '') AS backups, COALESCE(class, '') AS class
	FROM file WHERE file_id > ? ORDER BY file_id LIMIT ?`

export async function openOld(address: string): Promise<OldDatabase> {
	const connection = await connect(address)
	const rows = async <T>(sql: string, values: number[] = []) =>
		(await connection.query<RowDataPacket[]>(sql, values).catch((error: Error) => {
			throw new UserError(`the old database: ${error.message}`, EXIT.unreachable)
		}))[0] as T[]
	return {
		name: address.replace(/:[^:@/]*@/, '@'),
		files: (after, limit) => rows<OldFile>(FILES, [after, limit]),
		folders: (after, limit) => rows('SELECT folder_id, CAST(folder AS BINARY) AS folder FROM folder WHERE folder_id > ? ORDER BY folder_id LIMIT ?', [after, limit]),
		remotes: () => rows('SELECT identity, secret, active FROM remote ORDER BY identity'),
		count: async () => (await rows<{ many: number }>('SELECT COUNT(*) AS many FROM file'))[0].many,
		close: () => connection.end(),
	}
}

async function connect(address: string): Promise<Connection> {
	let url: URL
	try {
		url = new URL(address)
	} catch {
		throw new UserError("--from: not an address such as 'mysql://user@host/database'", EXIT.usage)
	}
	if (!['mysql:', 'mariadb:'].includes(url.protocol)) throw new UserError("--from: allowed: mysql://user@host/database", EXIT.usage)
	try {
		return await createConnection({
			host: url.hostname.replace(/^\[|\]$/g, '') || undefined,
			port: url.port === '' ? undefined : Number(url.port),
			user: decodeURIComponent(url.username),
			password: decodeURIComponent(url.password) || process.env.CAIRN_IMPORT_PASSWORD,
			database: url.pathname.slice(1),
			socketPath: url.searchParams.get('socketPath') ?? undefined,
			charset: 'utf8mb4',
			dateStrings: true,
			decimalNumbers: true,
		})
	} catch (error) {
		throw new UserError(`the old database cannot be reached: ${(error as Error).message}`, EXIT.unreachable)
	}
}
