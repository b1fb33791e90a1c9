/**
 * MySQL and MariaDB (and Galera), across a socket: what counts is round trips. Changes wait for the next read or for the
 * commit, so a transaction that reads once and then changes ten rows is two: [START TRANSACTION; reads], [changes; COMMIT].
 */
import { setTimeout as pause } from 'node:timers/promises'
import { awakeMs } from '../awake.ts'
import { CatalogueError, Overtaken, Undecided } from '../errors.ts'
import { type Op, run } from '../op.ts'
import type { Capabilities, Driver, Query, Row, Transaction, Value } from './driver.ts'
import { isRefusal, outcomeOf, translated } from './mysql-errors.ts'
import { openPool, type Pool } from './mysql-pool.ts'
import { idleSeconds, openSession, type Result, type Session, type SessionOptions, type Token } from './mysql-session.ts'
import { nextToken, PRUNE_TOKENS, settle, tokenStatement } from './mysql-settle.ts'
import { written } from './mysql-text.ts'

export interface MysqlOptions {
	server: SessionOptions
	/** Asked for each connection: it may be another by then. */
	password(): string
	/** How long an operation is tried before it fails with EIO. */
	timeoutMs: number
	connections: number
}

/** After a deadlock the other side is soon done; after a lost connection the server may be starting. */
const AGAIN_MS_MIN = 2
const LOST_MS_MIN = 25
const BACK_OFF_MS_MAX = 500
/** A migration may rewrite a table of many millions of rows. */
const SCRIPT_MS_MAX = 3_600_000
const EXCLUSIVE_WAIT_SECONDS = 60
/** The connection that has it says nothing meanwhile; a server takes no more everywhere. */
const LOCK_SECONDS_MAX = 2_147_483
/** For the end of a transaction nobody waits for; then its connection is given up. */
const LAST_WORD_MS_MAX = 30_000

/** On a connection of its own, whose isolation ends with it. */
const SNAPSHOT = [
	`SET SESSION autocommit = 1 ${idleSeconds(0)}`,
	'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ',
	'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY',
]
/** One read of a snapshot, which may be of a whole table. */
const SNAPSHOT_READ_MS_MAX = 600_000

const CAPABILITIES: Capabilities = {
	synchronous: false,
	dialect: 'mysql',
	tables: 'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()',
	forUpdate: ' FOR UPDATE',
	forShare: ' LOCK IN SHARE MODE',
	insertIgnore: 'INSERT IGNORE',
	// Of bytes it would do nothing; as this each byte is a letter of its own.
	lower: (bytes) => `LOWER(CONVERT(${bytes} USING latin1)) COLLATE latin1_bin`,
	joined: (condition, values) => `GROUP_CONCAT(CASE WHEN ${condition} THEN CONCAT(${values.join()}) END SEPARATOR '/')`,
	now: 'UNIX_TIMESTAMP()',
	replace(key, columns) {
		const set = columns.map((name) => `${name}=VALUES(${name})`)
		const same = key.split(',', 1)[0].trim()
		return `ON DUPLICATE KEY UPDATE ${set.join(',') || `${same}=${same}`}`
	},
}

