/** MOVE and COPY of one name to another, as REST and WebDAV have them in common. */
import { KIND } from '../../core/catalogue/files.ts'
import type { LocatedRow } from '../../core/catalogue/paths.ts'
import { codeOf, fail } from '../../core/errors.ts'
import type { Place } from '../../core/filesystem/names.ts'
import { rename } from '../../core/filesystem/rename.ts'
import type { Located } from '../../core/filesystem/resolve.ts'
import { run } from '../../core/op.ts'
import type { Api } from '../api.ts'
import { HttpError } from '../errors.ts'
import { isBelow } from './below.ts'
import { copyTree } from './copy-tree.ts'
import { removeTree } from './remove-tree.ts'

export interface Transfer {
	from: Located & { row: LocatedRow }
	to: Located
	overwrite: boolean
	/** COPY of a directory without what is in it. */
	shallow?: boolean
}

/** False when something was replaced. */
export async function move(api: Api, { from, to, overwrite }: Transfer): Promise<boolean> {
	const { place: source } = from
	const { place: target, row } = to
	if (!source || !target) return fail('EACCES', 'the root stays where it is')
	if (isBelow(to.path, from.path) || isBelow(from.path, to.path)) throw new HttpError(403, 'the one is part of the other')
	if (row && !overwrite) throw new HttpError(412, 'something has that name')
	// A directory that is not empty does not give way by itself, and no directory to what is none.
	if (row && (row.kind === KIND.directory || from.row.kind === KIND.directory)) await removeTree(api.fs, target, row)
	await renameOver(api, source, target, overwrite)
	return row === undefined
}

async function renameOver({ fs }: Api, from: Place, to: Place, overwrite: boolean): Promise<void> {
	try {
		await run(rename(fs, from, to, overwrite ? 'replace' : 'noreplace'))
	} catch (error) {
		if (codeOf(error) === 'EEXIST') throw new HttpError(412, 'something has that name')
		throw error
	}
}

export async function copy(api: Api, { from, to, overwrite, shallow }: Transfer): Promise<boolean> {
	const { place: target, row } = to
	if (!target) return fail('EACCES', 'the root stays what it is')
	if (to.path.equals(from.path) || (isBelow(to.path, from.path) && !shallow) || (row && isBelow(from.path, to.path))) {
		throw new HttpError(403, 'the one is part of the other')
	}
	if (row && !overwrite) throw new HttpError(412, 'something has that name')
	const isReplacedInOneStep = from.row.kind === KIND.regular && row?.kind === KIND.regular
	if (row && !isReplacedInOneStep) await removeTree(api.fs, target, row)
	try {
		await copyTree(api, from.path, from.row, { place: target, path: to.path }, { exclusive: !overwrite, shallow })
	} catch (error) {
		if (codeOf(error) === 'EEXIST') throw new HttpError(412, 'something has that name')
		throw error
	}
	return row === undefined
}
