/** Table `client`: the running processes that have the tree open. */
import type { ClientId } from '../ids.ts'
import type { Maybe } from '../op.ts'
import type { Capabilities, Query, Reader, Transaction } from './driver.ts'

export interface ClientRow {
	id: ClientId
	host: string
	pid: number
	/** Boot id and start time of the pid: tells a reused pid apart. `TAKEN_FOR_DEAD` from when it is settled until it says that it lives. */
	started: string
	what: string
	joined: number
	/** Seconds since its last heartbeat, by the database's clock. */
	silent: number
}

/** No process has started like this. */
export const TAKEN_FOR_DEAD = 'taken for dead'

/** A mount point may be longer than the column. */
const WHAT_CHARACTERS_MAX = 255

export function insert(tx: Transaction, client: Omit<ClientRow, 'joined' | 'silent'>, { now }: Capabilities): void {
	tx.write(`INSERT INTO client (id, host, pid, started, what, joined, heartbeat) VALUES (?,?,?,?,?,${now},${now})`, [
		client.id, client.host, client.pid, client.started, client.what.slice(0, WHAT_CHARACTERS_MAX),
	])
}

const columns = ({ now }: Capabilities) => `id, host, pid, started, what, joined, ${now} - heartbeat AS silent`

export function list(reader: Reader, capabilities: Capabilities): Maybe<ClientRow[]> {
	return reader.all<ClientRow>(`SELECT ${columns(capabilities)} FROM client ORDER BY id`)
}

export function get(reader: Reader, id: ClientId, capabilities: Capabilities, lock = ''): Maybe<ClientRow | undefined> {
	return reader.get<ClientRow>(`SELECT ${columns(capabilities)} FROM client WHERE id = ?${lock}`, [id])
}

export function find(reader: Reader, id: ClientId, lock: string): Maybe<Pick<ClientRow, 'id' | 'started'> | undefined> {
	return reader.get(...findQuery(id, lock))
}

export function findQuery(id: ClientId, lock: string): Query {
	return [`SELECT id, started FROM client WHERE id = ?${lock}`, [id]]
}

export function takeForDead(tx: Transaction, id: ClientId): void {
	tx.write(`UPDATE client SET started = '${TAKEN_FOR_DEAD}' WHERE id = ?`, [id])
}

export function beat(tx: Transaction, id: ClientId, { now }: Capabilities): void {
	tx.write(`UPDATE client SET heartbeat = ${now} WHERE id = ?`, [id])
}

export function setWhat(tx: Transaction, id: ClientId, what: string): void {
	tx.write('UPDATE client SET what = ? WHERE id = ?', [what.slice(0, WHAT_CHARACTERS_MAX), id])
}

export function remove(tx: Transaction, id: ClientId): void {
	tx.write('DELETE FROM client WHERE id = ?', [id])
}
