/**
 * What the catalogue needs from a database. Two drivers implement it (sqlite.ts, mysql.ts); the tables (files.ts,
 * entries.ts, ...) are written once against it. Differences between the databases are the named capabilities below and
 * nothing else: no code asks which driver it has.
 */
import type { Maybe, Op } from '../op.ts'

export type Value = number | string | Uint8Array | null

// biome-ignore lint/suspicious/noExplicitAny: a row's shape is declared by the table that asks for it
export type Row = any

/** A statement with `?` parameters. The text must be a constant: drivers prepare and cache by it. */
export type Query = readonly [sql: string, params: readonly Value[]]

export interface Reader {
	/** All rows. Integers arrive as numbers, BLOB / VARBINARY as Buffer or Uint8Array, NULL as null. */
	all<T = Row>(sql: string, params?: readonly Value[]): Maybe<T[]>
	/** The first row, or undefined. */
	get<T = Row>(sql: string, params?: readonly Value[]): Maybe<T | undefined>
	/** Several queries, in order, in one round trip where the database is across a socket. */
	read(...queries: Query[]): Maybe<Row[][]>
}

export interface Transaction extends Reader {
	/** The same for all that are made with one commit. */
	readonly commit: object
	/**
	 * A change whose answer nobody waits for: it is sent with the next read or with the commit, in order, so that a
	 * transaction of many changes is one round trip. An error in it surfaces there.
	 */
	write(sql: string, params?: readonly Value[]): void
	/** A read that goes with the next one, or with the commit, and costs no round trip: `take` has its rows before whoever waits for that. Where neither follows it is not asked. */
	along<T = Row>(query: Query, take: (rows: T[]) => void): void
	/**
	 * The last change of a transaction that took something for granted without asking: this one touches a row only if it was so. Where it
	 * touches none all is taken back, and the transaction fails with `Overtaken`.
	 */
	decide(sql: string, params?: readonly Value[]): void
}

export interface Capabilities {
	/** True when answers come on the calling thread and reads are always fresh: caching rows above it gains nothing. */
	readonly synchronous: boolean
	/** The folder of sql/ that holds this database's migrations; nothing else may depend on it. */
	readonly dialect: string
	/** A SELECT of the `name` of each table there is. */
	readonly tables: string
	/** Appended to a SELECT inside a transaction to lock the rows it read until the commit; empty where a write transaction excludes all others. */
	readonly forUpdate: string
	/** The same, for a row that must stay as it is and that others may read too. */
	readonly forShare: string
	/** Begins an INSERT that leaves an existing row alone. */
	readonly insertIgnore: string
	/** An expression: the bytes of another with A to Z as a to z, to be compared with what was treated alike. */
	lower(bytes: string): string
	/** An expression: of each row for which `condition` holds these values behind each other, of all such rows with slashes between, as one BLOB. */
	joined(condition: string, values: readonly string[]): string
	/** An expression: the database's own clock, whole seconds since 1970. */
	readonly now: string
	/** The end of an INSERT that replaces `columns` where the key exists: `ON CONFLICT(key) DO UPDATE SET ...` and its like. */
	replace(key: string, columns: readonly string[]): string
}

export interface Claim {
	release(): Promise<void>
}

export interface Driver extends Reader {
	readonly capabilities: Capabilities
	/**
	 * Runs `body` in one transaction and commits; throws what it throws, after a rollback. `body` holds SQL only, never
	 * node I/O, and may run again from its start (deadlock, lock wait, busy, connection lost before the commit was sent):
	 * it must not change anything outside before it returned. Fails with Errno EIO when the database does not answer
	 * within the configured timeout, with Undecided when the COMMIT was sent before. With a synchronous driver the result is there at once, except when another process
	 * holds the write lock: then it is a promise. Where changes are held (held.ts) the commit may come after the answer, but before anybody looks; `sync` waits for it.
	 */
	transaction<T>(body: (tx: Transaction) => Op<T>): Maybe<T>
	/**
	 * The same, for what many do at a time and nobody minds waiting a turn of the event loop for: where the commit is what costs, those of a
	 * turn share one. A body that throws takes back its own changes and no other's. The result comes after the commit; if that fails, it fails
	 * for all who shared it.
	 */
	together<T>(body: (tx: Transaction) => Op<T>): Promise<T>
	/** A single change outside a transaction (its own transaction): the number of rows it touched. */
	change(sql: string, params?: readonly Value[]): Maybe<number>
	/**
	 * Whether another connection has committed since `markSeen`. Free where the database says so by itself (SQLite: shared memory, or
	 * PRAGMA data_version); always true where it does not.
	 */
	isChangedElsewhere(): boolean
	/** What others have committed so far is read next, all of it. */
	markSeen(): void
	/**
	 * A number that is another one after every commit of anybody, this connection included; undefined where the database
	 * cannot tell it for free.
	 */
	commits(): number | undefined
	/**
	 * One state of the whole catalogue, that of the start, for as long as `body` reads, however long that is and whatever
	 * it waits for in between; others go on writing meanwhile.
	 */
	snapshot<T>(body: (reader: Pick<Reader, 'all'>) => Promise<T>): Promise<T>
	/** Several statements of DDL, for migrations. */
	script(sql: string): Maybe<void>
	/** Runs `body` while no other process migrates this catalogue. */
	exclusively<T>(body: () => Promise<T>): Promise<T>
	/**
	 * Who fills the catalogue claims it, and no other process of whatever machine has it until that is released, or the process ends: undefined. Processes
	 * of the machine of an embedded one keep each other out by themselves (cli/run-lock.ts): there everybody has it.
	 */
	claim(): Promise<Claim | undefined>
	/** Makes what was committed durable now (SQLite WAL with synchronous=NORMAL syncs its log; MySQL did so at commit). */
	sync(): Maybe<void>
	close(): Maybe<void>
}
