/**
 * The embedded engine: node:sqlite on the calling thread. A transaction is over when `transaction` returns, except while
 * another process holds the write lock; then it is tried again from timers, so that the event loop is never held up.
 *
 * BLOBs come back as plain Uint8Array (node:sqlite's choice; wrapping each in a Buffer costs as much as the query).
 */
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as later } from 'node:timers/promises'
import { CatalogueError, Overtaken } from '../errors.ts'
import { isPromise, type Maybe, type Op } from '../op.ts'
import type { Capabilities, Driver, Query, Row, Transaction, Value } from './driver.ts'
import { createHeld } from './held.ts'
import { openHeldLog } from './held-log.ts'
import { isBusy, translated } from './sqlite-errors.ts'
import { askedFor, BUSY_MS, openDatabase, roomAt, versionOf } from './sqlite-file.ts'
import { type Prepared, prepare } from './sqlite-rows.ts'
import { type Body, createTogether, type Outcome } from './together.ts'
import { type Concern, concernOf, createUnread } from './unread.ts'
import type { WalIndex } from './wal-index.ts'
import { writeAheadLog } from './write-ahead-log.ts'

export interface SqliteOptions {
	/** How long an operation waits for another process's write lock before it fails with EIO. */
	timeoutMs: number
	/** Pages in memory; as many as serve a mount by default. */
	cacheKibMax?: number
	/** Without it SQLite is asked what others did. */
	watch?: Watch
	/** Changes are answered before they are committed (held.ts): for who makes many small ones, one after the other. */
	holds?: boolean
}

interface Known {
	statement: Prepared
	concern: Concern
}

/** Shared memory is looked at. */
export interface Watch {
	index(database: string): WalIndex | undefined
	map(fd: number, bytes: number): ArrayBuffer
}

const RETRY_MS_MIN = 1
const RETRY_MS_MAX = 20
const CACHE_KIB_MAX = 24 * 1024
/** A snapshot is read through once. */
const SNAPSHOT_CACHE_KIB_MAX = 8 * 1024
/** After this no further change is made with the same commit: the loop has others to serve, and other processes want the lock. */
const TOGETHER_MS_MAX = 10
/** What waits for a migration waits this long at least: it may have tables to rewrite. */
const EXCLUSIVE_WAIT_MS = 60_000

const CAPABILITIES: Capabilities = {
	synchronous: true,
	dialect: 'sqlite',
	tables: "SELECT name FROM sqlite_master WHERE type = 'table'",
	forUpdate: '',
	forShare: '',
	insertIgnore: 'INSERT OR IGNORE',
	lower: (bytes) => `LOWER(CAST(${bytes} AS TEXT))`,
	joined(condition, values) {
		const text = values.map((value) => `CAST(${value} AS TEXT)`).join(' || ')
		return `CAST(GROUP_CONCAT(CASE WHEN ${condition} THEN ${text} END, '/') AS BLOB)`
	},
	now: 'unixepoch()',
	replace(key, columns) {
		if (columns.length === 0) return `ON CONFLICT(${key}) DO NOTHING`
		return `ON CONFLICT(${key}) DO UPDATE SET ${columns.map((name) => `${name}=excluded.${name}`).join(',')}`
	},
}

