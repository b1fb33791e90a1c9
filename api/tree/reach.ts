/** Where a request leads in the tree, if whoever sends it may go there: both where he says and where that really is. */
import { setImmediate as othersFirst } from 'node:timers/promises'
import type { Role } from '../../core/access/role.ts'
import type { FileRow } from '../../core/catalogue/files.ts'
import type { LocatedRow } from '../../core/catalogue/paths.ts'
import { codeOf, fail } from '../../core/errors.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { makeDirectory } from '../../core/filesystem/create.ts'
import { joined, type Located, namesOfPath, resolve } from '../../core/filesystem/resolve.ts'
import { joinPath } from '../../core/filesystem/directories.ts'
import type { Name, Path } from '../../core/ids.ts'
import { type Op, run } from '../../core/op.ts'
import { type Asking, mayLead, mayReach } from '../access/access.ts'
import type { Api } from '../api.ts'
import { HttpError } from '../errors.ts'

/** A mount reaches no longer ones. */
const NEW_PATH_BYTES_MAX = 4_095
/** Then others have their turn. */
const LEVELS_AT_ONCE = 16

export interface Reach {
	role: Role
	/** Of a symlink of the last name. */
	follow?: boolean
}

export function* reach(request: Asking, fs: Filesystem, path: Path, { role, follow = true }: Reach): Op<Located> {
	const asked = plainPath(path)
	mayReach(request, asked, role)
	const located = yield* resolve(fs, path, { follow })
	mayLead(request, asked, located.path, role)
	return located
}

export function* reachExisting(request: Asking, fs: Filesystem, path: Path, how: Reach): Op<Located & { row: LocatedRow }> {
	const { row, ...rest } = yield* reach(request, fs, path, how)
	return { ...rest, row: row ?? fail('ENOENT', 'there is nothing at this path') }
}

/** The same of a name that is to be made or replaced. */
export async function reachTarget(request: Asking, { fs }: Api, path: Path, { follow = true }: Pick<Reach, 'follow'> = {}): Promise<Located> {
	return await withDirectory(async () => run(reach(request, fs, path, { role: 'write', follow })))
}

/** Where the directory above is missing, or is none, the answer is 409: what is asked for is not what is missing (RFC 4918, 9.7.1). */
export async function withDirectory<T>(look: () => Promise<T>): Promise<T> {
	try {
		return await look()
	} catch (error) {
		if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') throw new HttpError(409, 'there is no directory for that name to be in')
		throw error
	}
}

/** The same for a new name; directories that are missing above it are made, unless `refuse` throws. */
export async function reachWithParents(request: Asking, api: Api, path: Path, refuse?: () => void): Promise<Located> {
	try {
		return await run(reach(request, api.fs, path, { role: 'write' }))
	} catch (error) {
		if (codeOf(error) !== 'ENOENT') throw error
	}
	refuse?.()
	if (path.length > NEW_PATH_BYTES_MAX) fail('ENAMETOOLONG')
	const names = namesOfPath(path)
	let { count, located } = await deepest(api.fs, names)
	for (; count < names.length; count++) {
		if (count % LEVELS_AT_ONCE === 0) await othersFirst()
		const { id } = located.row ?? (await makeOne(request, api, located, names.slice(0, count)))
		const name = names[count]
		located = { path: joinPath(located.path, name), place: { parent: id, name }, row: undefined }
	}
	return await run(reach(request, api.fs, path, { role: 'write' }))
}

interface Deepest {
	count: number
	located: Located
}

/** How many of the names are there, the last of them perhaps not. Of those above one that is there all are. */
async function deepest(fs: Filesystem, names: readonly Name[]): Promise<Deepest> {
	let found: Deepest = { count: 0, located: await run(resolve(fs, joined([]))) }
	for (let missing = names.length; found.count + 1 < missing; ) {
		const count = Math.floor((found.count + missing) / 2)
		try {
			found = { count, located: await run(resolve(fs, joined(names.slice(0, count)))) }
		} catch (error) {
			if (codeOf(error) !== 'ENOENT') throw error
			missing = count
		}
	}
	return found
}

async function makeOne(request: Asking, { fs, config }: Api, { place, path: real }: Located, names: readonly Name[]): Promise<FileRow> {
	mayReach(request, real, 'write')
	const { uid, gid, directoryMode: mode } = config.api
	try {
		return await run(makeDirectory(fs, place ?? fail('ENOENT'), { mode, uid, gid }))
	} catch (error) {
		if (codeOf(error) !== 'EEXIST') throw error
		// Somebody else was first.
		return (await run(resolve(fs, joined(names)))).row ?? fail('ENOENT')
	}
}

/** As it is written where nothing is written twice. */
export function plainPath(path: Path): Path {
	return joined(namesOfPath(path))
}
