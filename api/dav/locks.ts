/** Locks as WebDAV has them (RFC 4918, 6 and 7): who may change what while somebody holds one. They bind WebDAV clients only. */
import type { FastifyRequest } from 'fastify'
import * as davLocks from '../../core/catalogue/dav-locks.ts'
import type { DavLock } from '../../core/catalogue/dav-locks.ts'
import type { Reader, Transaction } from '../../core/catalogue/driver.ts'
import type { Check } from '../../core/filesystem/expected.ts'
import * as files from '../../core/catalogue/files.ts'
import { type Path, ROOT_ID } from '../../core/ids.ts'
import { type Op, wait } from '../../core/op.ts'
import type { Api } from '../api.ts'
import { HttpError } from '../errors.ts'
import { isBelow, parentOf } from '../tree/below.ts'
import { covers } from './covers.ts'
import { conditionsOf, tokensIn } from './if-header.ts'

export interface Change {
	path: Path
	/** Everything below it changes too: a directory that is removed or moved. */
	deep?: boolean
	/** The name comes or goes: its directory changes. */
	name?: boolean
}

/** 423 unless the request shows the locks that stand in its way, 412 where its If header does not hold. The locks there are. */
export function* checkLocks(request: FastifyRequest, { fs }: Api, changes: readonly Change[], reader: Reader = fs.catalogue): Op<DavLock[]> {
	const locks = yield* davLocks.list(reader, fs.capabilities)
	yield* conditionsOf(request, fs, locks, reader)
	const shown = tokensIn(request)
	for (const lock of locks) {
		if (shown.has(lock.token) && lock.holder === holderOf(request)) continue
		if (changes.some((change) => concerns(lock, change) && !isShared(locks, shown, lock, change))) throw locked()
	}
	return locks
}

/** The same in the transaction of the change: whoever takes a lock at this moment comes before or after. */
export function* checkLocksNow(request: FastifyRequest, api: Api, changes: readonly Change[], tx: Transaction): Op<DavLock[]> {
	const { forShare } = api.fs.capabilities
	// Whoever takes one holds the root, which stands for all the locks there could be.
	if (forShare !== '') yield* wait(tx.read(files.findQuery(ROOT_ID, forShare)))
	return yield* checkLocks(request, api, changes, tx)
}

export function checkOf(request: FastifyRequest, api: Api, changes: readonly Change[]): Check {
	return function* (tx) {
		yield* checkLocksNow(request, api, changes, tx)
	}
}

/** Of several shared locks on one thing it takes one. */
function isShared(locks: readonly DavLock[], shown: ReadonlySet<string>, lock: DavLock, change: Change): boolean {
	return !lock.exclusive && locks.some((other) => !other.exclusive && shown.has(other.token) && concerns(other, change))
}

function concerns(lock: DavLock, { path, deep, name }: Change): boolean {
	return covers(lock, path) || (deep === true && isBelow(lock.path, path)) || (name === true && covers(lock, parentOf(path)))
}

export function locked(): HttpError {
	return new HttpError(423, 'somebody has locked it')
}

/** Anonymous clients are all one. */
export function holderOf({ grant }: FastifyRequest): string {
	return grant.name
}

/** What goes in this transaction is not locked any more. */
export function forgetLocks(tx: Transaction, locks: readonly DavLock[], path: Path): void {
	for (const { token } of locks.filter((lock) => isBelow(lock.path, path))) davLocks.remove(tx, token)
}
