/** Which operation answers which request. */
import type { Door, Operation } from './door.ts'
import { OP } from './fuse/protocol.ts'
import type { Handler } from './fuse/session.ts'
import { namesIn } from './gone-directory.ts'
import * as attributes from './operations/attributes.ts'
import * as data from './operations/data.ts'
import * as directories from './operations/directories.ts'
import * as names from './operations/names.ts'
import * as open from './operations/open.ts'

const OPERATIONS: ReadonlyArray<[opcode: number, operation: Operation]> = [
	[OP.LOOKUP, names.lookupName],
	[OP.GETATTR, attributes.getattr],
	[OP.SETATTR, attributes.setattr],
	[OP.READLINK, names.readLink],
	[OP.SYMLINK, namesIn(names.symlink)],
	[OP.MKNOD, namesIn(names.mknod)],
	[OP.MKDIR, namesIn(names.mkdir)],
	[OP.UNLINK, names.unlinkName],
	[OP.RMDIR, names.rmdir],
	[OP.RENAME, namesIn(names.renameName, names.newDirectory)],
	[OP.RENAME2, namesIn(names.rename2, names.newDirectory)],
	[OP.LINK, namesIn(names.linkFile)],
	[OP.OPEN, open.openFile],
	[OP.CREATE, namesIn(open.createFile)],
	[OP.READ, data.readFile],
	[OP.WRITE, data.writeFile],
	[OP.FLUSH, open.flush],
	[OP.RELEASE, open.releaseFile],
	[OP.FSYNC, open.fsync],
	[OP.FSYNCDIR, open.fsyncDirectory],
	[OP.FALLOCATE, data.fallocate],
	[OP.LSEEK, data.lseek],
	[OP.COPY_FILE_RANGE, data.copyFileRange],
	[OP.STATFS, attributes.statfsTree],
	[OP.GETXATTR, attributes.getxattr],
	[OP.LISTXATTR, attributes.listxattr],
	[OP.SETXATTR, attributes.setxattr],
	[OP.REMOVEXATTR, attributes.removexattr],
	[OP.OPENDIR, directories.opendir],
	[OP.READDIR, directories.readdir],
	[OP.READDIRPLUS, directories.readdirplus],
	[OP.RELEASEDIR, directories.releasedir],
]

export function handlersFor(door: Door): Map<number, Handler> {
	return new Map(OPERATIONS.map(([opcode, operation]) => [opcode, operation(door)]))
}
