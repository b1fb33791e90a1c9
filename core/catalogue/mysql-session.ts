/** One connection: packets of statements sent, their results received, within a deadline. */
import type { Socket } from 'node:net'
import { type Connection, type ConnectionOptions, createConnection } from 'mysql2'
import { awakeMs, whenAwakeUntil } from '../awake.ts'
import type { Row } from './driver.ts'
import { inVain } from './mysql-errors.ts'

export type SessionOptions = Pick<
	ConnectionOptions,
	'host' | 'port' | 'user' | 'password' | 'database' | 'socketPath' | 'ssl' | 'disableEval'
>

/** Of each statement: its rows, or what it did. */
export type Result = Row[] & { affectedRows?: number }

export interface Session {
	/** Sends the statements in one packet. They end at the first that fails; the others are then not carried out. */
	send(statements: readonly string[], untilMs: number): Promise<Result[]>
	/** False once the connection is gone. */
	readonly alive: boolean
	/** The row of `commit_token` that tells whether this connection's last transaction was committed. */
	token: Token
	/** Ends it in order; what the server says to that keeps nobody. */
	end(): Promise<void>
	destroy(): void
}

export interface Token {
	readonly id: number
	/** What the row says after the last transaction; 0: it is yet to be made. */
	count: number
	readonly madeMs: number
}

/**
 * READ COMMITTED: what a transaction decides upon it has locked, and a locking read is of the latest commit either way; so a
 * snapshot would only add gap locks (deadlocks between creates in one directory) and would show a long reader of the change
 * journal an old end of it.
 */
function sessionStatements(timeoutMs: number): string {
	return [
		'SET NAMES utf8mb4 COLLATE utf8mb4_bin',
		"SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_UNSIGNED_SUBTRACTION', autocommit = 1",
		`SET SESSION sql_select_limit = ${ROWS_MAX}, sql_safe_updates = 0 /*M!100300 , SESSION max_recursive_iterations = ${DEPTH_MAX} */ /*!80003 , SESSION cte_max_recursion_depth = ${DEPTH_MAX} */`,
		`SET SESSION group_concat_max_len = ${JOINED_BYTES_MAX}`,
		`SET SESSION innodb_lock_wait_timeout = ${secondsOf(timeoutMs)} ${idleSeconds(secondsOf(timeoutMs / 2))}`,
		'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
	].join(';')
}

function secondsOf(ms: number): number {
	return Math.max(1, Math.floor(ms / 1000))
}

/**
 * Further words of a SET. A process that is stopped, or whose machine sleeps, in the middle of a transaction would keep what it has locked for hours: after so long
 * without a word MariaDB takes it back and ends the connection. MySQL has nothing like it, and takes this for a comment.
 */
export function idleSeconds(seconds: number): string {
	return `/*M!100300 , SESSION idle_transaction_timeout = ${seconds} */`
}

/** Firewalls and load balancers forget, and say nothing, of a connection on which nothing has passed for some minutes. */
const IDLE_MS_MAX = 60_000
/** Of directories in each other: MariaDB ends the question for the way up after 1000 rounds otherwise, and says nothing. */
const DEPTH_MAX = 1_000_000
/** A server may have a limit for those who give none. */
const ROWS_MAX = '18446744073709551615'
/** What is longer is cut off. */
const JOINED_BYTES_MAX = 8 * 1024 * 1024
const ID_MAX = 2 ** 48

export async function openSession(options: SessionOptions, untilMs: number, timeoutMs: number): Promise<Session> {
	const connection = createConnection({
		...options,
		charset: 'utf8mb4_bin',
		multipleStatements: true,
		decimalNumbers: true, // SUM() is DECIMAL
		keepAliveInitialDelay: IDLE_MS_MAX,
		connectTimeout: Math.max(1, untilMs - awakeMs()),
	})
	let alive = true
	const dead = () => {
		alive = false
	}
	// Without a listener mysql2 would throw what befalls an idle connection; whoever uses it next learns it from `alive` or from send().
	connection.on('error', dead)
	connection.on('end', dead)

	const session: Session = {
		get alive() {
			return alive
		},
		token: freshToken(),
		send(statements, until) {
			return withDeadline(connection, statements, until, dead)
		},
		async end() {
			dead()
			await new Promise((resolve) => connection.end(resolve))
			streamOf(connection).unref()
		},
		destroy() {
			dead()
			cut(connection)
		},
	}
	try {
		await session.send([sessionStatements(timeoutMs)], untilMs)
		return session
	} catch (error) {
		session.destroy()
		throw error
	}
}

/** mysql2 ends only its own half: where the server never answers, the socket would keep the process. */
function cut(connection: Connection): void {
	connection.destroy()
	streamOf(connection).destroy()
}

function streamOf(connection: Connection): Socket {
	return (connection as unknown as { stream: Socket }).stream
}

export function freshToken(): Token {
	return { id: 1 + Math.floor(Math.random() * ID_MAX), count: 0, madeMs: performance.now() }
}

function withDeadline(connection: Connection, statements: readonly string[], untilMs: number, dead: () => void): Promise<Result[]> {
	return new Promise((resolve, reject) => {
		const answered = whenAwakeUntil(untilMs, () => {
			dead()
			cut(connection)
			reject(inVain('the catalogue does not answer'))
		})
		connection.query({ sql: statements.join(';') }, (error, results) => {
			answered()
			if (!error) return resolve(statements.length === 1 ? [results as Result] : (results as unknown as Result[]))
			if (error.fatal) dead()
			reject(error)
		})
	})
}
