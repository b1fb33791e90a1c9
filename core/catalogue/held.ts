/**
 * Changes that are answered before they are committed. A commit is most of what a small change costs, and many share one here: the transaction
 * stays open for a moment, and each change is a record in a file (held-log.ts) before its caller goes on. If this process dies,
 * whoever uses the catalogue next carries the records out before anything else: until then it is the state in which they were first carried out,
 * since nobody else could write.
 *
 * Nobody sees less than was answered. Every connection looks at the file before it reads or begins; while somebody else holds changes, it asks him
 * to commit, which he does with his next step or within HELD_MS, and he holds none for a while.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { Query } from './driver.ts'
import type { HeldLog } from './held-log.ts'
import { pause } from './pause.ts'
import { isOfStatement } from './sqlite-errors.ts'
import type { Unread } from './unread.ts'

/** Then it is committed, also where nothing else is asked for. */
const HELD_MS = 2
const CHANGES_MAX = 256
/** On a fuller disk a commit may fail, and nobody may take anything away before it was made: there each change is committed by itself. */
const ROOM_BYTES = 256 * 1024 ** 2
/** What others wanted committed they may want again: so long nothing is held. */
const PLAIN_MS = 20
/** Who waits looks this often, and so many times before he leaves the waiting to the event loop. */
const LOOK_MS = 0.25
const LOOKS_MAX = 10
const RETRY_MS = 1_000
/** `user_version` is a signed number of four bytes; 0 in a new file. */
const BATCH_MAX = 0x7fff_fffe
const FIRST_BATCH_MAX = 0x3fff_ffff

export interface Held {
	/** Whether a change may be answered before it is committed, now. */
	isOpen(): boolean
	/** One change, with all that it `note`s; what it throws takes back what it did. */
	change<T>(work: () => T): T
	/** In the midst of one. */
	isChanging(): boolean
	/** What a change did; outside of one it is of no interest here. */
	note(statement: Query): void
	/** What waits for the commit is written now. */
	bring(): void
	/** Before anything is read: nothing that was answered, here or elsewhere, is missing then. */
	settle(): void
	/** The same, and a transaction of the caller's own. */
	begin(): void
	/** What this connection holds. */
	commit(): void
	isHeldElsewhere(): boolean
	/** Commits what it can; the rest is carried out by whoever comes next. */
	close(): void
}

export interface Connection {
	db: DatabaseSync
	log: HeldLog
	/** Whether this connection holds changes at all, or only minds what others do. */
	holds: boolean
	/** Bytes. */
	room(): number
	run(statement: Query): void
	unread: Unread
	/** Before and after a commit, for whoever counts them. */
	before(): number
	after(before: number, wrote: boolean): void
	/** What was another's is a change of this connection. */
	carriedOut(): void
	report(line: string): void
}

