/** Callbacks about open files. All content is carried. */
import { fail } from '../../core/errors.ts'
import { create } from '../../core/filesystem/create.ts'
import { read, write } from '../../core/filesystem/data.ts'
import { open } from '../../core/filesystem/open.ts'
import { publishAtClose, release, sync } from '../../core/filesystem/publish.ts'
import type { Op } from '../../core/op.ts'
import { answer, answerCount } from './answer.ts'
import type { Callbacks } from './library.ts'
import { owner, type Portable } from './portable.ts'

const O_ACCMODE = 3
const O_RDONLY = 0
const O_TRUNC = 0o1000

type OpenFileCallbacks = Pick<Callbacks, 'open' | 'create' | 'read' | 'write' | 'flush' | 'release' | 'fsync'>

export function openFileCallbacks(portable: Portable): OpenFileCallbacks {
	const { fs } = portable
	return {
		open: (path, flags, done) => answer(fs, openPath(portable, path, flags), done),
		create: (path, mode, done) => answer(fs, createPath(portable, path, mode), done),
		read: (_path, fd, buffer, length, position, done) => answerCount(fs, readAt(portable, fd, buffer.subarray(0, length), position), done),
		write: (_path, fd, buffer, length, position, done) => answerCount(fs, writeAt(portable, fd, buffer.subarray(0, length), position), done),
		flush: (_path, fd, done) => answer(fs, flush(portable, fd), done),
		release: (_path, fd, done) => answer(fs, close(portable, fd), done),
		fsync: (_path, dataOnly, fd, done) => answer(fs, fsync(portable, fd, dataOnly !== 0), done),
	}
}

function* openPath({ fs, paths, handles }: Portable, path: string, flags: number): Op<number> {
	const write = (flags & O_ACCMODE) !== O_RDONLY
	const file = yield* open(fs, yield* paths.id(path), { write, truncate: (flags & O_TRUNC) !== 0 })
	return handles.addFile({ file, write, passedThrough: false })
}

/**
 * The package does not pass the flags, so whether O_EXCL was among them is unknown here. ESTALE makes the kernel look the
 * name up again and decide by itself: EEXIST with O_EXCL, an ordinary open without.
 */
function* createPath({ fs, paths, handles }: Portable, path: string, mode: number): Op<number> {
	const made = yield* create(fs, yield* paths.place(path), { mode: mode & 0o7777, ...owner() }, false)
	if ('existing' in made) return fail('ESTALE')
	return handles.addFile({ file: made.open, write: true, passedThrough: false })
}

function* readAt({ fs, handles }: Portable, fd: number, buffer: Buffer, position: number): Op<number> {
	return yield* read(fs, handles.file(fd).file, buffer, position)
}

function* writeAt({ fs, handles }: Portable, fd: number, buffer: Buffer, position: number): Op<number> {
	return yield* write(fs, handles.file(fd).file, buffer, position)
}

function* fsync({ fs, handles }: Portable, fd: number, dataOnly: boolean): Op<void> {
	yield* sync(fs, handles.file(fd).file, dataOnly)
}

function* flush({ fs, handles }: Portable, fd: number): Op<void> {
	const { file, write } = handles.file(fd)
	if (write) yield* publishAtClose(fs, file)
}

function* close({ fs, handles, hidden }: Portable, fd: number): Op<void> {
	const { file, write } = handles.removeFile(fd)
	try {
		yield* release(fs, file, write)
	} finally {
		if (file.handles === 0) hidden.remove(file.id)
	}
}
