/**
 * What is to be named in a directory that is gone. The kernel knows its own removals, so another client's took it, and a name that the
 * kernel kept may lead to another by now: told ESTALE, it looks the way up once more. Who only looks up a name there is not told so: the
 * kernel hands that on to mkdir(2) and the like as it is.
 */
import * as files from '../core/catalogue/files.ts'
import { codeOf, fail } from '../core/errors.ts'
import type { Filesystem } from '../core/filesystem/filesystem.ts'
import { catchUp } from '../core/filesystem/follow.ts'
import type { FileId } from '../core/ids.ts'
import { type Op, wait } from '../core/op.ts'
import type { Operation } from './door.ts'
import type { Request } from './fuse/request.ts'

/** The operation makes a name in this directory, and in the other where there is one. */
export function namesIn(operation: Operation, other?: (request: Request) => FileId): Operation {
	return (door) => {
		const handle = operation(door)
		return function* (request) {
			const directories = other ? [request.node, other(request)] : [request.node]
			try {
				return yield* handle(request)
			} catch (error) {
				if (codeOf(error) !== 'ENOENT' || !(yield* isAnyGone(door.fs, directories))) throw error
				// Or a name that is kept here would lead there once more.
				yield* catchUp(door.fs)
				return fail('ESTALE')
			}
		}
	}
}

function* isAnyGone(fs: Filesystem, directories: readonly FileId[]): Op<boolean> {
	for (const id of directories) if (!(yield* wait(files.find(fs.catalogue, id)))) return true
	return false
}
