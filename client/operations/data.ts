/** Requests about content: those that passthrough leaves to this process, and all of them where it carries the data. */
import { allocate, read, write } from '../../core/filesystem/data.ts'
import { fail } from '../../core/errors.ts'
import type { OpenFile } from '../../core/filesystem/open-files.ts'
import { withRoom } from '../../core/filesystem/relocate.ts'
import { type Op, wait } from '../../core/op.ts'
import type { Door, Operation } from '../door.ts'
import { putNumber64 } from '../fuse/encode.ts'
import { OUT_HEADER_BYTES, WRITE_CACHE, WRITE_KILL_SUIDGID } from '../fuse/protocol.ts'
import { bytesAt, signed64, u32, u64 } from '../fuse/request.ts'
import type { Reply } from '../fuse/session.ts'
import { countRead, countWritten } from '../meter.ts'
import { clearSetId } from './set-id.ts'

const WRITE_STRUCT_BYTES = 40
const O_APPEND = 0o2000
const SEEK_DATA = 3
const SEEK_HOLE = 4

export const readFile: Operation = (door) =>
	function* (request) {
		const { file } = door.handles.file(u64(request, 0))
		const position = u64(request, 8)
		const whole = Buffer.allocUnsafe(OUT_HEADER_BYTES + u32(request, 16))
		const length = yield* read(door.fs, file, whole.subarray(OUT_HEADER_BYTES), position)
		countRead(length)
		return whole.subarray(0, OUT_HEADER_BYTES + length)
	}

export const writeFile: Operation = (door) =>
	function* (request) {
		const { file } = door.handles.file(u64(request, 0))
		const position = (u32(request, 32) & O_APPEND) !== 0 ? -1 : u64(request, 8)
		const killSetId = (u32(request, 20) & WRITE_KILL_SUIDGID) !== 0
		// Pages of a mapping: the kernel has nobody to tell of a short write, and would drop the rest.
		const fromCache = (u32(request, 20) & WRITE_CACHE) !== 0
		const size = u32(request, 16)
		// On the calling thread nothing is kept beyond this turn; a remote node's worker gets bytes of its own.
		const start = request.at + WRITE_STRUCT_BYTES
		const data = file.node.remote ? bytesAt(request, WRITE_STRUCT_BYTES, size) : request.bytes.subarray(start, start + size)
		const written = yield* write(door.fs, file, data, position, fromCache)
		countWritten(written)
		if (killSetId) yield* clearSetId(door, file, request)
		return (out) => {
			out.view.setUint32(out.at, written, true)
			out.view.setUint32(out.at + 4, 0, true)
			return 8
		}
	}

export const fallocate: Operation = (door) =>
	function* (request) {
		const { file, write } = door.handles.file(u64(request, 0))
		if (!write) fail('EBADF')
		yield* allocate(door.fs, file, u32(request, 24), { offset: u64(request, 8), length: u64(request, 16) })
		// Of these two calls the kernel does not say whether the bits have to go.
		if (request.uid !== 0) yield* clearSetId(door, file, request)
		return undefined
	}

export const lseek: Operation = (door) =>
	function* (request) {
		const { file } = door.handles.file(u64(request, 0))
		const whence = u32(request, 16)
		if (whence !== SEEK_DATA && whence !== SEEK_HOLE) fail('EINVAL')
		const offset = yield* wait(file.node.operations.seek(file.fd, signed64(request.view, request.at + 8), whence))
		return (out) => {
			putNumber64(out.view, out.at, offset)
			return 8
		}
	}

const COPY_BYTES_MAX = 4 * 1024 * 1024

export const copyFileRange: Operation = (door) =>
	function* (request) {
		const from = door.handles.file(u64(request, 0))
		const to = door.handles.file(u64(request, 24))
		const length = Math.min(u64(request, 40), 0x7fff_0000)
		const copied = yield* copy(door, { from: from.file, fromAt: u64(request, 8), to: to.file, toAt: u64(request, 32), length })
		if (request.uid !== 0) yield* clearSetId(door, to.file, request)
		const reply: Reply = (out) => {
			out.view.setUint32(out.at, copied, true)
			out.view.setUint32(out.at + 4, 0, true)
			return 8
		}
		return reply
	}

interface RangeCopy {
	from: OpenFile
	fromAt: number
	to: OpenFile
	toAt: number
	length: number
}

/** Within one node the filesystem below does it; between two the caller's own copy loop is as good as ours. */
function* copy({ fs }: Door, { from, fromAt, to, toAt, length }: RangeCopy): Op<number> {
	const copyHere = () => {
		if (from.node !== to.node) fail('EXDEV')
		const { operations, remote } = from.node
		return operations.copyRange(from.fd, fromAt, to.fd, toAt, remote ? Math.min(length, COPY_BYTES_MAX) : length)
	}
	return yield* withRoom(fs, to, copyHere, { bytes: Math.min(length, COPY_BYTES_MAX) })
}