export function createHeld({ db, log, holds, room, run, unread, before, after, carriedOut, report }: Connection): Held {
	const beginStatement = db.prepare('BEGIN IMMEDIATE')
	const commitStatement = db.prepare('COMMIT')
	const rollback = db.prepare('ROLLBACK')
	const versionStatement = db.prepare('PRAGMA user_version')
	let isHolding = false
	let seen = 0
	let batch = 0
	let changes = 0
	let plainUntilMs = 0
	let timer: NodeJS.Timeout | undefined
	let noted: Query[] | undefined

	const version = () => (versionStatement.get() as { user_version: number }).user_version
	const setVersion = (number: number) => db.exec(`PRAGMA user_version = ${number}`)

	function settle(): void {
		if (isHolding) {
			if (log.isWanted()) commit()
		} else if (log.batch() !== 0) {
			awaitHolder()
			// Busy as long as he who holds it lives and has not committed.
			beginStatement.run()
			recover()
		}
	}

	/** What this connection could not commit, nobody else will. */
	function awaitHolder(): void {
		for (let looks = 0; looks < LOOKS_MAX && isHeldElsewhere() && log.batch() !== batch; looks++) {
			log.want()
			pause(LOOK_MS)
		}
	}

	const isHeldElsewhere = () => !isHolding && log.batch() !== 0

	function begin(): void {
		for (;;) {
			if (isHolding) commit()
			settle()
			beginStatement.run()
			if (log.batch() === 0) return
			// He died after the look and before the lock was ours.
			rollback.run()
		}
	}

	/** In a transaction: what was held by one who is gone, or by this connection when its commit failed. */
	function recover(): void {
		const start = before()
		const batch = log.batch()
		const isMissing = batch !== 0 && following(version()) === batch
		try {
			if (isMissing) carryOut(batch)
			commitStatement.run()
		} catch (error) {
			if (db.isTransaction) rollback.run()
			throw error
		}
		after(start, isMissing)
		if (isMissing) carriedOut()
		if (batch !== 0) log.committed(batch)
	}

	function carryOut(batch: number): void {
		try {
			for (const statement of log.statements()) run(statement)
		} catch (error) {
			if (!isOfStatement(error)) throw error
			// It would fail for ever, and nobody could use the catalogue.
			rollback.run()
			report(`the catalogue: changes that were answered cannot be carried out (${(error as Error).message}), they are kept in ${log.setAside()}`)
			beginStatement.run()
		}
		setVersion(batch)
	}

	function start(): void {
		begin()
		if (version() === 0) {
			// So that what a lost catalogue of this name left behind is not taken for this one's.
			setVersion(1 + Math.floor(Math.random() * FIRST_BATCH_MAX))
			seen = before()
			commitStatement.run()
			after(seen, true)
			return start()
		}
		seen = before()
		batch = following(version())
		try {
			setVersion(batch)
			log.begin(batch)
		} catch (error) {
			if (db.isTransaction) rollback.run()
			throw error
		}
		isHolding = true
		changes = 0
		later(commitQuietly, HELD_MS)
	}

	/** In place of what was to be done earlier. */
	function later(work: () => void, ms: number): void {
		clearTimeout(timer)
		timer = setTimeout(work, ms)
	}

	/** What is in the log stays there when this fails, and is carried out before anything else is. */
	function commit(): void {
		if (!isHolding) return
		if (log.isWanted()) plainUntilMs = performance.now() + PLAIN_MS
		isHolding = false
		clearTimeout(timer)
		try {
			unread.write()
			commitStatement.run()
		} catch (error) {
			if (db.isTransaction) rollback.run()
			later(settleQuietly, RETRY_MS)
			throw error
		}
		after(seen, true)
		log.committed(batch)
	}

	/** Nothing is lost by a failure: who comes next meets it again. */
	function commitQuietly(): void {
		quietly(commit)
	}

	function settleQuietly(): void {
		quietly(settle)
		if (log.batch() !== 0) later(settleQuietly, RETRY_MS)
	}

	function change<T>(work: () => T): T {
		if (!isHolding) start()
		const statements: Query[] = []
		noted = statements
		let result: T
		try {
			result = work()
		} catch (error) {
			if (statements.length > 0 || !db.isTransaction) takeBack()
			throw error
		} finally {
			noted = undefined
		}
		if (statements.length === 0) return result
		changes++
		if (!log.append(statements)) commit()
		else if (changes >= CHANGES_MAX || log.isWanted()) commitQuietly()
		return result
	}

	/** All of it, and what was answered is carried out again: it is rare that a change fails half-way, and a savepoint for each is dear. */
	function takeBack(): void {
		unread.forget()
		if (db.isTransaction) rollback.run()
		isHolding = false
		clearTimeout(timer)
		settleQuietly()
	}

	function bring(): void {
		try {
			unread.write()
		} catch (error) {
			takeBack()
			throw error
		}
	}

	return {
		isOpen: () => holds && log.takes && (isHolding || (performance.now() >= plainUntilMs && room() >= ROOM_BYTES)),
		change,
		isChanging: () => noted !== undefined,
		note(statement) {
			noted?.push(statement)
		},
		bring,
		settle,
		begin,
		commit,
		isHeldElsewhere,
		close() {
			commitQuietly()
			clearTimeout(timer)
			log.close()
		},
	}
}

function following(batch: number): number {
	return batch >= BATCH_MAX ? 1 : batch + 1
}

function quietly(work: () => void): void {
	try {
		work()
	} catch {
		// Said to whoever asks for the next change.
	}
}