export async function openMysql(options: MysqlOptions): Promise<Driver> {
	const connect = async (untilMs: number) => openSession({ ...options.server, password: options.password() }, untilMs, options.timeoutMs)
	const pool = openPool(connect, options.connections)
	// A wrong address or password is told at once, as the server put it.
	pool.give(await pool.take(deadline()))

	function deadline(): number {
		return awakeMs() + options.timeoutMs
	}

	const read = (queries: readonly Query[]) =>
		persistently(deadline(), (untilMs) => withSession(pool, untilMs, (session) => session.send(texts(queries), untilMs)))

	/** The body's result, and how many rows its last change touched. */
	const transact = <T>(body: (tx: Transaction) => Op<T>) =>
		persistently(deadline(), async (untilMs) => attempt({ pool, session: await pool.take(untilMs), timeoutMs: options.timeoutMs }, body, untilMs))

	/** On a connection of its own, which ends when this process does. Undefined where another has the lock for so long. */
	async function sessionWithLock(what: string, waitSeconds: number): Promise<Session | undefined> {
		const untilMs = awakeMs() + waitSeconds * 1000 + options.timeoutMs
		const session = await connect(untilMs)
		try {
			const lock = `SELECT GET_LOCK(CONCAT('cairn ${what}', MD5(DATABASE())), ${waitSeconds}) AS taken`
			const [, [{ taken }]] = await session.send([`SET SESSION wait_timeout = ${LOCK_SECONDS_MAX}`, lock], untilMs)
			if (taken === 1) return session
			await session.end()
			return undefined
		} catch (error) {
			session.destroy()
			throw translated(error)
		}
	}

	const transaction = async <T>(body: (tx: Transaction) => Op<T>) => (await transact(body)).value

	return {
		capabilities: CAPABILITIES,
		all: async <T = Row>(sql: string, params?: readonly Value[]) => (await read([[sql, params ?? []]]))[0] as T[],
		get: async <T = Row>(sql: string, params?: readonly Value[]) => (await read([[sql, params ?? []]]))[0][0] as T | undefined,
		read: (...queries) => read(queries),
		transaction,
		// Each has a connection of its own, and the server has its own way of committing several at once.
		together: transaction,
		async change(sql, params) {
			const done = await transact(function* (tx) {
				tx.write(sql, params)
			})
			return done.touched
		},
		isChangedElsewhere: () => true,
		markSeen() {},
		commits: () => undefined,
		async script(sql) {
			const untilMs = awakeMs() + SCRIPT_MS_MAX
			try {
				await withSession(pool, untilMs, (session) => session.send([sql], untilMs))
			} catch (error) {
				throw translated(error)
			}
		},
		async exclusively(body) {
			const session = await sessionWithLock('', EXCLUSIVE_WAIT_SECONDS)
			if (!session) throw new CatalogueError('EIO', 'another process has been migrating the catalogue for a minute')
			try {
				return await body()
			} finally {
				await session.end() // and the lock with it
			}
		},
		async claim() {
			const session = await sessionWithLock('filling ', 0)
			return session && { release: async () => void (session.alive && (await session.end())) }
		},
		async snapshot(body) {
			const session = await connect(deadline())
			const ask = async (statements: readonly string[]) => {
				try {
					return await session.send(statements, awakeMs() + SNAPSHOT_READ_MS_MAX)
				} catch (error) {
					throw translated(error)
				}
			}
			try {
				await ask(SNAPSHOT)
				return await body({ all: async <T = Row>(sql: string, params?: readonly Value[]) => (await ask([written(sql, params)]))[0] as T[] })
			} finally {
				if (session.alive) await session.end()
			}
		},
		sync: () => {},
		close: () => pool.close(),
	}
}

function texts(queries: readonly Query[]): string[] {
	return queries.map(([sql, params]) => written(sql, params))
}

async function withSession<T>(pool: Pool, untilMs: number, work: (session: Session) => Promise<T>): Promise<T> {
	const session = await pool.take(untilMs)
	try {
		return await work(session)
	} catch (error) {
		if (outcomeOf(error) === 'lost') session.destroy()
		throw error
	} finally {
		pool.give(session)
	}
}

/** Tries again, from the start, what did not happen and may succeed next time. */
async function persistently<T>(untilMs: number, work: (untilMs: number) => Promise<T>): Promise<T> {
	for (let tries = 0; ; tries++) {
		try {
			return await work(untilMs)
		} catch (error) {
			const outcome = outcomeOf(error)
			if (outcome === 'final') throw translated(error)
			const wait = backOff(outcome === 'again' ? AGAIN_MS_MIN : LOST_MS_MIN, tries)
			if (awakeMs() + wait >= untilMs) throw new CatalogueError('EIO', `the catalogue: ${(error as Error).message}`)
			await pause(wait)
		}
	}
}

