/** Table `dav_lock`: what WebDAV clients have locked, at whichever door. */
import type { Path } from '../ids.ts'
import { type Op, wait } from '../op.ts'
import type { Capabilities, Reader, Transaction } from './driver.ts'

export interface DavLock {
	token: string
	path: Path
	/** And everything below it. */
	deep: boolean
	exclusive: boolean
	owner: Buffer
	holder: string
	/** Until it ends, by the database's clock. */
	seconds: number
}

interface LockRow {
	token: string
	path: Uint8Array
	deep: number
	exclusive: number
	owner: Uint8Array
	holder: string
	seconds: number
}

/** Those that hold, locked where somebody is about to decide on them. */
export function* list(reader: Reader, { now }: Capabilities, lock = ''): Op<DavLock[]> {
	const sql = `SELECT token, path, deep, exclusive, owner, holder, until_at - ${now} AS seconds FROM dav_lock WHERE until_at > ${now} ORDER BY token${lock}`
	const rows = yield* wait(reader.all<LockRow>(sql))
	return rows.map((row) => ({ ...row, path: Buffer.from(row.path), owner: Buffer.from(row.owner), deep: row.deep === 1, exclusive: row.exclusive === 1 }))
}

export function insert(tx: Transaction, lock: DavLock, { now }: Capabilities): void {
	tx.write(`INSERT INTO dav_lock (token, path, deep, exclusive, owner, holder, until_at) VALUES (?,?,?,?,?,?,${now} + ?)`, [
		lock.token, lock.path, Number(lock.deep), Number(lock.exclusive), lock.owner, lock.holder, lock.seconds,
	])
}

export function refresh(tx: Transaction, token: string, seconds: number, { now }: Capabilities): void {
	tx.write(`UPDATE dav_lock SET until_at = ${now} + ? WHERE token = ?`, [seconds, token])
}

export function remove(tx: Transaction, token: string): void {
	tx.write('DELETE FROM dav_lock WHERE token = ?', [token])
}

export function removeEnded(tx: Transaction, { now }: Capabilities): void {
	tx.write(`DELETE FROM dav_lock WHERE until_at <= ${now}`)
}
