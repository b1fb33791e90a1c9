/** What is put into replies and read from requests, against the structs of linux/fuse.h as the C compiler lays them out. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { putAttributesOut, putDirectoryEntry, putEntry, putNegativeEntry, putNumber64 } from '../../client/fuse/encode.ts'
import { initHandler } from '../../client/fuse/init.ts'
import { ATTR_OUT_BYTES, ENTRY_OUT_BYTES, INIT_FLAG, IN_HEADER_BYTES, NOTIFY, OP, OPEN_OUT_BYTES, OUT_HEADER_BYTES, SETATTR } from '../../client/fuse/protocol.ts'
import { bytesAt, decodeRequest, nameAt, number64, type Request, signed64, u32, u64 } from '../../client/fuse/request.ts'
import type { Out, Reply } from '../../client/fuse/session.ts'
import type { FileRow } from '../../core/catalogue/files.ts'
import { run } from '../../core/op.ts'

const HEADER = '/usr/include/linux/fuse.h'

/** Values of C expressions, by the compiler of this machine. */
function evaluate(expressions: string[]): Map<string, number> {
	const folder = mkdtempSync(join(tmpdir(), 'cairn-layout-'))
	try {
		const lines = expressions.map((text) => `printf("%lld\\n", (long long)(${text}));`)
		const source = `#include <stdio.h>\n#include <stddef.h>\n#include <linux/fuse.h>\nint main(void) {\n${lines.join('\n')}\nreturn 0;\n}\n`
		writeFileSync(join(folder, 'layout.c'), source)
		execFileSync('gcc', ['-o', join(folder, 'layout'), join(folder, 'layout.c')])
		const answers = execFileSync(join(folder, 'layout'), { encoding: 'utf8' }).trim().split('\n').map(Number)
		return new Map(expressions.map((text, index) => [text, answers[index]]))
	} finally {
		rmSync(folder, { recursive: true })
	}
}

function hasCompiler(): boolean {
	if (!existsSync(HEADER)) return false
	try {
		execFileSync('gcc', ['--version'], { stdio: 'ignore' })
		return true
	} catch (error) {
		assert.equal((error as NodeJS.ErrnoException).code, 'ENOENT')
		return false
	}
}

