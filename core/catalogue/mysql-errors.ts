/** What an error of the server or of the way to it means for the transaction it ended. */
import { CatalogueError, Errno } from '../errors.ts'

/**
 * - `again`: surely not committed, and another try may succeed
 * - `lost`: the connection is gone or unusable; if COMMIT was on its way nobody knows what became of it
 * - `final`: another try would end the same way
 */
export type Outcome = 'again' | 'lost' | 'final'

/** Numbers are those of mariadb.com/kb/en/mariadb-error-codes. */
const AGAIN: ReadonlySet<number> = new Set([
	1020, // the record changed since it was read (snapshot isolation, MariaDB 11)
	1205, // lock wait
	1213, // deadlock, or a Galera node's transaction that did not pass certification
])
const LOST: ReadonlySet<number> = new Set([
	1040, // too many connections
	1045, // the password was changed, and our file of it is about to be: a wrong one is told when the catalogue is opened
	1047, // a Galera node that is not ready
	1053, // server shutdown in progress
	1077, // normal shutdown
	1152, // aborted connection
	1158, // reading, and timed out reading, a packet
	1159,
	1160, // writing, and timed out writing, a packet
	1161,
	1184, // aborted connection
	1203, // too many connections of this user
	1226, // of this account, by what was granted to it
	1290, // --read-only: the primary is elsewhere now
	1317, // query interrupted
	1792, // read-only transaction
	1836, // read-only mode
	1927, // connection killed
	4031, // closed for inactivity
])
const DUPLICATE: ReadonlySet<number> = new Set([1062, 1586])
const FULL: ReadonlySet<number> = new Set([1021, 1114])
/** A refused name or database does not get better by asking again. */
const REFUSED: ReadonlySet<number> = new Set([1044, 1049, 1129, 1130, 1698])

const NULL_REFUSED = 1048

interface MysqlError extends Error {
	errno?: number
	code?: string
	fatal?: boolean
	sqlState?: string
}

export function outcomeOf(error: unknown): Outcome {
	const { errno = 0, fatal } = (error ?? {}) as MysqlError
	if (AGAIN.has(errno)) return 'again'
	if (LOST.has(errno)) return 'lost'
	if (REFUSED.has(errno)) return 'final'
	return fatal || isNetworkError(error) ? 'lost' : 'final'
}

/** A statement set NULL where there has to be a number. */
export function isRefusal(error: unknown): boolean {
	return (error as MysqlError | null)?.errno === NULL_REFUSED
}

export function translated(error: unknown): unknown {
	if (error instanceof Errno || !isDatabaseError(error)) return error
	return new CatalogueError(codeOf(error), `the catalogue: ${error.message}`)
}

function codeOf({ errno = 0 }: MysqlError): string {
	if (DUPLICATE.has(errno)) return 'EEXIST'
	return FULL.has(errno) ? 'ENOSPC' : 'EIO'
}

function isDatabaseError(error: unknown): error is MysqlError {
	return typeof (error as MysqlError | null)?.sqlState === 'string' || isNetworkError(error)
}

/** Errors of the socket and of mysql2's protocol have a code and, unlike a mistake in the program, a system call or `fatal`. */
function isNetworkError(error: unknown): boolean {
	const { code, fatal, syscall } = (error ?? {}) as MysqlError & { syscall?: string }
	return typeof code === 'string' && (fatal === true || syscall !== undefined || code.startsWith('PROTOCOL_'))
}

/** No answer, or no connection to ask on: whoever may wait longer tries again. */
export function inVain(message: string): CatalogueError {
	return Object.assign(new CatalogueError('EIO', message), { fatal: true })
}
