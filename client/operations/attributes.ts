/** Attributes, extended attributes, room. */
import { now } from '../../core/clock.ts'
import { fail } from '../../core/errors.ts'
import { type AttributeChange, setAttributes } from '../../core/filesystem/attributes.ts'
import { getAttributes } from '../../core/filesystem/lookup.ts'
import { statfs } from '../../core/filesystem/statfs.ts'
import { findXattr, listXattrs, removeXattr, setXattr } from '../../core/filesystem/xattrs.ts'
import { attributeValidity, type Operation } from '../door.ts'
import { putAttributesOut, putNumber64 } from '../fuse/encode.ts'
import { SETATTR } from '../fuse/protocol.ts'
import { bytesAt, nameAt, type Request, signed64, u32, u64 } from '../fuse/request.ts'
import type { Reply } from '../fuse/session.ts'
import { checkNamespace } from '../namespaces.ts'

const NAME_BYTES_MAX = 255
const XATTR_CREATE = 1
const XATTR_REPLACE = 2

export const getattr: Operation = (door) =>
	function* (request) {
		const row = yield* door.askedAgain.ask(request.pid, getAttributes(door.fs, request.node))
		return (out) => putAttributesOut(out.view, out.at, row, attributeValidity(door, row.id))
	}

export const setattr: Operation = (door) =>
	function* (request) {
		const valid = u32(request, 0)
		const handle = valid & SETATTR.FH ? door.handles.findFile(u64(request, 8)) : undefined
		const row = yield* door.askedAgain.ask(request.pid, setAttributes(door.fs, request.node, decodeChange(request, valid), handle?.file))
		return (out) => putAttributesOut(out.view, out.at, row, attributeValidity(door, row.id))
	}

function decodeChange(request: Request, valid: number): AttributeChange {
	const change: AttributeChange = {}
	if (valid & SETATTR.MODE) change.mode = u32(request, 68) & 0o7777
	if (valid & SETATTR.UID) change.uid = u32(request, 76)
	if (valid & SETATTR.GID) change.gid = u32(request, 80)
	if (valid & SETATTR.SIZE) change.size = u64(request, 16)
	if (valid & SETATTR.ATIME) change.atime = valid & SETATTR.ATIME_NOW ? now() : { s: signed64(request.view, request.at + 32), ns: u32(request, 56) }
	if (valid & SETATTR.MTIME) change.mtime = valid & SETATTR.MTIME_NOW ? now() : { s: signed64(request.view, request.at + 40), ns: u32(request, 60) }
	if (valid & SETATTR.KILL_SUIDGID) change.killSetId = request.uid === 0 ? {} : { gid: request.gid }
	return change
}

export const statfsTree: Operation = (door) =>
	function* () {
		const space = statfs(door.fs)
		return (out) => {
			const { view, at } = out
			out.bytes.fill(0, at, at + 80)
			putNumber64(view, at, space.blocks)
			putNumber64(view, at + 8, space.blocksFree)
			putNumber64(view, at + 16, space.blocksFree)
			putNumber64(view, at + 24, space.files)
			putNumber64(view, at + 32, space.filesFree)
			view.setUint32(at + 40, space.blockBytes, true)
			view.setUint32(at + 44, NAME_BYTES_MAX, true)
			view.setUint32(at + 48, space.blockBytes, true)
			return 80
		}
	}

/** Size 0 asks how large the answer is. */
function sized(value: Uint8Array, room: number): Reply {
	if (room === 0) {
		return (out) => {
			out.view.setUint32(out.at, value.length, true)
			out.view.setUint32(out.at + 4, 0, true)
			return 8
		}
	}
	if (value.length > room) fail('ERANGE')
	return (out) => {
		out.bytes.set(value, out.at)
		return value.length
	}
}

export const getxattr: Operation = (door) =>
	function* (request) {
		const room = u32(request, 0)
		const name = nameAt(request, 8)
		checkNamespace(name)
		const value = yield* door.askedAgain.ask(request.pid, findXattr(door.fs, request.node, name))
		return value ? sized(value, room) : 'ENODATA'
	}

export const listxattr: Operation = (door) =>
	function* (request) {
		// Read now: while the catalogue is asked, the next request takes this one's place.
		const room = u32(request, 0)
		return sized(yield* door.askedAgain.ask(request.pid, listXattrs(door.fs, request.node, request.uid)), room)
	}

export const setxattr: Operation = (door) =>
	function* (request) {
		const size = u32(request, 0)
		const flags = u32(request, 4)
		const name = nameAt(request, 8)
		checkNamespace(name)
		const value = bytesAt(request, 8 + name.length + 1, size)
		const existing = { create: (flags & XATTR_CREATE) !== 0, replace: (flags & XATTR_REPLACE) !== 0 }
		yield* door.askedAgain.ask(request.pid, setXattr(door.fs, request.node, name, value, existing))
		return undefined
	}

export const removexattr: Operation = (door) =>
	function* (request) {
		const name = nameAt(request, 0)
		checkNamespace(name)
		yield* door.askedAgain.ask(request.pid, removeXattr(door.fs, request.node, name))
		return undefined
	}
