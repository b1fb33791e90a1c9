/**
 * A change whose COMMIT was not answered in time may have been made. Its caller heard EIO, and nobody goes on with it. Once it is known
 * to have been made, this process takes notice of it as of another's change: what it remembers is forgotten, the door is told, and what the
 * nodes have yet to do is left to whoever settles them. Pins it left go when this client settles.
 */
import * as changes from '../catalogue/changes.ts'
import type { ChangeRow } from '../catalogue/changes.ts'
import type { Transaction } from '../catalogue/driver.ts'
import * as intents from '../catalogue/intents.ts'
import { Undecided } from '../errors.ts'
import { type Op, run, wait } from '../op.ts'
import { type Filesystem, transact } from './filesystem.ts'
import { takeNotice } from './follow.ts'
import { tokensOf } from './intents.ts'
import { BATCH_ROWS_MAX } from './journal.ts'

export function findOut(fs: Filesystem, { open }: Undecided, since: number): void {
	const known = open.outcome
		.then(async (wasMade) => {
			if (wasMade) await run(takeUp(fs, tokensOf(open.transaction), since))
		})
		.catch((error: Error) => fs.report(`a change that may have been made: ${error.message}; it is settled when this process has ended`))
		.finally(() => void fs.undecided.delete(known))
	fs.undecided.add(known)
}

function* takeUp(fs: Filesystem, tokens: readonly number[], since: number): Op<void> {
	for (const file of fs.open.values()) file.pathInDoubt ||= file.writers > 0
	// Others may have written any number of lines before its own.
	for (let after = since; ; ) {
		const rows = yield* wait(fs.catalogue.all<ChangeRow>(...changes.sinceQuery(after, BATCH_ROWS_MAX)))
		yield* takeNotice(fs, rows.filter((row) => row.client_id === fs.client))
		if (rows.length < BATCH_ROWS_MAX) break
		after = rows[rows.length - 1].seq
	}
	if (tokens.length === 0) return
	yield* wait(
		transact(fs, function* (tx) {
			for (const token of tokens) intents.leaveAllWith(tx, fs.client, token)
		}),
	)
	for (const token of tokens) fs.carrying.delete(token)
}

/** A transaction of which it has to be known whether it was made, however long that takes: what follows depends on it. */
export function* decided<T>(fs: Filesystem, body: (tx: Transaction) => Op<T>): Op<T> {
	try {
		return yield* wait(transact(fs, body, { onFailure: () => undefined }))
	} catch (error) {
		if (!(error instanceof Undecided) || !(yield* wait(error.open.outcome))) throw error
		return error.open.value as T
	}
}
