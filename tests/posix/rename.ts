/** rename(2) and renameat2(2). */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import { join } from 'node:path'
import { RENAME_EXCHANGE, RENAME_NOREPLACE, rename } from '../support/libc.ts'
import { type Cases, fails } from './cases.ts'

const text = (path: string) => fs.readFileSync(path, 'utf8')

export const cases: Cases = {
	'a file moves within a directory and between two'(dir) {
		const [a, b, c] = [join(dir, 'a'), join(dir, 'b'), join(dir, 'sub/c')]
		fs.mkdirSync(join(dir, 'sub'))
		fs.writeFileSync(a, 'content')
		fs.renameSync(a, b)
		fails('ENOENT', () => fs.lstatSync(a))
		fs.renameSync(b, c)
		fails('ENOENT', () => fs.lstatSync(b))
		assert.equal(text(c), 'content')
		fs.appendFileSync(c, ' more')
		assert.equal(text(c), 'content more')
	},

	'the target is replaced'(dir) {
		const [a, b] = [join(dir, 'a'), join(dir, 'b')]
		fs.writeFileSync(a, 'new')
		fs.writeFileSync(b, 'old and longer')
		fs.renameSync(a, b)
		assert.equal(text(b), 'new')
		assert.deepEqual(fs.readdirSync(dir), ['b'])
	},

	'saving as editors do: write beside, sync, rename over, many times'(dir) {
		const file = join(dir, 'document')
		for (let round = 0; round < 30; round++) {
			const fd = fs.openSync(`${file}~`, 'w')
			fs.writeSync(fd, `version ${round}`)
			fs.fsyncSync(fd)
			fs.closeSync(fd)
			fs.renameSync(`${file}~`, file)
			assert.equal(text(file), `version ${round}`)
		}
		assert.deepEqual(fs.readdirSync(dir), ['document'])
	},

	'a replaced file that is open keeps its content and counts no links'(dir) {
		const [a, b] = [join(dir, 'a'), join(dir, 'b')]
		fs.writeFileSync(a, 'new')
		fs.writeFileSync(b, 'old')
		const fd = fs.openSync(b, 'r+')
		fs.renameSync(a, b)
		assert.equal(fs.fstatSync(fd).nlink, 0)
		assert.equal(fs.readFileSync(fd, 'utf8'), 'old')
		fs.writeSync(fd, 'OLD', 0)
		assert.equal(text(b), 'new')
		fs.closeSync(fd)
		assert.equal(text(b), 'new')
	},

	'an open file can be renamed while it is written'(dir) {
		const fd = fs.openSync(join(dir, 'a'), 'w')
		fs.writeSync(fd, 'before ')
		fs.renameSync(join(dir, 'a'), join(dir, 'b'))
		fs.writeSync(fd, 'after')
		assert.equal(text(join(dir, 'b')), 'before after')
		fs.mkdirSync(join(dir, 'd'))
		fs.renameSync(join(dir, 'b'), join(dir, 'd/c'))
		fs.writeSync(fd, ' twice')
		fs.closeSync(fd)
		assert.equal(text(join(dir, 'd/c')), 'before after twice')
	},

	'a file open below a directory that is renamed goes on'(dir) {
		fs.mkdirSync(join(dir, 'a/b'), { recursive: true })
		const fd = fs.openSync(join(dir, 'a/b/f'), 'w')
		fs.writeSync(fd, 'one ')
		fs.renameSync(join(dir, 'a'), join(dir, 'z'))
		fs.writeSync(fd, 'two')
		fs.closeSync(fd)
		assert.equal(text(join(dir, 'z/b/f')), 'one two')
		fs.writeFileSync(join(dir, 'z/b/g'), 'new')
		assert.equal(text(join(dir, 'z/b/g')), 'new')
	},

	'a directory moves with all that is in it, back and forth'(dir) {
		fs.mkdirSync(join(dir, 'a/b/c'), { recursive: true })
		fs.writeFileSync(join(dir, 'a/b/c/f'), 'deep')
		fs.mkdirSync(join(dir, 'other'))
		fs.renameSync(join(dir, 'a/b'), join(dir, 'other/b'))
		assert.equal(text(join(dir, 'other/b/c/f')), 'deep')
		fails('ENOENT', () => fs.lstatSync(join(dir, 'a/b')))
		fs.mkdirSync(join(dir, 'a/b'))
		fs.writeFileSync(join(dir, 'a/b/f'), 'another')
		fails('ENOTEMPTY', () => fs.renameSync(join(dir, 'other/b'), join(dir, 'a/b')))
		fs.unlinkSync(join(dir, 'a/b/f'))
		fs.renameSync(join(dir, 'other/b'), join(dir, 'a/b'))
		assert.equal(text(join(dir, 'a/b/c/f')), 'deep')
		assert.deepEqual(fs.readdirSync(join(dir, 'other')), [])
	},

	'a directory does not go into itself'(dir) {
		fs.mkdirSync(join(dir, 'a/b/c'), { recursive: true })
		fails('EINVAL', () => fs.renameSync(join(dir, 'a'), join(dir, 'a/b/c/d')))
		fails('EINVAL', () => fs.renameSync(join(dir, 'a'), join(dir, 'a/x')))
		fails('ENOTEMPTY', () => fs.renameSync(join(dir, 'a/b/c'), join(dir, 'a')))
		assert.deepEqual(fs.readdirSync(join(dir, 'a/b')), ['c'])
	},

	'kinds that do not match are refused'(dir) {
		fs.mkdirSync(join(dir, 'd'))
		fs.writeFileSync(join(dir, 'f'), '')
		fails('EISDIR', () => fs.renameSync(join(dir, 'f'), join(dir, 'd')))
		fails('ENOTDIR', () => fs.renameSync(join(dir, 'd'), join(dir, 'f')))
		fails('ENOENT', () => fs.renameSync(join(dir, 'no'), join(dir, 'x')))
		fails('ENOENT', () => fs.renameSync(join(dir, 'f'), join(dir, 'no/x')))
		fails('ENOTDIR', () => fs.renameSync(join(dir, 'f'), join(dir, 'f/x')))
	},

	'a symlink and a fifo are renamed themselves'(dir) {
		fs.symlinkSync('target', join(dir, 'l'))
		fs.writeFileSync(join(dir, 'f'), '')
		fs.renameSync(join(dir, 'l'), join(dir, 'f'))
		assert.equal(fs.readlinkSync(join(dir, 'f')), 'target')
	},

	'onto itself nothing happens'(dir) {
		fs.writeFileSync(join(dir, 'f'), 'x')
		fs.renameSync(join(dir, 'f'), join(dir, 'f'))
		assert.equal(text(join(dir, 'f')), 'x')
	},

	'NOREPLACE refuses a name that is taken'(dir) {
		fs.writeFileSync(join(dir, 'a'), 'a')
		fs.writeFileSync(join(dir, 'b'), 'b')
		fails('EEXIST', () => rename(join(dir, 'a'), join(dir, 'b'), RENAME_NOREPLACE))
		assert.equal(text(join(dir, 'b')), 'b')
		rename(join(dir, 'a'), join(dir, 'c'), RENAME_NOREPLACE)
		assert.equal(text(join(dir, 'c')), 'a')
	},

	'EXCHANGE swaps two files, a file and a directory, and needs both'(dir) {
		const [a, b, d] = [join(dir, 'a'), join(dir, 'b'), join(dir, 'd')]
		fs.writeFileSync(a, 'a')
		fs.writeFileSync(b, 'b')
		fs.mkdirSync(d)
		fs.writeFileSync(join(d, 'inside'), 'in')
		rename(a, b, RENAME_EXCHANGE)
		assert.deepEqual([text(a), text(b)], ['b', 'a'])
		rename(a, d, RENAME_EXCHANGE)
		assert.equal(text(join(a, 'inside')), 'in')
		assert.equal(text(d), 'b')
		fs.appendFileSync(d, '+')
		fs.writeFileSync(join(a, 'more'), 'm')
		rename(a, d, RENAME_EXCHANGE)
		assert.equal(text(a), 'b+')
		assert.deepEqual(fs.readdirSync(d).sort(), ['inside', 'more'])
		fails('ENOENT', () => rename(a, join(dir, 'no'), RENAME_EXCHANGE))
		fails('EINVAL', () => rename(d, join(d, 'inside'), RENAME_EXCHANGE))
		fails('EINVAL', () => rename(a, b, RENAME_EXCHANGE | RENAME_NOREPLACE))
	},

	'a new file takes the name of one renamed away, and neither mixes with the other'(dir) {
		const log = join(dir, 'log')
		for (let round = 0; round < 10; round++) {
			fs.writeFileSync(log, `log ${round}`)
			fs.renameSync(log, `${log}.${round}`)
		}
		for (let round = 0; round < 10; round++) assert.equal(text(`${log}.${round}`), `log ${round}`)
		for (let round = 9; round >= 0; round--) fs.renameSync(`${log}.${round}`, `${log}.${round + 1}`)
		for (let round = 0; round < 10; round++) assert.equal(text(`${log}.${round + 1}`), `log ${round}`)
	},
}
