/** Table `lease`: one holder at a time, by the database's clock. */
import type { ClientId } from '../ids.ts'
import { type Maybe, type Op, wait } from '../op.ts'
import type { Capabilities, Driver, Query, Reader, Transaction } from './driver.ts'

/** Who asks, and of which catalogue. */
export interface Holder {
	catalogue: Driver
	capabilities: Capabilities
	client: ClientId
}

interface LeaseRow {
	client_id: number
	left: number
}

/** Whether a client still runs, asked at that moment: what was known of clients before says nothing of those that came since. */
export type IsRunning = (tx: Transaction, client: ClientId) => Op<boolean>

/** Takes or renews it; false while somebody else who still runs holds it. */
export function* take(holder: Holder, name: string, seconds: number, isRunning: IsRunning): Op<boolean> {
	return yield* wait(
		holder.catalogue.transaction(function* (tx) {
			const row = yield* find(holder, tx, name)
			if (row === undefined) return yield* takeFirst(holder, tx, name, seconds)
			const isOthers = row.client_id !== holder.client && row.left > 0
			if (isOthers && (yield* isRunning(tx, row.client_id))) return false
			tx.write(`UPDATE lease SET client_id = ?, token = token + 1, until_at = ${holder.capabilities.now} + ? WHERE name = ?`, [
				holder.client, seconds, name,
			])
			return true
		}),
	)
}

/** Nobody has had it: no row could be locked, and somebody else may be inserting it at this moment. */
function* takeFirst(holder: Holder, tx: Transaction, name: string, seconds: number): Op<boolean> {
	const { now, insertIgnore } = holder.capabilities
	tx.write(`${insertIgnore} INTO lease (name, client_id, token, until_at) VALUES (?, ?, 1, ${now} + ?)`, [name, holder.client, seconds])
	return (yield* find(holder, tx, name))?.client_id === holder.client
}

function* find({ capabilities: { now, forUpdate } }: Holder, tx: Transaction, name: string): Op<LeaseRow | undefined> {
	return yield* wait(tx.get<LeaseRow>(`SELECT client_id, until_at - ${now} AS \`left\` FROM lease WHERE name = ?${forUpdate}`, [name]))
}

export function* stillHeld(holder: Holder, tx: Transaction, name: string): Op<boolean> {
	const row = yield* find(holder, tx, name)
	return row !== undefined && row.client_id === holder.client && row.left > 0
}

/** Who has it, or had it last. */
export function* holderOf({ catalogue }: Holder, name: string): Op<ClientId | undefined> {
	return (yield* wait(catalogue.get<LeaseRow>('SELECT client_id FROM lease WHERE name = ?', [name])))?.client_id
}

/** Those that hold now. */
export function list(reader: Reader, { now }: Capabilities): Maybe<Array<{ name: string }>> {
	return reader.all(`SELECT name FROM lease WHERE until_at > ${now}`)
}

export function drop(tx: Transaction, name: string): void {
	tx.write('DELETE FROM lease WHERE name = ?', [name])
}

export interface Stake {
	name: string
	client_id: ClientId
	/** How much of it. */
	token: number
}

/** A name that is this client's alone, with a number beside it: not waited for by anybody, only read. */
export function putStake(tx: Transaction, { name, client_id, token }: Stake, seconds: number, { now, replace }: Capabilities): void {
	const end = replace('name', ['client_id', 'token', 'until_at'])
	tx.write(`INSERT INTO lease (name, client_id, token, until_at) VALUES (?, ?, ?, ${now} + ?) ${end}`, [name, client_id, token, seconds])
}

export function stakeQuery(name: string): Query {
	return ['SELECT name, client_id, token FROM lease WHERE name = ?', [name]]
}

export function stake(reader: Reader, name: string): Maybe<Stake | undefined> {
	return reader.get<Stake>(...stakeQuery(name))
}

/** Those that hold, of names between two. */
export function stakes(reader: Reader, [from, to]: readonly [string, string], { now }: Capabilities): Maybe<Stake[]> {
	return reader.all<Stake>(`SELECT name, client_id, token FROM lease WHERE name >= ? AND name < ? AND until_at > ${now}`, [from, to])
}

export function removeStakesOver(tx: Transaction, [from, to]: readonly [string, string], { now }: Capabilities): void {
	tx.write(`DELETE FROM lease WHERE name >= ? AND name < ? AND until_at <= ${now}`, [from, to])
}
