/** A name that nothing has. */
import type { Reader, Transaction } from '../core/catalogue/driver.ts'
import * as nodes from '../core/catalogue/nodes.ts'
import { UserError } from '../core/errors.ts'
import type { NodeRow } from '../core/nodes/node.ts'
import { type Op, wait } from '../core/op.ts'
import { EXIT } from './exit-codes.ts'

export function noSuch(what: string, name: string, known: ReadonlyArray<{ name: string }>): UserError {
	return new UserError(`there is no ${what} ${name}; there are: ${known.map((each) => each.name).join(', ') || 'none'}`, EXIT.refused)
}

export function checkKnown(what: string, name: string, known: ReadonlyArray<{ name: string }>): void {
	if (!known.some((each) => each.name === name)) throw noSuch(what, name, known)
}

export function* nodeNamed(reader: Reader, name: string): Op<NodeRow> {
	const row = yield* wait(nodes.findByName(reader, name))
	if (!row) throw noSuch('node', name, yield* wait(nodes.list(reader)))
	return row
}

/** Another process may have given it a directory, or removed it, since the row was read. To be called after `keepOthersOff`. */
export function* refuseReplaced(tx: Transaction, { name, uuid }: NodeRow): Op<void> {
	const now = yield* nodeNamed(tx, name)
	if (now.uuid !== uuid) throw new UserError(`node ${name} has got another directory meanwhile, ${now.path}: it stays as it is`, EXIT.refused)
}