/** Drawn, so that two that were in each other's way do not meet again. */
function backOff(leastMs: number, tries: number): number {
	return Math.random() * Math.min(leastMs * 2 ** tries, BACK_OFF_MS_MAX)
}

interface Ground {
	pool: Pool
	session: Session
	timeoutMs: number
}

interface Waiting {
	statement: string
	take?: (rows: Row[]) => void
}

async function attempt<T>({ pool, session, timeoutMs }: Ground, body: (tx: Transaction) => Op<T>, untilMs: number) {
	const waiting: Waiting[] = []
	let begun = false
	let wrote = false
	/** By what its last statement touches. */
	let decides = false
	let failure: unknown

	let released = false
	/** Back to the pool, after a last statement whose answer the caller need not wait for. */
	function release(statement?: string): void {
		if (released) return
		released = true
		if (!statement || !session.alive) return pool.give(session)
		session
			.send([statement], awakeMs() + LAST_WORD_MS_MAX)
			.catch(() => session.destroy())
			.finally(() => pool.give(session))
	}

	/** Sends what waits and then these; the results are of these. */
	async function send(statements: readonly string[]): Promise<Result[]> {
		const opening = begun ? [] : ['START TRANSACTION']
		const before = waiting.splice(0)
		begun = true
		try {
			const results = await session.send([...opening, ...before.map(({ statement }) => statement), ...statements], untilMs)
			for (const [index, { take }] of before.entries()) take?.(results[opening.length + index])
			return results.slice(opening.length + before.length)
		} catch (error) {
			// The body may take an EEXIST for an answer, but what stood behind it in the packet was not carried out: no commit.
			failure ??= error
			throw translated(error)
		}
	}

	async function commit(value: T): Promise<number> {
		if (failure) throw failure
		if (!wrote) {
			release(begun ? 'COMMIT' : undefined)
			return 0
		}
		const token = nextToken(session)
		const last = waiting.splice(-1)
		try {
			const results = await send([...last.map(({ statement }) => statement), tokenStatement(token, decides), 'COMMIT'])
			last[0]?.take?.(results[0])
			session.token = token
			release(token.count === 1 ? PRUNE_TOKENS : undefined)
			return last.length > 0 ? (results[0].affectedRows ?? 0) : 0
		} catch {
			if (decides && isRefusal(failure)) throw new Overtaken()
			if (outcomeOf(failure) !== 'lost') throw failure
			// Its place in the pool is free before another is asked for: all connections may have been lost at once.
			session.destroy()
			release()
			const touched = await settled(token, value)
			if (touched === undefined) throw failure
			return touched
		}
	}

	/** Where it cannot be found out in time, the caller gets EIO and nothing is tried again: it may have happened. */
	async function settled(token: Token, value: T): Promise<number | undefined> {
		const ask = (until: number) => withSession(pool, until, (other) => settle(other, token, until))
		try {
			return await persistently(untilMs, ask)
		} catch (error) {
			const outcome = persistently(Number.POSITIVE_INFINITY, async () => (await ask(awakeMs() + timeoutMs)) !== undefined)
			failure = new Undecided((error as Error).message, { outcome, transaction: tx, value })
			throw failure
		}
	}

	const tx: Transaction = {
		commit: {},
		all: async <R = Row>(sql: string, params?: readonly Value[]) => (await send([written(sql, params)]))[0] as R[],
		get: async <R = Row>(sql: string, params?: readonly Value[]) => (await send([written(sql, params)]))[0][0] as R | undefined,
		read: (...queries) => send(texts(queries)),
		write(sql, params) {
			wrote = true
			waiting.push({ statement: written(sql, params) })
		},
		along([sql, params], take) {
			waiting.push({ statement: written(sql, params), take })
		},
		decide(sql, params) {
			decides = true
			tx.write(sql, params)
		},
	}

	try {
		const value = await run(body(tx))
		return { value, touched: await commit(value) }
	} catch (error) {
		if (outcomeOf(failure) === 'lost') session.destroy()
		release(begun ? 'ROLLBACK' : undefined)
		throw failure && outcomeOf(failure) !== 'final' ? failure : error
	}
}
