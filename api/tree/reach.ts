/** Where a request leads in the tree, if whoever sends it may go there: both where he says and where that really is. */
import type { Role } from '../../core/access/role.ts'
import type { LocatedRow } from '../../core/catalogue/paths.ts'
import { codeOf, fail } from '../../core/errors.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { makeDirectory } from '../../core/filesystem/create.ts'
import { type Located, namesOfPath, resolve } from '../../core/filesystem/resolve.ts'
import { joinPath } from '../../core/filesystem/directories.ts'
import type { Path } from '../../core/ids.ts'
import { type Op, run } from '../../core/op.ts'
import { type Asking, mayReach } from '../access/access.ts'
import type { Api } from '../api.ts'

export interface Reach {
	role: Role
	/** Of a symlink of the last name. */
	follow?: boolean
}

export function* reach(request: Asking, fs: Filesystem, path: Path, { role, follow = true }: Reach): Op<Located> {
	const names = namesOfPath(path)
	mayReach(request, names.reduce<Path>(joinPath, Buffer.alloc(0)), role)
	const located = yield* resolve(fs, path, { follow })
	mayReach(request, located.path, role)
	return located
}

export function* reachExisting(request: Asking, fs: Filesystem, path: Path, how: Reach): Op<Located & { row: LocatedRow }> {
	const { row, ...rest } = yield* reach(request, fs, path, how)
	return { ...rest, row: row ?? fail('ENOENT', 'there is nothing at this path') }
}

/** The same for a new name; directories that are missing above it are made, unless `refuse` throws. */
export async function reachWithParents(request: Asking, api: Api, path: Path, refuse?: () => void): Promise<Located> {
	try {
		return await run(reach(request, api.fs, path, { role: 'write' }))
	} catch (error) {
		if (codeOf(error) !== 'ENOENT') throw error
	}
	refuse?.()
	const names = namesOfPath(path)
	for (let count = 1; count < names.length; count++) await makeOne(request, api, names.slice(0, count).reduce<Path>(joinPath, Buffer.alloc(0)))
	return await run(reach(request, api.fs, path, { role: 'write' }))
}

async function makeOne(request: Asking, { fs, config }: Api, path: Path): Promise<void> {
	const { place, row, path: real } = await run(resolve(fs, path))
	if (row || !place) return
	mayReach(request, real, 'write')
	const { uid, gid, directoryMode: mode } = config.api
	try {
		await run(makeDirectory(fs, place, { mode, uid, gid }))
	} catch (error) {
		// Somebody else was first.
		if (codeOf(error) !== 'EEXIST') throw error
	}
}
