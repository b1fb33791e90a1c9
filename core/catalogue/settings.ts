/** Table `setting`: the few facts about a catalogue as a whole. */
import type { Maybe } from '../op.ts'
import type { Capabilities, Query, Reader, Transaction } from './driver.ts'

export function find(reader: Reader, name: string): Maybe<{ value: string } | undefined> {
	return reader.get(...findQuery(name))
}

export function set(tx: Transaction, name: string, value: string, { replace }: Capabilities): void {
	tx.write(`INSERT INTO setting (name, value) VALUES (?,?) ${replace('name', ['value'])}`, [name, value])
}

/** Nothing happens where it has another value by now. */
export function change(tx: Transaction, name: string, from: string, to: string): void {
	tx.write('UPDATE setting SET value = ? WHERE name = ? AND value = ?', [to, name, from])
}

export function remove(tx: Transaction, name: string): void {
	tx.write('DELETE FROM setting WHERE name = ?', [name])
}

export function findQuery(name: string): Query {
	return ['SELECT value FROM setting WHERE name = ?', [name]]
}
