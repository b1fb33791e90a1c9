/** Open flags, and files that lose their name while they are open. */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import { join } from 'node:path'
import { linkOpen, O_TMPFILE, open, setXattrOpen, truncate } from '../support/libc.ts'
import { type Cases, fails, pattern } from './cases.ts'

const { O_APPEND, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } = fs.constants
const text = (path: string) => fs.readFileSync(path, 'utf8')

export const cases: Cases = {
	'O_APPEND writes at the end, whatever another descriptor did'(dir) {
		const file = join(dir, 'log')
		const [a, b] = [open(file, O_WRONLY | O_CREAT | O_APPEND), open(file, O_WRONLY | O_APPEND)]
		const plain = open(file, O_WRONLY)
		for (let round = 0; round < 20; round++) {
			fs.writeSync(a, `a${round};`)
			fs.writeSync(b, `b${round};`)
		}
		fs.writeSync(plain, 'A0', 0)
		truncate(file, 6)
		fs.writeSync(a, 'end')
		for (const fd of [a, b, plain]) fs.closeSync(fd)
		assert.equal(text(file), 'A0;b0;end')
	},

	'O_EXCL refuses a name that is there, a symlink too'(dir) {
		fs.writeFileSync(join(dir, 'f'), '')
		fs.symlinkSync('dangling', join(dir, 'l'))
		fails('EEXIST', () => open(join(dir, 'f'), O_RDWR | O_CREAT | O_EXCL))
		fails('EEXIST', () => open(join(dir, 'l'), O_RDWR | O_CREAT | O_EXCL))
		fs.closeSync(open(join(dir, 'new'), O_RDWR | O_CREAT | O_EXCL))
	},

	'O_CREAT opens what is there and leaves it as it is'(dir) {
		fs.writeFileSync(join(dir, 'f'), 'content', { mode: 0o600 })
		const fd = open(join(dir, 'f'), O_RDWR | O_CREAT, 0o777)
		assert.equal(fs.readFileSync(fd, 'utf8'), 'content')
		assert.equal(fs.fstatSync(fd).mode & 0o777, 0o600)
		fs.closeSync(fd)
	},

	'O_TRUNC empties the file for everyone who has it open'(dir) {
		const file = join(dir, 'f')
		fs.writeFileSync(file, 'old content')
		const reader = open(file, O_RDONLY)
		fs.closeSync(open(file, O_WRONLY | O_TRUNC))
		assert.equal(fs.fstatSync(reader).size, 0)
		fs.writeFileSync(file, 'new')
		assert.equal(fs.readFileSync(reader, 'utf8'), 'new')
		fs.closeSync(reader)
	},

	'O_TRUNC empties the file for one who only reads, too'(dir) {
		const file = join(dir, 'f')
		fs.writeFileSync(file, 'old content')
		const reader = open(file, O_RDONLY | O_TRUNC)
		assert.equal(fs.fstatSync(reader).size, 0)
		assert.equal(fs.readFileSync(file, 'utf8'), '')
		fs.writeFileSync(file, 'new')
		assert.equal(fs.readFileSync(reader, 'utf8'), 'new')
		const again = open(file, O_RDONLY | O_CREAT | O_TRUNC)
		assert.equal(fs.fstatSync(again).size, 0)
		for (const fd of [reader, again]) fs.closeSync(fd)
	},

	'O_DIRECTORY and O_NOFOLLOW refuse what they should'(dir) {
		fs.writeFileSync(join(dir, 'f'), '')
		fs.symlinkSync('f', join(dir, 'l'))
		fails('ENOTDIR', () => open(join(dir, 'f'), O_RDONLY | O_DIRECTORY))
		fails('ELOOP', () => open(join(dir, 'l'), O_RDONLY | O_NOFOLLOW))
		fails('EISDIR', () => open(dir, O_WRONLY))
	},

	'a descriptor for reading does not write, nor one for writing read'(dir) {
		const file = join(dir, 'f')
		fs.writeFileSync(file, 'x')
		const [reader, writer] = [open(file, O_RDONLY), open(file, O_WRONLY)]
		fails('EBADF', () => fs.writeSync(reader, 'x'))
		fails('EBADF', () => fs.readSync(writer, Buffer.alloc(1)))
		fails('EINVAL', () => fs.ftruncateSync(reader, 0))
		for (const fd of [reader, writer]) fs.closeSync(fd)
	},

	'an unlinked file that is open is read, written, truncated and counts no links'(dir) {
		const file = join(dir, 'f')
		const fd = open(file, O_RDWR | O_CREAT)
		fs.writeSync(fd, pattern(100_000), 0, 100_000, 0)
		fs.unlinkSync(file)
		fails('ENOENT', () => fs.lstatSync(file))
		assert.deepEqual(fs.readdirSync(dir), [])
		assert.equal(fs.fstatSync(fd).nlink, 0)
		assert.equal(fs.fstatSync(fd).size, 100_000)
		fs.writeSync(fd, 'after', 50_000)
		fs.fsyncSync(fd)
		const back = Buffer.alloc(5)
		fs.readSync(fd, back, 0, 5, 50_000)
		assert.equal(back.toString(), 'after')
		fs.ftruncateSync(fd, 3)
		assert.equal(fs.fstatSync(fd).size, 3)
		fs.fchmodSync(fd, 0o600)
		assert.equal(fs.fstatSync(fd).mode & 0o777, 0o600)
		fs.closeSync(fd)
	},

	'an unlinked open file is opened again through /proc/self/fd'(dir) {
		const file = join(dir, 'f')
		const fd = open(file, O_RDWR | O_CREAT)
		fs.writeSync(fd, 'still here')
		fs.unlinkSync(file)
		const again = open(`/proc/self/fd/${fd}`, O_RDWR)
		assert.equal(fs.readFileSync(again, 'utf8'), 'still here')
		fs.writeSync(again, 'STILL', 0)
		fs.closeSync(fd)
		assert.equal(fs.fstatSync(again).nlink, 0)
		const back = Buffer.alloc(10)
		fs.readSync(again, back, 0, 10, 0)
		assert.equal(back.toString(), 'STILL here')
		fs.closeSync(again)
	},

	'an unlinked open file is empty when it is opened again with O_TRUNC'(dir) {
		const file = join(dir, 'f')
		const fd = open(file, O_RDWR | O_CREAT)
		fs.writeSync(fd, 'was here')
		fs.unlinkSync(file)
		const again = open(`/proc/self/fd/${fd}`, O_WRONLY | O_TRUNC)
		assert.deepEqual([fs.fstatSync(fd).size, fs.fstatSync(again).size], [0, 0])
		fs.writeSync(again, 'anew')
		fs.closeSync(again)
		const back = Buffer.alloc(10)
		assert.equal(back.toString('utf8', 0, fs.readSync(fd, back, 0, 10, 0)), 'anew')
		fs.closeSync(fd)
	},

	'a new file takes the name of one that was unlinked while open'(dir) {
		const file = join(dir, 'f')
		fs.writeFileSync(file, 'old')
		const old = open(file, O_RDWR)
		fs.unlinkSync(file)
		fs.writeFileSync(file, 'new')
		fs.writeSync(old, 'OLD!', 0)
		assert.equal(text(file), 'new')
		fs.closeSync(old)
		assert.equal(text(file), 'new')
		fs.appendFileSync(file, '+')
		assert.equal(text(file), 'new+')
	},

	'one name of two is unlinked while the file is open'(dir) {
		const [a, b] = [join(dir, 'a'), join(dir, 'b')]
		fs.writeFileSync(a, 'x')
		fs.linkSync(a, b)
		const fd = open(a, O_RDWR)
		fs.unlinkSync(a)
		fs.writeSync(fd, 'written', 0)
		assert.equal(fs.fstatSync(fd).nlink, 1)
		fs.closeSync(fd)
		assert.equal(text(b), 'written')
	},

	'a directory that is removed while open is empty'(dir) {
		fs.mkdirSync(join(dir, 'd'))
		const fd = open(join(dir, 'd'), O_RDONLY | O_DIRECTORY)
		fs.rmdirSync(join(dir, 'd'))
		assert.equal(fs.fstatSync(fd).isDirectory(), true)
		fails('ENOENT', () => open(`/proc/self/fd/${fd}/new`, O_RDWR | O_CREAT))
		fs.closeSync(fd)
	},

	'a hundred files open at once, then unlinked, keep their content'(dir) {
		const open100 = Array.from({ length: 100 }, (_, index) => open(join(dir, `${index}`), O_RDWR | O_CREAT))
		for (const [index, fd] of open100.entries()) fs.writeSync(fd, `number ${index}`)
		for (const index of open100.keys()) fs.unlinkSync(join(dir, `${index}`))
		assert.deepEqual(fs.readdirSync(dir), [])
		for (const [index, fd] of open100.entries()) {
			const back = Buffer.alloc(20)
			assert.equal(back.toString('utf8', 0, fs.readSync(fd, back, 0, 20, 0)), `number ${index}`)
			fs.closeSync(fd)
		}
	},

	'fsync and fdatasync work on files and directories'(dir) {
		const fd = open(join(dir, 'f'), O_RDWR | O_CREAT)
		fs.writeSync(fd, 'x')
		fs.fsyncSync(fd)
		fs.fdatasyncSync(fd)
		fs.closeSync(fd)
		const directory = open(dir, O_RDONLY | O_DIRECTORY)
		fs.fsyncSync(directory)
		fs.closeSync(directory)
	},

	'an attribute is set on an unlinked open file'(dir) {
		const fd = open(join(dir, 'f'), O_RDWR | O_CREAT)
		fs.unlinkSync(join(dir, 'f'))
		setXattrOpen(fd, 'user.late', 'x')
		fs.closeSync(fd)
	},

	'a nameless file (O_TMPFILE) is given a name, or refused as a whole'(dir) {
		let fd: number
		try {
			fd = open(dir, O_TMPFILE | O_RDWR, 0o600)
		} catch (error) {
			// Programs fall back to an ordinary file on this answer, and on this only.
			assert.equal((error as NodeJS.ErrnoException).code, 'EOPNOTSUPP')
			return
		}
		fs.writeSync(fd, 'nameless')
		assert.deepEqual(fs.readdirSync(dir), [])
		linkOpen(fd, join(dir, 'named'))
		fs.closeSync(fd)
		assert.equal(text(join(dir, 'named')), 'nameless')
	},
}
