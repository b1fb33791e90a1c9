/** What SQLite's result codes (sqlite.org/rescode.html) mean in the one error vocabulary. */
import { CatalogueError } from '../errors.ts'

const BUSY = 5
/** ERROR, CONSTRAINT, MISMATCH, RANGE. */
const OF_STATEMENT: ReadonlySet<number> = new Set([1, 19, 20, 25])
const CODES: Readonly<Record<number, string>> = {
	5: 'EIO', // BUSY: still, after the time an operation may wait
	6: 'EIO', // LOCKED
	8: 'EROFS', // READONLY
	10: 'EIO', // IOERR
	11: 'EIO', // CORRUPT
	13: 'ENOSPC', // FULL
	14: 'EIO', // CANTOPEN
	26: 'EIO', // NOTADB
}
/** CORRUPT, NOTADB. */
const OF_DAMAGE: ReadonlySet<number> = new Set([11, 26])
/** Extended codes: PRIMARYKEY, UNIQUE, ROWID. */
const DUPLICATE: ReadonlySet<number> = new Set([1555, 2067, 2579])

export function isBusy(error: unknown): boolean {
	return (resultCode(error) & 0xff) === BUSY
}

/** Neither the disk nor another process: the same statement would fail again. */
export function isOfStatement(error: unknown): boolean {
	return OF_STATEMENT.has(resultCode(error) & 0xff)
}

/** An error of the database as an Errno; anything else, a programming mistake for one, as it is. */
export function translated(error: unknown): unknown {
	const result = resultCode(error)
	const code = DUPLICATE.has(result) ? 'EEXIST' : CODES[result & 0xff]
	const then = OF_DAMAGE.has(result & 0xff) ? " (what to do: docs/OPERATING.md, 'Losing the catalogue')" : ''
	return code ? new CatalogueError(code, `the catalogue: ${(error as Error).message}${then}`) : error
}

function resultCode(error: unknown): number {
	const code = (error as { errcode?: unknown } | null)?.errcode
	return typeof code === 'number' ? code : 0
}