export function openSqlite(path: string, options: SqliteOptions): Driver {
	const db = openDatabase(path)
	db.exec(`PRAGMA cache_size = -${options.cacheKibMax ?? CACHE_KIB_MAX}`)
	const statements = new Map<string, Known>()
	const unread = createUnread()
	const begin = db.prepare('BEGIN IMMEDIATE')
	const commit = db.prepare('COMMIT')
	const rollback = db.prepare('ROLLBACK')
	const savepoint = db.prepare('SAVEPOINT one')
	const release = db.prepare('RELEASE one')
	const rollbackToOne = db.prepare('ROLLBACK TO one')
	const dataVersion = versionOf(db)
	const index = options.watch?.index(path) ?? askedFor(dataVersion)
	const heldLog = openHeldLog(path, options.watch?.map)
	const log = writeAheadLog(path, (work) => attempt(() => alone(work)), heldLog)
	const held = heldLog && createHeld({
		db,
		log: heldLog,
		holds: options.holds === true,
		room: () => roomAt(path),
		run: ([sql, params]) => known(sql).statement.run(params),
		unread,
		before: index.before,
		after: index.after,
		carriedOut() {
			own++
			unread.doubt()
		},
		report: (line) => process.emitWarning(line),
	})
	let own = 0
	let others = 0

	function known(sql: string): Known {
		let statement = statements.get(sql)
		if (!statement) {
			statement = { statement: prepare(db, sql), concern: concernOf(sql) }
			statements.set(sql, statement)
		}
		return statement
	}

	/** What it may be about is there. */
	function prepared({ statement, concern }: Known): Prepared {
		if (unread.isNamedBy(concern)) held?.bring()
		return statement
	}

	function query(sql: string, params: readonly Value[] = []): Row[] {
		const asked = known(sql)
		if (unread.isEmpty(asked.concern) && !isChangedElsewhere()) return []
		const rows = prepared(asked).all(params)
		if (rows.length === 0) unread.sawNothing(asked.concern)
		return rows
	}

	const first = (sql: string, params: readonly Value[] = []) => prepared(known(sql)).get(params)

	// A failed statement leaves its transaction open; a body that went on regardless would commit half of itself.
	let failure: unknown
	let wrote = false
	function inTransaction<T>(work: () => T): T {
		if (failure) throw failure
		try {
			return work()
		} catch (error) {
			failure = translated(error)
			throw failure
		}
	}

	/** How many rows it changed. */
	function alter(sql: string, params: readonly Value[] = []): number {
		const statement = known(sql)
		const rows = prepared(statement).run(params)
		unread.wrote(statement.concern)
		if (rows > 0) wroteBy(sql, params)
		return rows
	}

	/** Of which nobody asks how many rows it changed. */
	function write(sql: string, params: readonly Value[] = []): void {
		const { statement, concern } = known(sql)
		if (held?.isChanging() && unread.puts(concern, statement, params)) wroteBy(sql, params)
		else alter(sql, params)
	}

	function wroteBy(sql: string, params: readonly Value[]): void {
		wrote = true
		held?.note([sql, params])
	}

	const inside: Omit<Transaction, 'commit'> = {
		all: (sql, params) => inTransaction(() => query(sql, params)),
		get: (sql, params) => inTransaction(() => first(sql, params)),
		read: (...queries) => inTransaction(() => queries.map(([sql, params]) => query(sql, params))),
		write(sql, params) {
			inTransaction(() => write(sql, params))
		},
		along([sql, params], take) {
			take(inTransaction(() => query(sql, params)))
		},
		decide(sql, params) {
			inTransaction(() => {
				if (alter(sql, params) === 0) throw new Overtaken()
			})
		},
	}

	/** What the body returns, and none of it where anything failed. */
	function perform<T>(body: (tx: Transaction) => Op<T>, commit: object): T {
		failure = undefined
		// Each transaction is one of its own: what is noted of it must go with it.
		const step = body({ ...inside, commit }).next()
		if (!step.done) throw new TypeError('a transaction waited for something that is not its database')
		if (failure) throw failure
		return step.value
	}

	function committed<T>(work: () => T): T {
		beginSettled()
		wrote = false
		const before = index.before()
		try {
			const result = work()
			own++
			commit.run()
			index.after(before, wrote)
			return result
		} catch (error) {
			// SQLite has rolled back by itself where the disk was full or failed.
			if (db.isTransaction) rollback.run()
			unread.doubt()
			throw error
		}
	}

	function beginSettled(): void {
		if (held) held.begin()
		else begin.run()
	}

	/** Committed, or answered before it is. */
	function made<T>(work: () => T): T {
		if (!held?.isOpen()) return committed(work)
		const result = held.change(work)
		own++
		return result
	}

	/** With one commit, as many as there is time for. One that fails takes back what it did; if all is lost, this throws. */
	function transactTogether(bodies: readonly Body[]): Outcome[] {
		const untilMs = performance.now() + TOGETHER_MS_MAX
		return committed(() => {
			const outcomes: Outcome[] = []
			for (const body of bodies) {
				outcomes.push(oneOf(body, bodies))
				if (performance.now() > untilMs) break
			}
			return outcomes
		})
	}

	function oneOf(body: Body, commit: object): Outcome {
		const wroteBefore = wrote
		savepoint.run()
		try {
			const value = perform(body, commit)
			release.run()
			return { value }
		} catch (error) {
			// Then nothing is left of the others either.
			if (!db.isTransaction) throw error
			rollbackToOne.run()
			release.run()
			unread.doubt()
			wrote = wroteBefore
			return { error }
		}
	}

	function script(sql: string): void {
		commitHeld()
		own++
		unread.doubt()
		db.exec(sql)
	}

	function settled<T>(ask: () => T): T {
		held?.settle()
		return ask()
	}

	/** What this connection holds, and what is left of others: everything that was answered is committed. */
	function commitHeld(): void {
		held?.commit()
		held?.settle()
	}

	/** Without a change, while no other connection can make one. */
	function alone(work: () => void): void {
		commitHeld()
		begin.run()
		try {
			work()
		} finally {
			rollback.run()
		}
	}

	const isHeldElsewhere = () => held?.isHeldElsewhere() === true
	const isChangedElsewhere = () => isHeldElsewhere() || index.isChangedElsewhere()

	/** At once if no other process holds the lock, else a promise. */
	function attempt<T>(work: () => T, timeoutMs: number = options.timeoutMs): Maybe<T> {
		try {
			return work()
		} catch (error) {
			if (isBusy(error)) return attemptAgain(work, timeoutMs)
			throw translated(error)
		}
	}

	const together = createTogether((bodies) => attempt(() => transactTogether(bodies)))

	return {
		capabilities: CAPABILITIES,
		all: (sql, params) => attempt(() => settled(() => query(sql, params))),
		get: (sql, params) => attempt(() => settled(() => first(sql, params))),
		read: (...queries: Query[]) => attempt(() => settled(() => queries.map(([sql, params]) => query(sql, params)))),
		transaction: (body) => attempt(() => made(() => perform(body, {}))),
		together: together.add,
		change: (sql, params) => attempt(() => made(() => alter(sql, params))),
		script: (sql) => attempt(() => script(sql)),
		isChangedElsewhere,
		markSeen() {
			if (index.isChangedElsewhere()) unread.doubt()
			index.markSeen()
		},
		// The database counts the commits of others only. Both numbers only grow.
		commits() {
			if (index.moved()) others = dataVersion()
			if (isHeldElsewhere()) own++
			return others + own
		},
		/** One transaction around all of it: a migration that dies leaves nothing behind. `body` must not begin another. */
		async exclusively(body) {
			await attempt(beginSettled, Math.max(options.timeoutMs, EXCLUSIVE_WAIT_MS))
			try {
				const result = await body()
				own++
				commit.run()
				return result
			} catch (error) {
				if (db.isTransaction) rollback.run()
				unread.doubt()
				throw translated(error)
			}
		},
		claim: async () => ({ release: async () => {} }),
		async snapshot(body) {
			await attempt(commitHeld)
			const own = new DatabaseSync(path, { readOnly: true, timeout: BUSY_MS })
			try {
				own.exec(`PRAGMA cache_size = -${SNAPSHOT_CACHE_KIB_MAX}; BEGIN`)
				// A transaction sees what was committed before its first read.
				own.prepare('SELECT name FROM sqlite_master LIMIT 1').get()
				return await body({ all: (sql, params = []) => prepare(own, sql).all(params) })
			} catch (error) {
				throw translated(error)
			} finally {
				own.close()
			}
		},
		sync() {
			const committed = attempt(commitHeld)
			return isPromise(committed) ? committed.then(log.sync) : log.sync()
		},
		async close() {
			await together.ended()
			held?.close()
			await log.close()
			db.close()
		},
	}
}

async function attemptAgain<T>(work: () => T, timeoutMs: number): Promise<T> {
	const until = performance.now() + timeoutMs
	for (let wait = RETRY_MS_MIN; performance.now() < until; wait = Math.min(wait * 2, RETRY_MS_MAX)) {
		await later(wait)
		try {
			return work()
		} catch (error) {
			if (!isBusy(error)) throw translated(error)
		}
	}
	throw new CatalogueError('EIO', `the catalogue is locked by another process (waited ${timeoutMs} ms)`)
}
