/** A file that is written whole takes its name by a rename: that would put it in the place of a device or a pipe, and not into it. */
import { realpathSync, statSync } from 'node:fs'
import { UserError } from '../core/errors.ts'
import { EXIT } from './exit-codes.ts'

/** Where the file goes: where a symlink of that name leads, as for whoever opens it. */
export function plainTarget(path: string): string {
	const found = statSync(path, { throwIfNoEntry: false })
	if (!found) return path
	if (found.isDirectory()) throw new UserError(`${path} is a directory: name a file`, EXIT.usage)
	if (!found.isFile()) throw new UserError(`${path} is no regular file, and would be replaced: name another`, EXIT.usage)
	return realpathSync(path)
}
