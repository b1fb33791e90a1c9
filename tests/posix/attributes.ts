/** Modes, owners, times, sizes, and what each operation does to them. */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import { join } from 'node:path'
import { setTimes, statvfs, truncate, UTIME_NOW, UTIME_OMIT } from '../support/libc.ts'
import { type Cases, fails } from './cases.ts'

const stat = (path: string) => fs.lstatSync(path, { bigint: true })
const modeOf = (path: string) => fs.lstatSync(path).mode & 0o7777

/** What changed among mtime and ctime of `watched` while `body` ran. Its times are put well into the past first. */
function touched(watched: string, body: () => void): string[] {
	setTimes(watched, { seconds: 1_000_000, nanoseconds: 5 }, { seconds: 1_000_000, nanoseconds: 7 })
	const before = stat(watched)
	tick(before.ctimeNs)
	body()
	const after = stat(watched)
	const changed: string[] = []
	if (after.mtimeNs !== before.mtimeNs) changed.push('mtime')
	if (after.ctimeNs !== before.ctimeNs) changed.push('ctime')
	return changed
}

/** The kernel's clock for files moves in steps of up to 10 ms. */
function tick(pastNs: bigint): void {
	while (BigInt(Date.now() - 20) * 1_000_000n < pastNs) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
}

export const cases: Cases = {
	'chmod sets every permission bit'(dir) {
		const file = join(dir, 'f')
		fs.writeFileSync(file, '')
		for (const mode of [0o000, 0o400, 0o644, 0o777, 0o1777, 0o2755, 0o4711, 0o6755, 0o7777]) {
			fs.chmodSync(file, mode)
			assert.equal(modeOf(file), mode)
		}
		fs.chmodSync(dir, 0o3775)
		assert.equal(modeOf(dir), 0o3775)
	},

	'the mode of a new file and directory is what was asked less the umask'(dir) {
		const umask = process.umask(0o027)
		try {
			fs.closeSync(fs.openSync(join(dir, 'f'), 'w', 0o666))
			fs.mkdirSync(join(dir, 'd'), { mode: 0o777 })
		} finally {
			process.umask(umask)
		}
		assert.equal(modeOf(join(dir, 'f')), 0o640)
		assert.equal(modeOf(join(dir, 'd')), 0o750)
	},

	'a file created without any permission can be written through the descriptor that made it'(dir) {
		const fd = fs.openSync(join(dir, 'f'), 'wx+', 0o000)
		fs.writeSync(fd, 'secret')
		fs.closeSync(fd)
		assert.equal(modeOf(join(dir, 'f')), 0)
		assert.equal(stat(join(dir, 'f')).size, 6n)
	},

	'chown changes owner and group, together and apart'(dir) {
		const file = join(dir, 'f')
		fs.writeFileSync(file, '')
		fs.chownSync(file, 1000, 2000)
		assert.deepEqual([stat(file).uid, stat(file).gid], [1000n, 2000n])
		fs.chownSync(file, 4_000_000_000, 4_000_000_001)
		assert.deepEqual([stat(file).uid, stat(file).gid], [4_000_000_000n, 4_000_000_001n])
	},

	'chown of a symlink is of the link itself'(dir) {
		fs.writeFileSync(join(dir, 'target'), '')
		fs.symlinkSync('target', join(dir, 'link'))
		fs.lchownSync(join(dir, 'link'), 12, 34)
		assert.deepEqual([stat(join(dir, 'link')).uid, stat(join(dir, 'target')).uid], [12n, 0n])
	},

	'times keep their nanoseconds, before 1970 and after 2038'(dir) {
		const file = join(dir, 'f')
		fs.writeFileSync(file, '')
		for (const seconds of [0, 1, 1_700_000_000, 2 ** 31 + 5, 4_100_000_000, -5]) {
			setTimes(file, { seconds, nanoseconds: 999_999_999 }, { seconds, nanoseconds: 123_456_789 })
			assert.equal(stat(file).atimeNs, BigInt(seconds) * 1_000_000_000n + 999_999_999n)
			assert.equal(stat(file).mtimeNs, BigInt(seconds) * 1_000_000_000n + 123_456_789n)
		}
	},

	'a time beyond what a disk can keep becomes one that it can, and the directory can be listed'(dir) {
		const file = join(dir, 'f')
		fs.writeFileSync(file, '')
		for (const seconds of [2 ** 56, -(2 ** 56)]) {
			setTimes(file, { seconds, nanoseconds: 5 }, { seconds, nanoseconds: 5 })
			const { atimeNs, mtimeNs } = stat(file)
			for (const time of [atimeNs, mtimeNs]) assert.equal(seconds > 0, time > 0n)
			assert.deepEqual(fs.readdirSync(dir), ['f'])
		}
	},

	'times of directories and of symlinks themselves can be set'(dir) {
		fs.mkdirSync(join(dir, 'd'))
		fs.symlinkSync('nowhere', join(dir, 'l'))
		for (const name of ['d', 'l']) {
			setTimes(join(dir, name), { seconds: 11, nanoseconds: 1 }, { seconds: 22, nanoseconds: 2 })
			assert.equal(stat(join(dir, name)).mtimeNs, 22_000_000_002n)
		}
	},

	'UTIME_OMIT leaves a time alone and UTIME_NOW sets it to now'(dir) {
		const file = join(dir, 'f')
		fs.writeFileSync(file, '')
		setTimes(file, { seconds: 1, nanoseconds: 2 }, { seconds: 3, nanoseconds: 4 })
		setTimes(file, { seconds: 0, nanoseconds: UTIME_OMIT }, { seconds: 9, nanoseconds: 9 })
		assert.deepEqual([stat(file).atimeNs, stat(file).mtimeNs], [1_000_000_002n, 9_000_000_009n])
		const before = BigInt(Date.now() - 1000) * 1_000_000n
		setTimes(file, { seconds: 0, nanoseconds: UTIME_NOW }, { seconds: 0, nanoseconds: UTIME_OMIT })
		assert.ok(stat(file).atimeNs > before)
		assert.equal(stat(file).mtimeNs, 9_000_000_009n)
	},

	'times set while a file is open for writing stay after close'(dir) {
		const file = join(dir, 'f')
		const fd = fs.openSync(file, 'w')
		fs.writeSync(fd, 'data')
		fs.futimesSync(fd, 1_000, 2_000)
		fs.closeSync(fd)
		assert.equal(stat(file).mtimeNs, 2_000_000_000_000n)
	},

	'writing moves mtime and ctime; reading moves neither'(dir) {
		const file = join(dir, 'f')
		fs.writeFileSync(file, 'some')
		assert.deepEqual(touched(file, () => fs.appendFileSync(file, 'more')), ['mtime', 'ctime'])
		assert.deepEqual(touched(file, () => void fs.readFileSync(file)), [])
	},

	'chmod, chown, link, rename and an attribute move ctime alone'(dir) {
		const file = join(dir, 'f')
		fs.writeFileSync(file, 'some')
		assert.deepEqual(touched(file, () => fs.chmodSync(file, 0o600)), ['ctime'])
		assert.deepEqual(touched(file, () => fs.chownSync(file, 5, 5)), ['ctime'])
		assert.deepEqual(touched(file, () => fs.linkSync(file, join(dir, 'g'))), ['ctime'])
		assert.deepEqual(touched(file, () => fs.unlinkSync(join(dir, 'g'))), ['ctime'])
	},

	'a directory changes its mtime and ctime with each entry made, moved or removed'(dir) {
		const parent = join(dir, 'd')
		const inside = (name: string) => join(parent, name)
		fs.mkdirSync(parent)
		const both = ['mtime', 'ctime']
		assert.deepEqual(touched(parent, () => fs.writeFileSync(inside('f'), '')), both)
		assert.deepEqual(touched(parent, () => fs.linkSync(inside('f'), inside('g'))), both)
		assert.deepEqual(touched(parent, () => fs.renameSync(inside('g'), inside('h'))), both)
		assert.deepEqual(touched(parent, () => fs.unlinkSync(inside('h'))), both)
		assert.deepEqual(touched(parent, () => fs.symlinkSync('x', inside('l'))), both)
		assert.deepEqual(touched(parent, () => fs.mkdirSync(inside('s'))), both)
		assert.deepEqual(touched(parent, () => fs.rmdirSync(inside('s'))), both)
		assert.deepEqual(touched(parent, () => fs.appendFileSync(inside('f'), 'x')), [])
		assert.deepEqual(touched(parent, () => fs.renameSync(inside('f'), join(dir, 'away'))), both)
		assert.deepEqual(touched(parent, () => fs.renameSync(join(dir, 'away'), inside('f'))), both)
	},

	'truncate moves mtime and ctime, down and up'(dir) {
		const file = join(dir, 'f')
		fs.writeFileSync(file, 'some data')
		assert.deepEqual(touched(file, () => truncate(file, 4)), ['mtime', 'ctime'])
		assert.deepEqual(touched(file, () => truncate(file, 40)), ['mtime', 'ctime'])
	},

	'opening with O_TRUNC moves mtime and ctime of a file with content'(dir) {
		const file = join(dir, 'f')
		fs.writeFileSync(file, 'some data')
		assert.deepEqual(touched(file, () => fs.closeSync(fs.openSync(file, 'w'))), ['mtime', 'ctime'])
	},

	'what fstat says is what stat says, before and after close'(dir) {
		const file = join(dir, 'f')
		const fd = fs.openSync(file, 'w+')
		fs.writeSync(fd, Buffer.alloc(10_000, 'x'))
		const open = fs.fstatSync(fd, { bigint: true })
		const named = stat(file)
		assert.deepEqual(
			[open.size, open.ino, open.mtimeNs, open.mode],
			[named.size, named.ino, named.mtimeNs, named.mode],
		)
		fs.closeSync(fd)
		assert.equal(stat(file).mtimeNs, open.mtimeNs)
		assert.equal(stat(file).size, 10_000n)
	},

	'a directory counts two links and one for each directory in it, or one alone'(dir) {
		const parent = join(dir, 'd')
		fs.mkdirSync(parent)
		const alone = fs.statSync(parent).nlink
		fs.mkdirSync(join(parent, 'a'))
		fs.mkdirSync(join(parent, 'b'))
		assert.ok([1, alone + 2].includes(fs.statSync(parent).nlink))
		assert.ok([1, 2].includes(alone))
	},

	'the inode number of a directory stays when it is renamed'(dir) {
		fs.mkdirSync(join(dir, 'a'))
		fs.writeFileSync(join(dir, 'a/f'), '')
		const [before, file] = [stat(join(dir, 'a')).ino, stat(join(dir, 'a/f')).ino]
		fs.renameSync(join(dir, 'a'), join(dir, 'b'))
		assert.equal(stat(join(dir, 'b')).ino, before)
		assert.equal(stat(join(dir, 'b/f')).ino, file)
	},

	'statfs has room, names of 255 bytes and sizes that add up'(dir) {
		const space = statvfs(dir)
		assert.equal(space.nameMax, 255)
		assert.ok(space.blockBytes >= 512 && space.blocks > 0)
		assert.ok(space.available <= space.free && space.free <= space.blocks)
		fails('ENOENT', () => statvfs(join(dir, 'nothing')))
	},
}
