/**
 * Numbers of the FUSE kernel protocol (linux/fuse.h, 7.40 and what older kernels lack of it). Offsets are in bytes from the
 * start of the request's body, which follows a header of 40.
 */
export const OP = {
	LOOKUP: 1, FORGET: 2, GETATTR: 3, SETATTR: 4, READLINK: 5, SYMLINK: 6, MKNOD: 8, MKDIR: 9, UNLINK: 10, RMDIR: 11, RENAME: 12,
	LINK: 13, OPEN: 14, READ: 15, WRITE: 16, STATFS: 17, RELEASE: 18, FSYNC: 20, SETXATTR: 21, GETXATTR: 22, LISTXATTR: 23,
	REMOVEXATTR: 24, FLUSH: 25, INIT: 26, OPENDIR: 27, READDIR: 28, RELEASEDIR: 29, FSYNCDIR: 30, ACCESS: 34, CREATE: 35,
	INTERRUPT: 36, DESTROY: 38, FALLOCATE: 43, READDIRPLUS: 44, RENAME2: 45, LSEEK: 46, COPY_FILE_RANGE: 47, BATCH_FORGET: 42,
} as const

export const IN_HEADER_BYTES = 40
export const OUT_HEADER_BYTES = 16
export const ENTRY_OUT_BYTES = 128
export const ATTR_OUT_BYTES = 104
export const OPEN_OUT_BYTES = 16

export const WRITE_BYTES_MAX = 1024 * 1024
export const PAGES_MAX = 256
/** A write request carries its header and struct in front of the data; the kernel wants room for a page more. */
export const READ_BUFFER_BYTES = WRITE_BYTES_MAX + 4096

export const INIT_FLAG = {
	ASYNC_READ: 1 << 0,
	ATOMIC_O_TRUNC: 1 << 3,
	EXPORT_SUPPORT: 1 << 4,
	BIG_WRITES: 1 << 5,
	DO_READDIRPLUS: 1 << 13,
	READDIRPLUS_AUTO: 1 << 14,
	PARALLEL_DIROPS: 1 << 18,
	POSIX_ACL: 1 << 20,
	MAX_PAGES: 1 << 22,
	NO_OPENDIR_SUPPORT: 1 << 24,
	HANDLE_KILLPRIV_V2: 1 << 28,
	INIT_EXT: 1 << 30,
} as const

/** In flags2. */
export const INIT_FLAG2 = { PASSTHROUGH: 1 << 5 } as const

export const SETATTR = {
	MODE: 1 << 0, UID: 1 << 1, GID: 1 << 2, SIZE: 1 << 3, ATIME: 1 << 4, MTIME: 1 << 5, FH: 1 << 6, ATIME_NOW: 1 << 7,
	MTIME_NOW: 1 << 8, CTIME: 1 << 10, KILL_SUIDGID: 1 << 11,
} as const

export const OPENED = { DIRECT_IO: 1 << 0, NOFLUSH: 1 << 5, PASSTHROUGH: 1 << 7 } as const

export const OPEN_KILL_SUIDGID = 1 << 0
export const WRITE_CACHE = 1
export const WRITE_KILL_SUIDGID = 1 << 2

export const NOTIFY = { INVAL_INODE: 2, INVAL_ENTRY: 3, DELETE: 6 } as const

/** _IOW(229, 1, struct fuse_backing_map) and _IOW(229, 2, u32). */
export const IOCTL_BACKING_OPEN = 0x4010e501
export const IOCTL_BACKING_CLOSE = 0x4004e502
