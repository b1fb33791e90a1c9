/** Content: sizes, holes, allocation, mappings, direct I/O, copying inside the filesystem. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { join } from 'node:path'
import * as libc from '../support/libc.ts'
import { type Cases, fails, pattern, statOnly } from './cases.ts'

const { O_CREAT, O_DIRECT, O_RDONLY, O_RDWR } = fs.constants
const KIB = 1024
const MIB = 1024 * KIB

function withFile(dir: string, body: (fd: number, path: string) => void): void {
	const path = join(dir, 'f')
	const fd = libc.open(path, O_RDWR | O_CREAT)
	try {
		body(fd, path)
	} finally {
		fs.closeSync(fd)
	}
}

function readAt(fd: number, length: number, position: number): Buffer {
	const buffer = Buffer.alloc(length)
	return buffer.subarray(0, fs.readSync(fd, buffer, 0, length, position))
}

export const cases: Cases = {
	'content of many sizes comes back, through the same descriptor and a new one'(dir) {
		for (const size of [0, 1, 511, 4095, 4096, 4097, 65_537, MIB, MIB + 1, 3 * MIB + 17]) {
			const path = join(dir, `${size}`)
			const data = pattern(size, size)
			const fd = libc.open(path, O_RDWR | O_CREAT)
			for (let at = 0; at < size; ) at += fs.writeSync(fd, data, at)
			assert.ok(readAt(fd, size, 0).equals(data))
			fs.closeSync(fd)
			assert.equal(fs.statSync(path).size, size)
			assert.ok(fs.readFileSync(path).equals(data))
		}
	},

	'overlapping writes at odd offsets leave what a plain file would hold'(dir) {
		withFile(dir, (fd, path) => {
			const expected = Buffer.alloc(300_000)
			let end = 0
			for (let round = 0; round < 200; round++) {
				const offset = (round * 7919) % 250_000
				const data = pattern(1 + ((round * 104_729) % 40_000), round)
				fs.writeSync(fd, data, 0, data.length, offset)
				data.copy(expected, offset)
				end = Math.max(end, offset + data.length)
			}
			assert.ok(readAt(fd, end + 10, 0).equals(expected.subarray(0, end)))
			assert.ok(fs.readFileSync(path).equals(expected.subarray(0, end)))
		})
	},

	'one descriptor reads what another has just written'(dir) {
		withFile(dir, (writer, path) => {
			const reader = libc.open(path, O_RDONLY)
			for (let round = 0; round < 50; round++) {
				fs.writeSync(writer, pattern(5000, round), 0, 5000, round * 5000)
				assert.ok(readAt(reader, 5000, round * 5000).equals(pattern(5000, round)))
				assert.equal(fs.fstatSync(reader).size, (round + 1) * 5000)
			}
			fs.closeSync(reader)
		})
	},

	'a file is opened for reading first and for writing later, and the other way round'(dir) {
		const path = join(dir, 'f')
		fs.writeFileSync(path, 'first')
		const reader = libc.open(path, O_RDONLY)
		assert.equal(readAt(reader, 10, 0).toString(), 'first')
		fs.writeFileSync(path, 'second')
		assert.equal(readAt(reader, 10, 0).toString(), 'second')
		const writer = libc.open(path, O_RDWR)
		fs.closeSync(reader)
		fs.writeSync(writer, 'THIRD', 0)
		const late = libc.open(path, O_RDONLY)
		fs.closeSync(writer)
		assert.equal(readAt(late, 10, 0).toString(), 'THIRDd')
		fs.closeSync(late)
	},

	'truncate cuts, and grows with zeroes, by path and by descriptor'(dir) {
		withFile(dir, (fd, path) => {
			fs.writeSync(fd, pattern(10_000))
			fs.ftruncateSync(fd, 5000)
			fs.ftruncateSync(fd, 9000)
			assert.ok(readAt(fd, 20_000, 0).equals(Buffer.concat([pattern(5000), Buffer.alloc(4000)])))
			libc.truncate(path, 100)
			assert.equal(fs.fstatSync(fd).size, 100)
			libc.truncate(path, 8192)
			assert.ok(fs.readFileSync(path).equals(Buffer.concat([pattern(100), Buffer.alloc(8092)])))
			assert.equal(fs.statSync(path).size, 8192)
		})
		fails('EINVAL', () => libc.truncate(join(dir, 'f'), -1))
		fails('EISDIR', () => libc.truncate(dir, 0))
		fails('ENOENT', () => libc.truncate(join(dir, 'no'), 0))
	},

	'a sparse file at a terabyte'(dir) {
		withFile(dir, (fd, path) => {
			const far = 2 ** 40
			fs.writeSync(fd, 'end', far)
			assert.equal(fs.statSync(path).size, far + 3)
			assert.equal(readAt(fd, 10, far).toString(), 'end')
			assert.deepEqual(readAt(fd, 4, far - 4), Buffer.alloc(4))
			assert.ok(fs.fstatSync(fd).blocks < 1000)
			fs.ftruncateSync(fd, far + 1)
			assert.equal(readAt(fd, 10, far).toString(), 'e')
		})
		assert.equal(fs.statSync(join(dir, 'f')).size, 2 ** 40 + 1)
		assert.ok(fs.statSync(join(dir, 'f')).blocks < 1000)
	},

	'SEEK_HOLE and SEEK_DATA find the holes'(dir) {
		withFile(dir, (fd) => {
			fs.writeSync(fd, pattern(64 * KIB), 0, 64 * KIB, MIB)
			fs.ftruncateSync(fd, 3 * MIB)
			fs.fsyncSync(fd)
			assert.equal(libc.lseek(fd, 0, libc.SEEK_HOLE), 0)
			assert.equal(libc.lseek(fd, 0, libc.SEEK_DATA), MIB)
			assert.equal(libc.lseek(fd, MIB, libc.SEEK_HOLE), MIB + 64 * KIB)
			fails('ENXIO', () => libc.lseek(fd, 2 * MIB, libc.SEEK_DATA))
			fails('ENXIO', () => libc.lseek(fd, 4 * MIB, libc.SEEK_HOLE))
			assert.equal(libc.lseek(fd, -5, libc.SEEK_END), 3 * MIB - 5)
			fails('EINVAL', () => libc.lseek(fd, -1, libc.SEEK_SET))
		})
	},

	'fallocate grows a file, keeps its size when asked, and takes real room'(dir) {
		withFile(dir, (fd, path) => {
			libc.fallocate(fd, 0, 0, MIB)
			assert.equal(fs.statSync(path).size, MIB)
			libc.fallocate(fd, libc.FALLOC_KEEP_SIZE, MIB, MIB)
			assert.equal(fs.fstatSync(fd).size, MIB)
			assert.ok(fs.fstatSync(fd).blocks * 512 >= 2 * MIB)
			assert.deepEqual(readAt(fd, 100, MIB - 100), Buffer.alloc(100))
			fails('EINVAL', () => libc.fallocate(fd, 0, 0, 0))
		})
		assert.equal(fs.statSync(join(dir, 'f')).size, MIB)
	},

	'a hole is punched and a range zeroed in the middle of a file'(dir) {
		withFile(dir, (fd, path) => {
			fs.writeSync(fd, pattern(MIB))
			fs.fsyncSync(fd)
			const before = fs.fstatSync(fd).blocks
			libc.fallocate(fd, libc.FALLOC_PUNCH_HOLE | libc.FALLOC_KEEP_SIZE, 256 * KIB, 512 * KIB)
			const expected = pattern(MIB)
			expected.fill(0, 256 * KIB, 768 * KIB)
			assert.ok(readAt(fd, MIB, 0).equals(expected))
			assert.ok(fs.fstatSync(fd).blocks < before)
			libc.fallocate(fd, libc.FALLOC_ZERO_RANGE, 0, 1000)
			expected.fill(0, 0, 1000)
			assert.ok(fs.readFileSync(path).equals(expected))
		})
	},

	'copy_file_range copies inside the filesystem'(dir) {
		withFile(dir, (from) => {
			fs.writeSync(from, pattern(300_000))
			const to = libc.open(join(dir, 'g'), O_RDWR | O_CREAT)
			let copied = 0
			while (copied < 200_000) {
				copied += libc.copyFileRange(from, 1000 + copied, to, 500 + copied, 200_000 - copied)
			}
			assert.equal(libc.copyFileRange(from, 400_000, to, 0, 100), 0, 'past the end there is nothing to copy')
			fs.closeSync(to)
		})
		const expected = Buffer.concat([Buffer.alloc(500), pattern(300_000).subarray(1000, 201_000)])
		assert.ok(fs.readFileSync(join(dir, 'g')).equals(expected))
		assert.equal(fs.statSync(join(dir, 'g')).size, 200_500)
		fs.copyFileSync(join(dir, 'g'), join(dir, 'h'))
		assert.ok(fs.readFileSync(join(dir, 'h')).equals(expected))
	},

	'a shared mapping writes into the file, and sees what is written'(dir) {
		withFile(dir, (fd, path) => {
			fs.ftruncateSync(fd, 16 * KIB)
			const mapping = libc.map(fd, 16 * KIB)
			mapping.write(100, Buffer.from('through the mapping'))
			mapping.write(9000, pattern(5000))
			mapping.sync()
			assert.equal(readAt(fd, 19, 100).toString(), 'through the mapping')
			fs.writeSync(fd, 'through write', 200)
			assert.equal(mapping.read(200, 13).toString(), 'through write')
			mapping.close()
			const whole = fs.readFileSync(path)
			assert.ok(whole.subarray(9000, 14_000).equals(pattern(5000)))
		})
	},

	'what a mapping wrote after the descriptor was closed is there after it is gone'(dir) {
		const path = join(dir, 'f')
		const fd = libc.open(path, O_RDWR | O_CREAT)
		fs.ftruncateSync(fd, 4096)
		const mapping = libc.map(fd, 4096)
		fs.closeSync(fd)
		mapping.write(10, Buffer.from('late'))
		mapping.close()
		assert.equal(fs.readFileSync(path).toString('utf8', 10, 14), 'late')
	},

	'what a mapping wrote shows in the times of its file at once when it is closed'(dir) {
		const path = join(dir, 'f')
		fs.writeFileSync(path, pattern(4096))
		fs.utimesSync(path, 1000, 1000)
		assert.equal(statOnly(path, '%Y'), '1000')
		const fd = libc.open(path, O_RDWR)
		const mapping = libc.map(fd, 4096)
		mapping.write(10, Buffer.from('x'))
		mapping.close()
		fs.closeSync(fd)
		assert.ok(Number(statOnly(path, '%Y')) > 1000)
	},

	'O_DIRECT writes and reads aligned blocks'(dir) {
		const path = join(dir, 'f')
		const fd = libc.open(path, O_RDWR | O_CREAT | O_DIRECT)
		assert.equal(libc.alignedWrite(fd, pattern(8192), 4096), 8192)
		assert.ok(libc.alignedRead(fd, 4096, 8192).equals(pattern(8192).subarray(4096)))
		fs.closeSync(fd)
		assert.ok(fs.readFileSync(path).equals(Buffer.concat([Buffer.alloc(4096), pattern(8192)])))
	},

	'dd, cat and cmp agree on a file of some megabytes'(dir) {
		const script = [
			'dd if=/dev/urandom of=a bs=64k count=64 2>/dev/null',
			'cp a b && cat a b > c && cmp a b',
			'dd if=c of=d bs=1M skip=4 2>/dev/null && cmp a d',
			'cp --sparse=always a e && cmp a e',
		].join(' && ')
		const { status, stderr } = spawnSync('sh', ['-c', script], { cwd: dir, timeout: 15_000 })
		assert.equal(status, 0, stderr.toString())
	},
}
