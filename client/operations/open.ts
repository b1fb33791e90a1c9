/** Opening, creating, closing. */
import { KIND } from '../../core/catalogue/files.ts'
import { create } from '../../core/filesystem/create.ts'
import { open } from '../../core/filesystem/open.ts'
import type { OpenFile } from '../../core/filesystem/open-files.ts'
import { publishAtClose, release, sync } from '../../core/filesystem/publish.ts'
import { fail } from '../../core/errors.ts'
import { type Op, wait } from '../../core/op.ts'
import { isLowOnRoom } from '../../core/placement/room.ts'
import { attributeValidity, type Door, type Operation } from '../door.ts'
import { putEntry, putNumber64 } from '../fuse/encode.ts'
import { ENTRY_OUT_BYTES, OPEN_KILL_SUIDGID, OPEN_OUT_BYTES, OPENED } from '../fuse/protocol.ts'
import { nameAt, u32, u64 } from '../fuse/request.ts'
import type { Out } from '../fuse/session.ts'
import type { FileHandle } from '../handles.ts'
import { countOpen } from '../meter.ts'
import { clearSetId, hasSetId } from './set-id.ts'

const O_ACCMODE = 3
const O_RDONLY = 0
const O_EXCL = 0o200
const O_TRUNC = 0o1000
const FSYNC_DATA_ONLY = 1

interface Opened {
	handle: number
	flags: number
	backingId: number
}

function putOpened({ view }: Out, at: number, opened: Opened): number {
	putNumber64(view, at, opened.handle)
	view.setUint32(at + 8, opened.flags, true)
	view.setInt32(at + 12, opened.backingId, true)
	return OPEN_OUT_BYTES
}

/** The kernel learns how to reach the content. */
function grant(door: Door, file: OpenFile, write: boolean): Opened {
	// A write to a file with set-id bits has to pass here, where they are cleared: under passthrough nobody would.
	// Where room is short too: what does not fit can then be taken to another node.
	const carry = write && (hasSetId(file) || isLowOnRoom(file.node))
	const granted = door.passthrough.grant(file, carry)
	countOpen(granted.passedThrough)
	const handle = door.handles.addFile({ file, write, passedThrough: granted.passedThrough })
	// Nothing to publish when a reader closes: the kernel need not tell.
	return { handle, flags: granted.flags | (write ? 0 : OPENED.NOFLUSH), backingId: granted.backingId }
}

export const openFile: Operation = (door) =>
	function* (request) {
		const flags = u32(request, 0)
		const killSetId = (u32(request, 4) & OPEN_KILL_SUIDGID) !== 0
		const write = (flags & O_ACCMODE) !== O_RDONLY
		const file = yield* door.askedAgain.open(request.pid, request.node, { write, truncate: (flags & O_TRUNC) !== 0 })
		if (killSetId) yield* clearOrRelease(door, file, write, request)
		const opened = grant(door, file, write)
		return (out) => putOpened(out, out.at, opened)
	}

/** Whoever is told that it failed closes nothing. */
function* clearOrRelease(door: Door, file: OpenFile, write: boolean, request: { gid: number }): Op<void> {
	try {
		yield* clearSetId(door, file, request)
	} catch (error) {
		yield* release(door.fs, file, write)
		throw error
	}
}

export const createFile: Operation = (door) =>
	function* (request) {
		const flags = u32(request, 0)
		const mode = u32(request, 4)
		const place = { parent: request.node, name: nameAt(request, 16) }
		const made = yield* create(door.fs, place, { mode: mode & 0o7777, uid: request.uid, gid: request.gid }, (flags & O_EXCL) !== 0)
		const write = (flags & O_ACCMODE) !== O_RDONLY
		const file = 'open' in made ? yield* asAsked(door, made.open, write) : yield* openExisting(door, made.existing, flags, write)
		const opened = grant(door, file, write)
		return (out) => {
			const size = putEntry(out.view, out.at, file.row, door.validity.entry, attributeValidity(door, file.id))
			return size + putOpened(out, out.at + ENTRY_OUT_BYTES, opened)
		}
	}

/** Created read-only: published empty at once, because closing a reader publishes nothing. */
function* asAsked(door: Door, file: OpenFile, write: boolean): Op<OpenFile> {
	if (write) return file
	file.handles++
	yield* release(door.fs, file, true)
	return file
}

/** Somebody else created it between the kernel's question and its request. */
function* openExisting(door: Door, row: { id: number; kind: number }, flags: number, write: boolean): Op<OpenFile> {
	if (row.kind !== KIND.regular) fail(row.kind === KIND.directory ? 'EISDIR' : 'ESTALE')
	return yield* open(door.fs, row.id, { write, truncate: (flags & O_TRUNC) !== 0 })
}

/** close(2): what was written is the file's content for everybody from now on. */
export const flush: Operation = (door) =>
	function* (request) {
		const { file, write } = door.handles.file(u64(request, 0))
		if (write && (yield* publishAtClose(door.fs, file))) door.forgetAttributes(file.id)
		return undefined
	}

export const releaseFile: Operation = (door) =>
	function* (request) {
		const handle = door.handles.removeFile(u64(request, 0))
		door.passthrough.drop(handle.file.id)
		yield* releaseHandle(door, handle)
		return undefined
	}

export function releaseHandle(door: Door, { file, write }: FileHandle): Op<void> {
	return release(door.fs, file, write)
}

export const fsync: Operation = (door) =>
	function* (request) {
		const { file } = door.handles.file(u64(request, 0))
		if (yield* sync(door.fs, file, (u32(request, 8) & FSYNC_DATA_ONLY) !== 0)) door.forgetAttributes(file.id)
		return undefined
	}

export const fsyncDirectory: Operation = (door) =>
	function* () {
		yield* wait(door.fs.catalogue.sync())
		return undefined
	}
