/** Table `token`: who may come in over HTTP. */
import type { Role } from '../access/role.ts'
import type { Maybe } from '../op.ts'
import type { Capabilities, Driver, Reader, Transaction } from './driver.ts'

export interface TokenRow {
	id: number
	name: string
	hash: Uint8Array
	role: Role
	/** Lines; see core/access/scope.ts. */
	paths: Uint8Array
	per_minute: number
	created: number
	expires: number
	used: number
	/** By the database's clock. */
	expired: number
}

export type NewToken = Pick<TokenRow, 'name' | 'hash' | 'role' | 'paths' | 'per_minute'> & { lastsSeconds: number }

export function list(reader: Reader, { now }: Capabilities): Maybe<TokenRow[]> {
	const columns = 'id, name, hash, role, paths, per_minute, created, expires, used'
	return reader.all<TokenRow>(`SELECT ${columns}, (expires > 0 AND expires <= ${now}) AS expired FROM token ORDER BY name`)
}

/** Undefined where there is none of that name. */
export function find(reader: Reader, name: string): Maybe<Pick<TokenRow, 'id' | 'hash'> | undefined> {
	return reader.get('SELECT id, hash FROM token WHERE name = ?', [name])
}

/** Undefined where it is gone or has expired. */
export function holds(reader: Reader, id: number, { now }: Capabilities): Maybe<{ id: number } | undefined> {
	return reader.get(`SELECT id FROM token WHERE id = ? AND (expires = 0 OR expires > ${now})`, [id])
}

export function insert(tx: Transaction, { name, hash, role, paths, per_minute, lastsSeconds }: NewToken, { now }: Capabilities): void {
	const expires = lastsSeconds > 0 ? `${now} + ?` : '?'
	tx.write(`INSERT INTO token (name, hash, role, paths, per_minute, created, expires) VALUES (?,?,?,?,?,${now},${expires})`, [
		name, hash, role, paths, per_minute, lastsSeconds,
	])
}

/** How many there were of that name. */
export function remove(driver: Driver, name: string): Maybe<number> {
	return driver.change('DELETE FROM token WHERE name = ?', [name])
}

export function setUsed(driver: Driver, id: number): Maybe<number> {
	return driver.change(`UPDATE token SET used = ${driver.capabilities.now} WHERE id = ?`, [id])
}
