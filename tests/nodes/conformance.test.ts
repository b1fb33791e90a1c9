/** Every sentence of core/nodes/node.ts, on both kinds of node. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, beforeEach, describe, test } from 'node:test'
import { newHealth } from '../../core/nodes/health.ts'
import { openLaneOperations } from '../../core/nodes/lanes.ts'
import { openLocalOperations } from '../../core/nodes/local.ts'
import type { NodeOperations } from '../../core/nodes/node.ts'
import { openPaths } from '../support/descriptors.ts'
import { setTimes } from '../support/libc.ts'
import { until } from '../support/until.ts'

const { O_RDONLY, O_RDWR, O_TRUNC } = fs.constants
const SEEK_DATA = 3
const SEEK_HOLE = 4
const PUNCH_HOLE_KEEP_SIZE = 3
const DT_DIR = 4
const DT_REG = 8
const DT_LNK = 10
const MIB = 1024 * 1024
const OWN = { mode: 0o644, uid: 0, gid: 0 }

const kinds: Record<string, (root: string) => NodeOperations> = {
	local: openLocalOperations,
	lanes: (root) => openLaneOperations(root, { deadlineMs: 20_000, callsMax: 2, health: newHealth() }),
}

const scratch = fs.mkdtempSync(join(tmpdir(), 'cairn-nodes-'))
after(() => execFileSync('rm', ['-rf', scratch]))

const path = (text: string) => Buffer.from(text)

for (const [kind, openOperations] of Object.entries(kinds)) {
	describe(kind, () => {
		let root: string
		let node: NodeOperations
		let count = 0

		beforeEach(() => {
			root = join(scratch, `${kind}-${count++}`)
			fs.mkdirSync(root)
			node = openOperations(root)
		})
		afterEach(() => node.end())

		const rejects = (code: string, call: () => unknown) => assert.rejects(async () => call(), { code })
		const write = async (name: string, text: string) => {
			const fd = await node.create(path(name), OWN)
			await node.write(fd, path(text), 0)
			await node.close(fd)
		}
		const content = (name: string) => fs.readFileSync(join(root, name), 'utf8')

		test('create makes a new regular file, open finds it, both check what is there', async () => {
			const fd = await node.create(path('f'), { mode: 0o4755, uid: 12, gid: 34 })
			const { mode, uid, gid } = await node.fstat(fd)
			assert.deepEqual([mode, uid, gid], [0o100755, 12, 34])
			await node.close(fd)
			await rejects('EEXIST', () => node.create(path('f'), OWN))
			await rejects('ENOENT', () => node.create(path('missing/f'), OWN))
			await rejects('ENOENT', () => node.open(path('missing'), O_RDONLY))
			await node.close(await node.open(path('f'), O_RDWR))
			for (const odd of ['', '.', '..', 'a/..', 'f\0g']) await rejects('EINVAL', () => node.create(path(odd), OWN))
		})

		test('open refuses what is no regular file, without waiting for a fifo', async () => {
			execFileSync('mkfifo', [join(root, 'fifo')])
			fs.mkdirSync(join(root, 'dir'))
			for (const name of ['fifo', 'dir']) {
				await rejects('EINVAL', () => node.open(path(name), O_RDONLY))
				await rejects('EINVAL', () => node.open(path(name), O_RDWR))
			}
		})

		test('reads, writes, appends, truncates and tells short reads at the end', async () => {
			const fd = await node.create(path('f'), OWN)
			assert.equal(await node.write(fd, path('hello world'), 0), 11)
			assert.equal(await node.write(fd, path('!!'), -1), 2)
			const buffer = Buffer.alloc(20)
			assert.equal(await node.read(fd, buffer, 6), 7)
			assert.equal(buffer.toString('latin1', 0, 7), 'world!!')
			assert.equal(await node.read(fd, buffer, 100), 0)
			assert.equal(await node.read(fd, new Uint8Array(0), 0), 0)
			await node.truncate(fd, 5)
			await node.sync(fd, true)
			await node.sync(fd, false)
			await node.flush(fd)
			assert.equal((await node.fstat(fd)).size, 5, 'open still')
			assert.equal(content('f'), 'hello')
			await node.close(fd)
			await node.close(await node.open(path('f'), O_RDWR | O_TRUNC))
			assert.equal(content('f'), '')
			await rejects('EBADF', () => node.read(999_999, buffer, 0))
		})

		test('holes: beyond 4 GiB, seeking, punching, ENXIO past the end', async () => {
			const far = 5 * 1024 * MIB
			const fd = await node.create(path('f'), OWN)
			await node.write(fd, Buffer.alloc(MIB, 1), far)
			assert.equal((await node.fstat(fd)).size, far + MIB)
			assert.equal(await node.seek(fd, 0, SEEK_DATA), far)
			assert.equal(await node.seek(fd, far, SEEK_HOLE), far + MIB)
			await rejects('ENXIO', () => node.seek(fd, far + MIB, SEEK_DATA))
			await node.allocate(fd, PUNCH_HOLE_KEEP_SIZE, far, MIB / 2)
			assert.equal(await node.seek(fd, 0, SEEK_DATA), far + MIB / 2)
			const byte = Buffer.alloc(1)
			await node.read(fd, byte, far)
			assert.equal(byte[0], 0)
			await node.close(fd)
		})

		test('copyRange copies within the node', async () => {
			await write('a', 'abcdefgh')
			const from = await node.open(path('a'), O_RDONLY)
			const to = await node.create(path('b'), OWN)
			assert.equal(await node.copyRange(from, 2, to, 1, 4), 4)
			assert.equal(content('b'), '\0cdef')
			await node.close(from)
			await node.close(to)
		})

		test('times and sizes that the catalogue cannot keep are told as the last it can', async () => {
			const wide = join(scratch, `${kind}-wide`)
			fs.mkdirSync(wide)
			execFileSync('mount', ['-t', 'tmpfs', 'none', wide])
			const node = openOperations(wide)
			try {
				const fd = await node.create(path('f'), OWN)
				await node.truncate(fd, 2 ** 62)
				setTimes(join(wide, 'f'), { seconds: 2 ** 56, nanoseconds: 0 }, { seconds: -(2 ** 56), nanoseconds: 0 })
				const { size, atime, mtime } = await node.fstat(fd)
				assert.deepEqual([size, atime, mtime], [Number.MAX_SAFE_INTEGER, 15_032_385_535, -2_147_483_648])
				await node.close(fd)
			} finally {
				node.end()
				execFileSync('umount', ['-l', wide])
			}
		})

		test('a disk that fills in the middle says how much it took, then ENOSPC', async () => {
			const small = join(scratch, `${kind}-small`)
			fs.mkdirSync(small)
			execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', small])
			const full = openOperations(small)
			try {
				const fd = await full.create(path('f'), OWN)
				assert.equal(await full.write(fd, Buffer.alloc(MIB), 0), 64 * 1024)
				await rejects('ENOSPC', () => full.write(fd, Buffer.alloc(MIB), 64 * 1024))
				await full.close(fd)
			} finally {
				full.end()
				execFileSync('umount', ['-l', small])
			}
		})

		test('attributes: of a path and of a descriptor, never with set-id bits, of a symlink itself', async () => {
			await write('f', 'x')
			await node.setAttributes(path('f'), { mode: 0o6751, uid: 4_000_000_000, mtime: -5, mtimeNs: 7 })
			let stat = await node.stat(path('f'))
			assert.deepEqual([stat.mode & 0o7777, stat.uid, stat.mtime, stat.mtimeNs], [0o751, 4_000_000_000, -5, 7])
			const fd = await node.open(path('f'), O_RDWR)
			await node.setFileAttributes(fd, { mode: 0o4600, atime: 5_000_000_000, atimeNs: 1, gid: 9 })
			stat = await node.fstat(fd)
			assert.deepEqual([stat.mode & 0o7777, stat.atime, stat.atimeNs, stat.mtime, stat.gid], [0o600, 5e9, 1, -5, 9])
			await node.close(fd)
			await node.symlink(path('f'), path('l'))
			await node.setAttributes(path('l'), { mode: 0o777, uid: 5, mtime: 1 })
			assert.equal(fs.lstatSync(join(root, 'l')).uid, 5)
			assert.equal(fs.statSync(join(root, 'f')).mode & 0o777, 0o600)
			await rejects('ENOENT', () => node.setAttributes(path('missing'), { mode: 0o600 }))
			await node.setAttributes(path(''), { mode: 0o750 })
			assert.equal((await node.stat(path(''))).mode & 0o7777, 0o750)
		})

		test('extended attributes: these and no others, of files and directories', async () => {
			await write('f', 'x')
			await node.makeDirectory(path('d'), { mode: 0o755 })
			const of = async (name: string) => (await node.xattrs(path(name))).map((each) => [`${Buffer.from(each.name)}`, `${Buffer.from(each.value)}`])
			for (const name of ['f', 'd']) {
				await node.setXattrs(path(name), [{ name: path('user.a'), value: path('1') }, { name: path('user.b'), value: path('') }])
				assert.deepEqual((await of(name)).sort(), [['user.a', '1'], ['user.b', '']])
				await node.setXattrs(path(name), [{ name: path('user.b'), value: path('2') }])
				assert.deepEqual(await of(name), [['user.b', '2']])
			}
			// More than the filesystem has room for is left out.
			await node.setXattrs(path('f'), [{ name: path('user.large'), value: Buffer.alloc(65_536) }])
			await rejects('ENOENT', () => node.setXattrs(path('missing'), []))
			await rejects('ENOENT', () => node.xattrs(path('missing')))
		})

		test('directories: made with their parents, twice is once', async () => {
			await node.makeDirectory(path('a/b/c'), { mode: 0o2770, uid: 3, gid: 4 })
			const made = await node.stat(path('a/b/c'))
			assert.deepEqual([made.mode, made.uid, made.gid], [0o40770, 3, 4])
			await node.makeDirectory(path('a/b/c'), { mode: 0o700 })
			assert.equal((await node.stat(path('a/b/c'))).mode, 0o40770)
			assert.equal((await node.stat(path('a/b'))).mode, 0o40755)
			await node.makeDirectory(path(''))
			await write('a/f', '')
			await rejects('EEXIST', () => node.makeDirectory(path('a/f')))
			await rejects('ENOTDIR', () => node.makeDirectory(path('a/f/g')))
			await rejects('ENOTEMPTY', () => node.removeDirectory(path('a/b')))
			await rejects('ENOTDIR', () => node.removeDirectory(path('a/f')))
			await rejects('EISDIR', () => node.unlink(path('a/b')))
			await node.removeDirectory(path('a/b/c'))
			await node.removeDirectory(path('a/b/c'))
			await node.removeDirectory(path('gone/altogether'))
		})

		test('unlink of a large file: its room is given back, and nobody holds it', async () => {
			await write('large', 'x')
			fs.truncateSync(join(root, 'large'), 64 * MIB)
			await node.unlink(path('large'))
			assert.equal(fs.existsSync(join(root, 'large')), false)
			const isHeld = () => openPaths().some((open) => open.startsWith(join(root, 'large')))
			await until('the removed file is let go', () => (isHeld() ? undefined : true))
		})

		test('unlink: gone already is no error', async () => {
			await write('f', '')
			await node.unlink(path('f'))
			await node.unlink(path('f'))
			await node.unlink(path('no/such/parent'))
			await write('f', '')
			await node.unlink(path('f/was/a/directory'))
			assert.equal(content('f'), '')
		})

		test('rename replaces, makes parents, and tells a source that is gone', async () => {
			await write('a', '1')
			await write('b', '2')
			await node.rename(path('a'), path('b'))
			assert.equal(content('b'), '1')
			await node.rename(path('b'), path('new/deep/c'))
			assert.equal(content('new/deep/c'), '1')
			await rejects('ENOENT', () => node.rename(path('a'), path('other/x')))
			assert.equal(fs.existsSync(join(root, 'other')), false)
		})

		test('rename to a name that should be new replaces nothing', async () => {
			await write('a', '1')
			await write('b', '2')
			await rejects('EEXIST', () => node.rename(path('a'), path('b'), true))
			assert.deepEqual([content('a'), content('b')], ['1', '2'])
			await node.rename(path('a'), path('new/c'), true)
			assert.equal(content('new/c'), '1')
			await rejects('ENOENT', () => node.rename(path('a'), path('b'), true))
			assert.equal(content('b'), '2')
		})

		test('a directory that was renamed and made anew is not mistaken for the old one', async () => {
			await node.makeDirectory(path('d'))
			await write('d/f', 'old')
			await node.stat(path('d/f'))
			await node.rename(path('d'), path('e'))
			await node.makeDirectory(path('d'))
			await write('d/f', 'new')
			await node.unlink(path('d/f'))
			assert.deepEqual([fs.readdirSync(join(root, 'd')), content('e/f')], [[], 'old'])
		})

		test('link: the same file twice is fine, another is EEXIST', async () => {
			await write('a', '1')
			await write('b', '2')
			await node.link(path('a'), path('deep/l'))
			await node.link(path('a'), path('deep/l'))
			assert.equal((await node.stat(path('a'))).nlink, 2)
			await rejects('EEXIST', () => node.link(path('a'), path('b')))
			await rejects('ENOENT', () => node.link(path('missing'), path('x')))
		})

		test('many names of a directory at once', async () => {
			await node.makeDirectory(path('many'))
			await write('many/a', 'a')
			await node.symlink(path('/etc'), path('many/l'))
			const found = await node.statNames(path('many'), ['a', 'gone', 'l'].map(path))
			assert.deepEqual(found, [await node.stat(path('many/a')), undefined, await node.stat(path('many/l'))])
			assert.deepEqual(await node.statNames(path('many'), [path('n'.repeat(256))]), ['ENAMETOOLONG'])
			await rejects('ENOENT', () => node.statNames(path('none'), [path('a')]))
			await rejects('ELOOP', () => node.statNames(path('many/l'), [path('passwd')]))
			await rejects('EINVAL', () => node.statNames(path('many'), [path('..')]))
			await rejects('EINVAL', () => node.statNames(path('many'), [path('l/passwd')]))
		})

		test('symlink: the same target is fine, anything else EEXIST', async () => {
			await node.symlink(path('/etc/passwd'), path('deep/l'))
			await node.symlink(path('/etc/passwd'), path('deep/l'))
			await rejects('EEXIST', () => node.symlink(path('other'), path('deep/l')))
			assert.equal(fs.readlinkSync(join(root, 'deep/l')), '/etc/passwd')
			await write('f', '')
			await rejects('EEXIST', () => node.symlink(path('x'), path('f')))
			const long = 't'.repeat(4095)
			await node.symlink(path(long), path('long'))
			await node.symlink(path(long), path('long'))
			assert.equal(`${await node.readlink(path('long'))}`, long)
			await rejects('EINVAL', () => node.readlink(path('f')))
			await rejects('ENOENT', () => node.readlink(path('gone')))
			assert.equal(fs.readlinkSync(join(root, 'long')), long)
		})

		test('setAside keeps what stood there', async () => {
			const name = 'n'.repeat(255)
			await write(name, 'kept')
			const aside = await node.setAside(path(name))
			assert.equal(content(aside.toString()), 'kept')
			assert.match(aside.toString(), /^\.cairn\/conflicts\/.+-n{200}$/)
			await rejects('ENOENT', () => node.setAside(path(name)))
		})

		test('no path leads through a symlink', async () => {
			const outside = join(scratch, `${kind}-outside`)
			fs.mkdirSync(outside)
			fs.writeFileSync(join(outside, 'canary'), 'alive')
			await node.makeDirectory(path('d'))
			await write('d/canary', 'inside')
			await node.stat(path('d/canary'))
			fs.renameSync(join(root, 'd'), join(root, 'was-d'))
			fs.symlinkSync(outside, join(root, 'd'))
			await node.forgetDirectories()
			// What a directory's descriptor may be trusted for has passed.
			await new Promise((resolve) => setTimeout(resolve, 5))
			await rejects('ELOOP', () => node.open(path('d/canary'), O_RDWR))
			await rejects('ELOOP', () => node.create(path('d/new'), OWN))
			await rejects('ELOOP', () => node.list(path('d')))
			const byName: (() => unknown)[] = [
				() => node.stat(path('d/canary')),
				() => node.unlink(path('d/canary')),
				() => node.makeDirectory(path('d/new')),
				() => node.rename(path('was-d/canary'), path('d/x')),
				() => node.rename(path('d/canary'), path('x')),
				() => node.link(path('d/canary'), path('x')),
				() => node.setAttributes(path('d/canary'), { mode: 0 }),
				() => node.setAside(path('d/canary')),
				() => node.symlink(path('t'), path('d/l')),
			]
			for (const call of byName) await rejects('ELOOP', call)
			await rejects('ELOOP', () => node.open(path('d'), O_RDWR))
			assert.deepEqual(fs.readdirSync(outside), ['canary'])
			assert.equal(fs.readFileSync(join(outside, 'canary'), 'utf8'), 'alive')
		})

		test('paths longer than PATH_MAX, names of 255 bytes and one more', async () => {
			const name = 'd'.repeat(200)
			const deep = Array.from({ length: 45 }, () => name).join('/')
			assert.ok(deep.length > 2 * 4096)
			await node.makeDirectory(path(deep))
			await write(`${deep}/${'f'.repeat(255)}`, 'deep')
			assert.deepEqual((await node.list(path(deep))).map((entry) => entry.name.length), [255])
			await node.rename(path(`${deep}/${'f'.repeat(255)}`), path(`${deep}/g`))
			assert.equal((await node.stat(path(`${deep}/g`))).size, 4)
			await node.unlink(path(`${deep}/g`))
			await rejects('ENAMETOOLONG', () => node.create(path('f'.repeat(256)), OWN))
			await rejects('ENAMETOOLONG', () => node.stat(path('f'.repeat(5000))))
			await rejects('ENAMETOOLONG', () => node.stat(path(`${'f'.repeat(5000)}/x`)))
		})

		test('names are bytes; a listing has them all, and not .cairn of the root', async () => {
			const names = ['\xffa', 'a\nb', 'a ', 'a', 'A', '100%_', '-rf', 'x\'y"z', '\x01'].map((name) => Buffer.from(name, 'latin1'))
			for (const name of names) await node.close(await node.create(name, OWN))
			await node.makeDirectory(path('.cairn/incoming'))
			await node.makeDirectory(path('sub/.cairn'))
			await node.symlink(path('x'), path('link'))
			const listed = new Map((await node.list(path(''))).map((entry) => [entry.name.toString('latin1'), entry.kind]))
			for (const name of names) assert.equal(listed.get(name.toString('latin1')), DT_REG)
			assert.deepEqual([listed.size, listed.get('sub'), listed.get('link')], [names.length + 2, DT_DIR, DT_LNK])
			assert.deepEqual((await node.list(path('sub'))).map((entry) => entry.name.toString()), ['.cairn'])
			await rejects('ENOENT', () => node.list(path('missing')))
			await rejects('ENOTDIR', () => node.list(path('a')))
		})

		test('a listing of many names is whole', async () => {
			for (let index = 0; index < 3000; index++) fs.writeFileSync(join(root, `a-rather-long-name-for-a-file-${index}`), '')
			assert.equal(new Set((await node.list(path(''))).map((entry) => entry.name.toString())).size, 3000)
		})

		test('space is that of the filesystem', async () => {
			const { capacity, free, files, filesFree, disk } = await node.space()
			const { blocks, bsize } = fs.statfsSync(root)
			assert.equal(capacity, blocks * bsize)
			assert.ok(free > 0 && free < capacity && filesFree > 0 && filesFree < files)
			assert.equal(disk, fs.statSync(root).dev)
		})
	})
}
