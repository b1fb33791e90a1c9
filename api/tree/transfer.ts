/** MOVE and COPY of one name to another, as REST and WebDAV have them in common. */
import type { Transaction } from '../../core/catalogue/driver.ts'
import * as entries from '../../core/catalogue/entries.ts'
import * as paths from '../../core/catalogue/paths.ts'
import type { LocatedRow } from '../../core/catalogue/paths.ts'
import { type FileRow, KIND } from '../../core/catalogue/files.ts'
import { codeOf, Errno, fail } from '../../core/errors.ts'
import { located } from '../../core/filesystem/expected.ts'
import type { Place } from '../../core/filesystem/names.ts'
import { unlink } from '../../core/filesystem/remove.ts'
import { rename, type RenameCheck, type RenameMode } from '../../core/filesystem/rename.ts'
import { type Located, resolve } from '../../core/filesystem/resolve.ts'
import type { StoreOptions } from '../../core/filesystem/store.ts'
import { type Op, run, wait } from '../../core/op.ts'
import type { Api } from '../api.ts'
import { HttpError } from '../errors.ts'
import { isBelow } from './below.ts'
import { copyBeside, moveOver } from './copy-beside.ts'
import { copyTree } from './copy-tree.ts'

/** Asked in each transaction that changes something of the two names. */
export type TransferCheck = RenameCheck

export interface Transfer {
	from: Located & { row: LocatedRow }
	to: Located
	overwrite: boolean
	check?: TransferCheck
	/** COPY of a directory without what is in it. */
	shallow?: boolean
	/** COPY of a file: when it was last changed, instead of now. */
	modified?: StoreOptions['modified']
}

/** False when something was replaced. */
export async function move(api: Api, { from, to, overwrite, check }: Transfer): Promise<boolean> {
	const { place: source } = from
	const { place: target, row } = to
	if (!source || !target) return fail('EACCES', 'the root stays where it is')
	if (isBelow(to.path, from.path) || isBelow(from.path, to.path)) throw new HttpError(403, 'the one is part of the other')
	if (row && !overwrite) throw new HttpError(412, 'something has that name')
	if (row?.id === from.row.id) {
		await removeOther(api, { source, target, check }, row)
		return false
	}
	// A directory that is not empty does not give way by itself, and no directory to what is none.
	const changesPlaces = row !== undefined && (row.kind === KIND.directory || from.row.kind === KIND.directory)
	if (changesPlaces) await moveOver(api, { source, target, check })
	else await renameAs(api, overwrite ? 'replace' : 'noreplace', { source, target, check })
	return row === undefined
}

interface Names {
	source: Place
	target: Place
	check?: TransferCheck
}

/** Two names of one file: rename(2) would leave both (POSIX), and nothing is moved that is still there. */
async function removeOther({ fs }: Api, { source, target, check }: Names, { id }: LocatedRow): Promise<void> {
	await run(
		unlink(fs, source, {
			only: id,
			*check(tx, current) {
				const [[other]] = (yield* wait(tx.read(entries.lookupQuery(target.parent, target.name, fs.capabilities.forUpdate)))) as [FileRow[]]
				if (other?.id !== id) fail('ESTALE', 'somebody else changed it meanwhile')
				const row = yield* located(tx, current)
				if (check) yield* check(tx, row, row)
			},
		}),
	)
}

async function renameAs({ fs }: Api, mode: RenameMode, { source, target, check }: Names): Promise<void> {
	try {
		await run(rename(fs, source, target, mode, check))
	} catch (error) {
		throw asAppeared(error, mode === 'replace')
	}
}

/** Nothing had the name when it was looked at: who says that it may be replaced is to look again. */
function asAppeared(error: unknown, overwrite: boolean): unknown {
	const code = codeOf(error)
	if (code !== 'EEXIST' && !(overwrite && code === 'ENOTDIR')) return error
	return overwrite ? new Errno('ESTALE', 'something has got that name meanwhile') : new HttpError(412, 'something has that name')
}

export async function copy(api: Api, { from, to, overwrite, shallow, modified, check }: Transfer): Promise<boolean> {
	const { place: target, row } = to
	if (!target) return fail('EACCES', 'the root stays what it is')
	if (to.path.equals(from.path) || (isBelow(to.path, from.path) && !shallow) || (row && isBelow(from.path, to.path))) {
		throw new HttpError(403, 'the one is part of the other')
	}
	if (row && !overwrite) throw new HttpError(412, 'something has that name')
	const inOneStep = row ? from.row.kind === KIND.regular && row.kind === KIND.regular : from.row.kind !== KIND.directory
	const destination = { place: target, path: to.path }
	try {
		if (inOneStep) await copyTree(api, from.path, from.row, destination, { exclusive: !overwrite, modified, check: check && checkBoth })
		else await copyBeside(api, from.path, from.row, destination, { replaces: row, shallow, modified, check: wholly })
	} catch (error) {
		throw asAppeared(error, overwrite)
	}
	return row === undefined

	function* wholly(tx: Transaction, _: unknown, current: FileRow | undefined): Op<void> {
		// Of one that is being removed, or gave way to another, nobody knows how much was still there.
		const { row: now } = yield* resolve(api.fs, from.path, { follow: false, reader: tx })
		if (now?.id !== from.row.id) fail('ESTALE', 'what was being copied is gone')
		yield* checkBoth(tx, current)
	}

	function* checkBoth(tx: Transaction, current: FileRow | undefined): Op<void> {
		if (check) yield* check(tx, yield* paths.locate(tx, from.row.id), yield* located(tx, current))
	}
}
