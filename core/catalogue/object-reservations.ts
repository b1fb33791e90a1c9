/** Table `object_reservation`: keys of objects that were given out, for a while. */
import type { Maybe } from '../op.ts'
import { insertRows } from './bulk.ts'
import type { Capabilities, Query, Reader, Transaction } from './driver.ts'

/** Keys that are given out together. */
export const COUNT_MAX = 1_000

export interface Reservation {
	/** The first of `count` keys that follow each other and have one cookie. */
	id: number
	count: number
	volume_id: number
	cookie: number
}

export function insertAll(tx: Transaction, list: readonly Reservation[], lastsSeconds: number, { now }: Capabilities): void {
	const into = 'INSERT INTO object_reservation (id, count, volume_id, cookie, expires)'
	insertRows(tx, into, `(?,?,?,?,${now} + ?)`, list, (values, at, { id, count, volume_id, cookie }) => {
		values[at] = id
		values[at + 1] = count
		values[at + 2] = volume_id
		values[at + 3] = cookie
		values[at + 4] = lastsSeconds
	})
}

/** The nearest at or below the key, if it has not expired; whether the key is one of its is for the caller to see. */
export function nearestQuery(key: number, { now }: Capabilities): Query {
	return [`SELECT id, count, volume_id, cookie FROM object_reservation WHERE id <= ? AND id > ? - ${COUNT_MAX} AND expires > ${now} ORDER BY id DESC LIMIT 1`, [key, key]]
}

/** One of one key has served its purpose once something was uploaded. */
export function used(tx: Transaction, { id, count }: Reservation): void {
	if (count === 1) tx.write('DELETE FROM object_reservation WHERE id = ?', [id])
}

/** Keys are given out in the order of time, for equally long: those that have expired come first. */
export function expired(reader: Reader, graceSeconds: number, limit: number, { now }: Capabilities): Maybe<Array<{ id: number }>> {
	return reader.all(
		`SELECT id FROM (SELECT id, expires FROM object_reservation ORDER BY id LIMIT ?) AS oldest WHERE expires <= ${now} - ? ORDER BY id`,
		[limit, graceSeconds],
	)
}

export function remove(tx: Transaction, id: number): void {
	tx.write('DELETE FROM object_reservation WHERE id = ?', [id])
}