const SIZES: Array<[expression: string, bytes: number]> = [
	['sizeof(struct fuse_in_header)', IN_HEADER_BYTES],
	['sizeof(struct fuse_out_header)', OUT_HEADER_BYTES],
	['sizeof(struct fuse_entry_out)', ENTRY_OUT_BYTES],
	['sizeof(struct fuse_attr_out)', ATTR_OUT_BYTES],
	['sizeof(struct fuse_open_out)', OPEN_OUT_BYTES],
	['sizeof(struct fuse_init_out)', 64],
	['sizeof(struct fuse_statfs_out)', 80],
	['sizeof(struct fuse_write_in)', 40],
	['sizeof(struct fuse_write_out)', 8],
	['sizeof(struct fuse_getxattr_out)', 8],
	['sizeof(struct fuse_notify_inval_inode_out)', 24],
	['sizeof(struct fuse_notify_inval_entry_out)', 16],
	['FUSE_NAME_OFFSET_DIRENTPLUS', ENTRY_OUT_BYTES + 24],
	['sizeof(struct fuse_mkdir_in)', 8],
	['sizeof(struct fuse_mknod_in)', 16],
	['sizeof(struct fuse_create_in)', 16],
	['sizeof(struct fuse_link_in)', 8],
	['sizeof(struct fuse_rename_in)', 8],
	['sizeof(struct fuse_rename2_in)', 16],
	['sizeof(struct fuse_getxattr_in)', 8],
	['FUSE_COMPAT_SETXATTR_IN_SIZE', 8],
	['offsetof(struct fuse_setattr_in, fh)', 8],
	['offsetof(struct fuse_setattr_in, size)', 16],
	['offsetof(struct fuse_setattr_in, atime)', 32],
	['offsetof(struct fuse_setattr_in, mtime)', 40],
	['offsetof(struct fuse_setattr_in, atimensec)', 56],
	['offsetof(struct fuse_setattr_in, mtimensec)', 60],
	['offsetof(struct fuse_setattr_in, mode)', 68],
	['offsetof(struct fuse_setattr_in, uid)', 76],
	['offsetof(struct fuse_setattr_in, gid)', 80],
	['offsetof(struct fuse_read_in, offset)', 8],
	['offsetof(struct fuse_read_in, size)', 16],
	['offsetof(struct fuse_write_in, offset)', 8],
	['offsetof(struct fuse_write_in, size)', 16],
	['offsetof(struct fuse_write_in, write_flags)', 20],
	['offsetof(struct fuse_write_in, flags)', 32],
	['offsetof(struct fuse_open_in, open_flags)', 4],
	['offsetof(struct fuse_create_in, mode)', 4],
	['offsetof(struct fuse_fallocate_in, offset)', 8],
	['offsetof(struct fuse_fallocate_in, length)', 16],
	['offsetof(struct fuse_fallocate_in, mode)', 24],
	['offsetof(struct fuse_lseek_in, offset)', 8],
	['offsetof(struct fuse_lseek_in, whence)', 16],
	['offsetof(struct fuse_copy_file_range_in, off_in)', 8],
	['offsetof(struct fuse_copy_file_range_in, fh_out)', 24],
	['offsetof(struct fuse_copy_file_range_in, off_out)', 32],
	['offsetof(struct fuse_copy_file_range_in, len)', 40],
	['offsetof(struct fuse_fsync_in, fsync_flags)', 8],
	['offsetof(struct fuse_rename2_in, flags)', 8],
	['offsetof(struct fuse_setxattr_in, flags)', 4],
	['offsetof(struct fuse_init_in, minor)', 4],
	['offsetof(struct fuse_init_in, max_readahead)', 8],
	['offsetof(struct fuse_init_in, flags)', 12],
	['offsetof(struct fuse_init_in, flags2)', 16],
	['offsetof(struct fuse_init_out, max_write)', 20],
	['offsetof(struct fuse_init_out, time_gran)', 24],
	['offsetof(struct fuse_init_out, max_pages)', 28],
	['offsetof(struct fuse_init_out, flags2)', 32],
	['offsetof(struct fuse_kstatfs, bsize)', 40],
	['offsetof(struct fuse_kstatfs, namelen)', 44],
	['offsetof(struct fuse_kstatfs, frsize)', 48],
	['offsetof(struct fuse_open_out, open_flags)', 8],
	['FUSE_NOTIFY_INVAL_INODE', NOTIFY.INVAL_INODE],
	['FUSE_NOTIFY_INVAL_ENTRY', NOTIFY.INVAL_ENTRY],
	['FUSE_NOTIFY_DELETE', NOTIFY.DELETE],
]

if (hasCompiler()) {
	test('sizes and offsets are those of the header', () => {
		const found = evaluate(SIZES.map(([expression]) => expression))
		for (const [expression, bytes] of SIZES) assert.equal(bytes, found.get(expression), expression)
	})

	test('opcodes and flags are those of the header', () => {
		const renamed: Record<string, string> = { KILL_SUIDGID: 'FATTR_KILL_SUIDGID', BIG_WRITES: 'FUSE_BIG_WRITES', READDIRPLUS_AUTO: 'FUSE_READDIRPLUS_AUTO' }
		const expected: Array<[string, number]> = [
			...Object.entries(OP).map(([name, value]): [string, number] => [`FUSE_${name}`, value]),
			...Object.entries(INIT_FLAG).map(([name, value]): [string, number] => [`FUSE_${name}`, value]),
			...Object.entries(SETATTR).map(([name, value]): [string, number] => [renamed[name] ?? `FATTR_${name}`, value]),
		]
		const found = evaluate(expected.map(([name]) => name))
		for (const [name, value] of expected) assert.equal(value, found.get(name), name)
	})

	test('each field of an entry lies where the header has it', () => {
		const fields = ['ino', 'size', 'blocks', 'atime', 'mtime', 'ctime', 'atimensec', 'mtimensec', 'ctimensec', 'mode', 'nlink', 'uid', 'gid', 'rdev', 'blksize']
		const expressions = fields.map((field) => `offsetof(struct fuse_entry_out, attr.${field})`)
		const found = evaluate([...expressions, 'offsetof(struct fuse_attr_out, attr)', 'offsetof(struct fuse_dirent, name)'])
		const { view, bytes } = page()
		putEntry(view, 0, ROW, { seconds: 5, nanoseconds: 6 }, { seconds: 7, nanoseconds: 8 })
		const expected = [ROW.id, ROW.size, ROW.blocks, ROW.atime, ROW.mtime, ROW.ctime, ROW.atime_ns, ROW.mtime_ns, ROW.ctime_ns, 0o100640, ROW.nlink, ROW.uid, ROW.gid, ROW.rdev, 4096]
		fields.forEach((field, index) => {
			const offset = found.get(expressions[index]) as number
			const value = index < 6 ? Number(bytes.readBigInt64LE(offset)) : bytes.readUInt32LE(offset)
			assert.equal(value, expected[index], field)
		})
		assert.equal(found.get('offsetof(struct fuse_attr_out, attr)'), 16)
		assert.equal(found.get('offsetof(struct fuse_dirent, name)'), 24)
	})
} else {
	console.log(`no gcc or no ${HEADER}: the header is not compared`)
}

