/** Runs an operation and answers the library: a value, or a negative errno. */
import { Errno, toldCode } from '../../core/errors.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { errnoNumber } from '../../core/libc.ts'
import { isPromise, type Maybe, type Op, run } from '../../core/op.ts'
import type { Done } from './library.ts'

export function answer<T>(fs: Filesystem, op: Op<T>, done: Done<T>): void {
	settle(fs, op, (value) => done(0, value), done)
}

/** For operations whose result is a number of bytes. */
export function answerCount(fs: Filesystem, op: Op<number>, done: Done): void {
	settle(fs, op, done, done)
}

function settle<T>(fs: Filesystem, op: Op<T>, succeeded: (value: T) => void, failed: (result: number) => void): void {
	const refuse = (error: unknown) => failed(-numberFor(fs, error))
	let result: Maybe<T>
	try {
		result = run(op)
	} catch (error) {
		return refuse(error)
	}
	if (isPromise(result)) result.then(succeeded, refuse)
	else succeeded(result)
}

/** Anything that carries no errno is a mistake of ours: the caller gets EIO, the keeper the whole story. */
function numberFor(fs: Filesystem, error: unknown): number {
	const isOurs = error instanceof Errno || (error as { code?: unknown } | null)?.code !== undefined
	if (!isOurs) fs.report(`fuse-native: ${(error as Error)?.stack ?? error}`)
	return errnoNumber(toldCode(error))
}
