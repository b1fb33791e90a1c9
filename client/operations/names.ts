/** Requests about a name in a directory. */
import { KIND } from '../../core/catalogue/files.ts'
import { mayBeBehind } from '../../core/filesystem/behind.ts'
import { makeDirectory, makeSpecial, makeSymlink, create } from '../../core/filesystem/create.ts'
import { link, readlink } from '../../core/filesystem/links.ts'
import { getAttributes, lookup } from '../../core/filesystem/lookup.ts'
import { NAME_BYTES_MAX } from '../../core/filesystem/names.ts'
import { removeDirectory, unlink } from '../../core/filesystem/remove.ts'
import { rename, type RenameMode } from '../../core/filesystem/rename.ts'
import type { FileRow } from '../../core/catalogue/files.ts'
import { fail } from '../../core/errors.ts'
import { joinPath } from '../../core/filesystem/directories.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { keepsRemoved } from '../../core/filesystem/trash.ts'
import { isInTrash } from '../../core/filesystem/trash-paths.ts'
import type { FileId, Name } from '../../core/ids.ts'
import type { Op } from '../../core/op.ts'
import { attributeValidity, type Door, type Operation } from '../door.ts'
import { putEntry, putNegativeEntry } from '../fuse/encode.ts'
import type { Reply } from '../fuse/session.ts'
import { nameAt, type Request, u32, u64 } from '../fuse/request.ts'
import { releaseHandle } from './open.ts'

const RENAME_NOREPLACE = 1
const RENAME_EXCHANGE = 2
const DOT = 46

function entryReply(door: Door, row: FileRow): Reply {
	return (out) => putEntry(out.view, out.at, row, door.validity.entry, attributeValidity(door, row.id))
}

export const lookupName: Operation = (door) =>
	function* (request) {
		const { pid, node } = request
		const name = nameAt(request, 0)
		if (name[0] === DOT && (name.length === 1 || (name.length === 2 && name[1] === DOT))) return entryReply(door, yield* byNumber(door.fs, node, name))
		const row = isAbsent(door.fs, node, name) ? undefined : yield* lookUpFor(door, pid, node, name)
		if (row && row.kind !== KIND.directory) door.listers.lookedUp(pid, node)
		if (row) return entryReply(door, row)
		const validity = door.validity.negative()
		const isKept = validity.seconds > 0 && !(yield* mayAppear(door.fs, node, name))
		return !isKept ? 'ENOENT' : (out) => putNegativeEntry(out.view, out.at, validity)
	}

function lookUpFor({ fs, askedAgain }: Door, pid: number, node: FileId, name: Name): Op<FileRow | undefined> {
	return askedAgain.isEmpty() ? lookup(fs, node, name) : askedAgain.lookUp(pid, () => lookup(fs, node, name))
}

/**
 * Of a file whose number came from outside the kernel, in a handle that an NFS client or open_by_handle_at(2) kept: the file itself
 * by the name `.`, and of a directory the one above it by `..`.
 */
function* byNumber(fs: Filesystem, id: FileId, name: Name): Op<FileRow> {
	if (name.length === 1) return yield* getAttributes(fs, id)
	const [, above] = yield* fs.directories.ancestors(fs.catalogue, id)
	return yield* getAttributes(fs, above ?? id)
}

/** As the kernel of a mount that is alone remembers what is not there: whoever else begins to change the tree waits for mounts to forget it. */
function isAbsent({ shared, readAhead }: Filesystem, parent: FileId, name: Name): boolean {
	return !shared && name.length <= NAME_BYTES_MAX && readAhead.whole.lacks(parent, name)
}

/** The trash grows by removals: its names come while their directory is not asked for, and the kernel may hear of them after it is. */
function* mayAppear(fs: Filesystem, parent: FileId, name: Name): Op<boolean> {
	return keepsRemoved(fs) && isInTrash(joinPath(yield* fs.directories.path(fs.catalogue, parent), name))
}

function owner(request: Request): { uid: number; gid: number } {
	return { uid: request.uid, gid: request.gid }
}

export const mkdir: Operation = (door) =>
	function* (request) {
		const place = { parent: request.node, name: nameAt(request, 8) }
		return entryReply(door, yield* makeDirectory(door.fs, place, { mode: u32(request, 0), ...owner(request) }))
	}

export const mknod: Operation = (door) =>
	function* (request) {
		const mode = u32(request, 0)
		const kind = (mode >> 12) & 15
		const place = { parent: request.node, name: nameAt(request, 16) }
		const file = { mode: mode & 0o7777, ...owner(request) }
		if (kind !== KIND.regular && kind !== 0) return entryReply(door, yield* makeSpecial(door.fs, place, file, kind, u32(request, 4)))
		const made = yield* create(door.fs, place, file, true)
		if ('existing' in made) return fail('EEXIST')
		yield* releaseHandle(door, { file: made.open, write: true, passedThrough: false })
		return entryReply(door, made.open.row)
	}

export const symlink: Operation = (door) =>
	function* (request) {
		const name = nameAt(request, 0)
		const target = nameAt(request, name.length + 1)
		return entryReply(door, yield* makeSymlink(door.fs, { parent: request.node, name }, target, owner(request)))
	}

export const readLink: Operation = (door) =>
	function* (request) {
		const target = yield* door.askedAgain.ask(request.pid, readlink(door.fs, request.node))
		return (out) => {
			out.bytes.set(target, out.at)
			return target.length
		}
	}

export const linkFile: Operation = (door) =>
	function* (request) {
		const place = { parent: request.node, name: nameAt(request, 8) }
		return entryReply(door, yield* door.askedAgain.ask(request.pid, link(door.fs, u64(request, 0), place)))
	}

export const unlinkName: Operation = (door) =>
	function* (request) {
		yield* unlink(door.fs, { parent: request.node, name: nameAt(request, 0) })
		return undefined
	}

export const rmdir: Operation = (door) =>
	function* (request) {
		yield* removeDirectory(door.fs, { parent: request.node, name: nameAt(request, 0) })
		return undefined
	}

export const renameName: Operation = (door) =>
	function* (request) {
		yield* moveName(door, request, 8, 'replace')
		return undefined
	}

export const rename2: Operation = (door) =>
	function* (request) {
		const flags = u32(request, 8)
		if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) !== 0) fail('EINVAL')
		const mode = flags & RENAME_EXCHANGE ? 'exchange' : flags & RENAME_NOREPLACE ? 'noreplace' : 'replace'
		yield* moveName(door, request, 16, mode)
		return undefined
	}

function* moveName(door: Door, request: Request, namesAt: number, mode: RenameMode): Op<void> {
	const name = nameAt(request, namesAt)
	const from = { parent: request.node, name }
	const to = { parent: newDirectory(request), name: nameAt(request, namesAt + name.length + 1) }
	yield* rename(door.fs, from, to, mode)
	// The kernel moves what it remembers of the name. Another client may have given it to another file, and told of that too late the kernel would have the wrong one at the new name.
	if (!mayBeBehind(door.fs) && !door.isTelling()) return
	door.doubtName(to)
	if (mode === 'exchange') door.doubtName(from)
}

export function newDirectory(request: Request): FileId {
	return u64(request, 0)
}