const ROW: FileRow = {
	id: 2 ** 40 + 3, kind: 8, mode: 0o640, uid: 4_294_967_294, gid: 7, rdev: 0x103, nlink: 2, size: 2 ** 45 + 9, blocks: 11,
	atime: -2, atime_ns: 999_999_999, mtime: 2 ** 33, mtime_ns: 1, ctime: 1_700_000_000, ctime_ns: 2, version: 1, class_id: 1, flags: 0,
}

function page(): Out {
	const bytes = Buffer.alloc(4096, 0xaa)
	return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset), at: 0 }
}

test('64-bit numbers survive, whichever sign they have', () => {
	const { view, bytes } = page()
	for (const value of [0, 1, -1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, -(2 ** 32), -(2 ** 32) - 1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
		putNumber64(view, 8, value)
		assert.equal(bytes.readBigInt64LE(8), BigInt(value))
		assert.equal(signed64(view, 8), value)
		if (value >= 0) assert.equal(number64(view, 8), value)
	}
})

test('an entry says how long its name and its attributes hold', () => {
	const { view, bytes } = page()
	assert.equal(putEntry(view, 0, ROW, { seconds: 5, nanoseconds: 6 }, { seconds: 7, nanoseconds: 8 }), 128)
	assert.deepEqual([bytes.readBigUInt64LE(0), bytes.readBigUInt64LE(8), bytes.readBigUInt64LE(16), bytes.readBigUInt64LE(24)], [BigInt(ROW.id), 0n, 5n, 7n])
	assert.deepEqual([bytes.readUInt32LE(32), bytes.readUInt32LE(36)], [6, 8])
	assert.equal(bytes[128], 0xaa)
})

test('a negative entry has no node and holds as long as said', () => {
	const { view, bytes } = page()
	assert.equal(putNegativeEntry(view, 0, { seconds: 3, nanoseconds: 4 }), 128)
	assert.equal(bytes.readBigUInt64LE(0), 0n)
	assert.deepEqual([bytes.readBigUInt64LE(16), bytes.readUInt32LE(32)], [3n, 4])
	assert.ok(bytes.subarray(40, 128).every((byte) => byte === 0))
})

test('the kind of a file is in its mode', () => {
	const types: Array<[kind: number, type: number]> = [[1, 0o010000], [2, 0o020000], [4, 0o040000], [6, 0o060000], [8, 0o100000], [10, 0o120000], [12, 0o140000]]
	for (const [kind, type] of types) {
		const { view, bytes } = page()
		putAttributesOut(view, 0, { ...ROW, kind, mode: 0o7777 }, { seconds: 0, nanoseconds: 0 })
		assert.equal(bytes.readUInt32LE(16 + 60), type | 0o7777)
	}
})

test('directory entries are padded to eight bytes and never go past the end', () => {
	for (let length = 1; length <= 255; length++) {
		const out = page()
		const name = Buffer.alloc(length, 0x78)
		const size = 24 + Math.ceil(length / 8) * 8
		const entry = { id: 9, cookie: 2 ** 35, name, kind: 10 }
		assert.equal(putDirectoryEntry(out, { at: 8, end: 8 + size - 1 }, entry), 0)
		assert.equal(putDirectoryEntry(out, { at: 8, end: 8 + size }, entry), size)
		assert.deepEqual([out.bytes.readBigUInt64LE(8), out.bytes.readBigUInt64LE(16)], [9n, 2n ** 35n])
		assert.deepEqual([out.bytes.readUInt32LE(24), out.bytes.readUInt32LE(28)], [length, 10])
		assert.deepEqual(out.bytes.subarray(32, 32 + length), name)
		assert.ok(out.bytes.subarray(32 + length, 8 + size).every((byte) => byte === 0))
		assert.equal(out.bytes[8 + size], 0xaa)
	}
})

/** A request as the kernel writes it. */
function request(opcode: number, body: Buffer): Request {
	const bytes = Buffer.alloc(40 + body.length + 16, 0xbb)
	bytes.writeUInt32LE(40 + body.length, 0)
	bytes.writeUInt32LE(opcode, 4)
	bytes.writeBigUInt64LE(0x1234_5678_9abc_def0n, 8)
	bytes.writeBigUInt64LE(2n ** 40n + 3n, 16)
	bytes.writeUInt32LE(4_000_000_000, 24)
	bytes.writeUInt32LE(100, 28)
	bytes.writeUInt32LE(4_242, 32)
	body.copy(bytes, 40)
	return decodeRequest(bytes, new DataView(bytes.buffer, bytes.byteOffset))
}

test('a request is taken apart, its names are copies', () => {
	const body = Buffer.concat([Buffer.from([1, 0, 0, 0, 2, 0, 0, 128]), Buffer.from('first\0second\0')])
	const taken = request(OP.RENAME, body)
	assert.deepEqual(
		[taken.opcode, taken.uniqueLow, taken.uniqueHigh, taken.node, taken.uid, taken.gid, taken.pid, taken.at, taken.end],
		[OP.RENAME, 0x9abcdef0, 0x12345678, 2 ** 40 + 3, 4_000_000_000, 100, 4_242, 40, 40 + body.length],
	)
	assert.deepEqual([u32(taken, 0), u32(taken, 4), u64(taken, 0)], [1, 0x80000002, 0x80000002 * 2 ** 32 + 1])
	const [first, second] = [nameAt(taken, 8), nameAt(taken, 14)]
	const copy = bytesAt(taken, 8, 5)
	taken.bytes.fill(0)
	assert.deepEqual([`${first}`, `${second}`, `${copy}`], ['first', 'second', 'first'])
})

test('INIT agrees on no more than the kernel offers', () => {
	const offer = (minor: number, flags: number, flags2: number) => {
		const body = Buffer.alloc(64)
		for (const [index, value] of [7, minor, 131_072, flags >>> 0, flags2].entries()) body.writeUInt32LE(value >>> 0, index * 4)
		return request(OP.INIT, body)
	}
	const answer = (wanted: boolean, minor: number, flags: number, flags2: number) => {
		const out = page()
		let passthrough: boolean | undefined
		const reply = run(initHandler(wanted, (agreed) => (passthrough = agreed.passthrough))(offer(minor, flags, flags2))) as Exclude<Reply, Buffer | string>
		assert.equal(reply(out), 64)
		return { minor: out.bytes.readUInt32LE(4), flags: out.bytes.readUInt32LE(12), flags2: out.bytes.readUInt32LE(32), depth: out.bytes.readUInt32LE(36), passthrough }
	}
	assert.deepEqual(answer(true, 31, 0, 0), { minor: 31, flags: 0, flags2: 0, depth: 0, passthrough: false })
	const all = answer(true, 99, -1, -1)
	assert.deepEqual([all.minor, all.flags2, all.depth, all.passthrough], [40, 1 << 5, 1, true])
	assert.equal(all.flags & INIT_FLAG.POSIX_ACL, 0)
	assert.equal(answer(false, 99, -1, -1).passthrough, false)
	// Without INIT_EXT the second word means something else.
	assert.equal(answer(true, 40, ~INIT_FLAG.INIT_EXT, -1).passthrough, false)
	assert.throws(() => answer(true, 30, -1, -1), { code: 'EPROTO' })
})
