/** Following the journal: what another client changed is forgotten here, and the door is told. */
import * as changes from '../catalogue/changes.ts'
import type { ChangeRow } from '../catalogue/changes.ts'
import * as files from '../catalogue/files.ts'
import type { FileId } from '../ids.ts'
import { type Op, wait } from '../op.ts'
import { refreshClients } from './clients.ts'
import type { Filesystem } from './filesystem.ts'
import { refreshClasses, refreshNodes } from './nodes.ts'
import { becomeOrphan } from './open-files.ts'
import { forgetPlaces } from './places.ts'

const MOVES = new Set(['rename', 'renamedir', 'exchange', 'unlink', 'rmdir'])

/** Everything others did since the last time. */
export function* catchUp(fs: Filesystem): Op<ChangeRow[]> {
	fs.lookedUp = undefined
	fs.absent = undefined
	const own = {}
	fs.catchingUp = own
	fs.catalogue.markSeen()
	const news = yield* follow(fs, yield* fs.journal.read(fs.catalogue))
	// Or another was begun, for what came after this one had read.
	if (fs.catchingUp === own) fs.catchingUp = undefined
	return news
}

/** The changes of others among these, after every cache here has forgotten what they touch. */
export function* follow(fs: Filesystem, rows: readonly ChangeRow[]): Op<ChangeRow[]> {
	const foreign = [...fs.unfollowed, ...rows.filter((row) => row.client_id !== fs.client)]
	// Should anything fail, they are followed the next time: the journal does not tell them again.
	fs.unfollowed = foreign
	yield* takeNotice(fs, foreign)
	if (directoryMoved(foreign)) for (const file of fs.open.values()) file.pathInDoubt ||= file.writers > 0
	if (foreign.some((row) => row.op === 'client')) {
		for (const file of fs.open.values()) file.pinInDoubt ||= file.writers > 0
		yield* refreshClients(fs)
	}
	if (foreign.some((row) => row.op === 'node')) yield* refreshNodes(fs)
	if (foreign.some((row) => row.op === 'class')) yield* refreshClasses(fs)
	if (fs.unfollowed.length > 0) fs.unfollowed = without(fs.unfollowed, foreign)
	return foreign
}

/** Others may have been added meanwhile. */
function without(rows: readonly ChangeRow[], followed: readonly ChangeRow[]): ChangeRow[] {
	const known = new Set(followed)
	return rows.filter((row) => !known.has(row))
}

/** Nothing of what these changed is remembered here any more, and the door knows. */
export function* takeNotice(fs: Filesystem, rows: readonly ChangeRow[]): Op<void> {
	if (rows.some((row) => MOVES.has(row.op))) forgetPlaces(fs)
	if (rows.length > 0) fs.touched.forgetAll()
	// All of it before anybody else has a turn: what is still remembered of a name would tell anew where a directory was.
	for (const row of rows) forget(fs, row)
	for (const row of rows) {
		yield* refreshOpen(fs, row)
		fs.onChange(row)
	}
}

function forget(fs: Filesystem, row: ChangeRow): void {
	if (row.parent_id !== null) fs.readAhead.forgetDirectory(row.parent_id)
	if (row.detail !== null && MOVES.has(row.op)) fs.readAhead.forgetDirectory(changes.readPlaceDetail(row.detail).parent)
	if (row.file_id !== null) fs.readAhead.forgetFile(row.file_id)
}

/**
 * A file that is open here and has lost its last name lives on until it is closed. Who only reads it goes on with the version he has; whether there are
 * extended attributes is asked of what is open.
 */
function* refreshOpen(fs: Filesystem, { file_id }: ChangeRow): Op<void> {
	const open = file_id === null ? undefined : fs.open.get(file_id)
	if (!open || open.orphan) return
	const row = yield* wait(files.find(fs.catalogue, open.id))
	if (row) {
		open.row = open.writers > 0 ? row : { ...open.row, flags: row.flags }
		return
	}
	becomeOrphan(open)
}

/** Whether a name of the file led somewhere else meanwhile. Of an exchange the journal names one file, and this may be the other. */
export function nameMoved(rows: readonly ChangeRow[], id: FileId): boolean {
	return rows.some((row) => row.op === 'exchange' || (row.file_id === id && MOVES.has(row.op)))
}

/** Whether paths put together before may be wrong now. */
export function directoryMoved(rows: readonly ChangeRow[]): boolean {
	return rows.some((row) => row.op === 'renamedir' || row.op === 'exchange')
}
