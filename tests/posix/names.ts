/** Names and paths: odd ones, long ones, deep ones, and the errors of looking them up. */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import { join } from 'node:path'
import { type Cases, fails } from './cases.ts'

/** Every text collation merges some of these. Pairs stand together. */
export const ODD_NAMES: Buffer[] = [
	...['a', 'A', 'a ', 'a\t', 'a.', '🐎', '🐄', 'é'.normalize('NFC'), 'é'.normalize('NFD'), 'ss', 'ß', 'ſ', 'İ', 'i', 'ı'],
	...['x\'y"z', '100%_', '100%x', '-rf', 'new\nline', '\\', '\\0', '*', '?', ' ', '...', '.hidden', '~', '#', '; drop'],
	...['\u200b', 'con', 'NUL', 'ÿ', '\u0001', '\u007f'],
].map((name) => Buffer.from(name))
ODD_NAMES.push(Buffer.from([0xff, 0x61]), Buffer.from([0xff]), Buffer.from([0xfe, 0x61]), Buffer.from([0xc3]), Buffer.from([0xed, 0xa0, 0x80]))

const below = (dir: string, name: Buffer) => Buffer.concat([Buffer.from(`${dir}/`), name])
const sorted = (names: Buffer[]) => names.map((name) => name.toString('hex')).sort()

export const cases: Cases = {
	'odd names are all distinct, byte for byte'(dir) {
		for (const name of ODD_NAMES) fs.writeFileSync(below(dir, name), name, { flag: 'wx' })
		assert.deepEqual(sorted(fs.readdirSync(dir, 'buffer')), sorted(ODD_NAMES))
		for (const name of ODD_NAMES) assert.deepEqual(fs.readFileSync(below(dir, name)), name)
		const [gone, kept] = [0, 1].map((odd) => ODD_NAMES.filter((_, index) => index % 2 === odd))
		for (const name of gone as Buffer[]) fs.unlinkSync(below(dir, name))
		assert.deepEqual(sorted(fs.readdirSync(dir, 'buffer')), sorted(kept as Buffer[]))
		for (const name of gone as Buffer[]) fails('ENOENT', () => fs.lstatSync(below(dir, name)))
		for (const name of kept as Buffer[]) assert.deepEqual(fs.readFileSync(below(dir, name)), name)
	},

	'odd names work for directories, symlinks and renames'(dir) {
		for (const name of ODD_NAMES) fs.mkdirSync(below(dir, name))
		for (const name of ODD_NAMES) fs.symlinkSync(name, Buffer.concat([below(dir, name), Buffer.from('/link')]))
		const moved = (name: Buffer) => Buffer.concat([name, Buffer.from('~')])
		for (const name of ODD_NAMES) fs.renameSync(below(dir, name), below(dir, moved(name)))
		assert.deepEqual(sorted(fs.readdirSync(dir, 'buffer')), sorted(ODD_NAMES.map(moved)))
		for (const name of ODD_NAMES) {
			assert.deepEqual(fs.readlinkSync(Buffer.concat([below(dir, moved(name)), Buffer.from('/link')]), 'buffer'), name)
		}
	},

	'a name has up to 255 bytes; one more is ENAMETOOLONG everywhere'(dir) {
		const longest = join(dir, 'n'.repeat(255))
		const longer = join(dir, 'n'.repeat(256))
		fs.writeFileSync(longest, 'x')
		assert.deepEqual(fs.readdirSync(dir), ['n'.repeat(255)])
		fs.renameSync(longest, join(dir, 'm'.repeat(255)))
		fs.writeFileSync(join(dir, 'f'), '')
		for (const path of [longer, join(dir, 'é'.repeat(128)), join(dir, 'n'.repeat(1000))]) {
			fails('ENAMETOOLONG', () => fs.lstatSync(path))
			fails('ENAMETOOLONG', () => fs.writeFileSync(path, ''))
			fails('ENAMETOOLONG', () => fs.mkdirSync(path))
			fails('ENAMETOOLONG', () => fs.symlinkSync('x', path))
			fails('ENAMETOOLONG', () => fs.linkSync(join(dir, 'f'), path))
			fails('ENAMETOOLONG', () => fs.renameSync(join(dir, 'f'), path))
			fails('ENAMETOOLONG', () => fs.unlinkSync(path))
			fails('ENAMETOOLONG', () => fs.rmdirSync(path))
		}
		assert.ok(fs.existsSync(join(dir, 'f')))
	},

	'a tree deeper than PATH_MAX is made, used, listed and removed'(dir) {
		const cwd = process.cwd()
		const name = 'd'.repeat(200)
		const depth = 30
		try {
			process.chdir(dir)
			for (let level = 0; level < depth; level++) {
				fs.mkdirSync(name)
				process.chdir(name)
			}
			fs.writeFileSync('bottom', 'deep')
			fs.appendFileSync('bottom', 'er')
			fs.linkSync('bottom', 'second')
			fs.renameSync('bottom', 'renamed')
			assert.equal(fs.readFileSync('renamed', 'utf8'), 'deeper')
			assert.deepEqual(fs.readdirSync('.').sort(), ['renamed', 'second'])
			fs.unlinkSync('renamed')
			fs.unlinkSync('second')
			for (let level = 0; level < depth; level++) {
				process.chdir('..')
				fs.rmdirSync(name)
			}
		} finally {
			process.chdir(cwd)
		}
		assert.deepEqual(fs.readdirSync(dir), [])
	},

	'looking up: what is missing, what is no directory'(dir) {
		fs.writeFileSync(join(dir, 'f'), '')
		fails('ENOENT', () => fs.lstatSync(join(dir, 'no')))
		fails('ENOENT', () => fs.lstatSync(join(dir, 'no/deeper')))
		fails('ENOTDIR', () => fs.lstatSync(join(dir, 'f/x')))
		fails('ENOTDIR', () => fs.lstatSync(join(dir, 'f/')))
		fails('ENOTDIR', () => fs.readdirSync(join(dir, 'f')))
		fails('EISDIR', () => fs.writeFileSync(dir, ''))
		fails('EISDIR', () => fs.readFileSync(dir))
	},

	'a name that was missing is there as soon as it is made, and gone as soon as it is removed'(dir) {
		const file = join(dir, 'f')
		for (let round = 0; round < 50; round++) {
			fails('ENOENT', () => fs.lstatSync(file))
			fs.writeFileSync(file, `${round}`)
			assert.equal(fs.readFileSync(file, 'utf8'), `${round}`)
			fs.unlinkSync(file)
		}
	},

	'a name changes its kind'(dir) {
		const path = join(dir, 'n')
		for (let round = 0; round < 5; round++) {
			fs.writeFileSync(path, 'file')
			fs.unlinkSync(path)
			fs.mkdirSync(path)
			fs.writeFileSync(join(path, 'inside'), '')
			fs.unlinkSync(join(path, 'inside'))
			fs.rmdirSync(path)
			fs.symlinkSync('target', path)
			assert.equal(fs.readlinkSync(path), 'target')
			fs.unlinkSync(path)
		}
	},

	'mkdir, rmdir and unlink answer what POSIX says'(dir) {
		fs.mkdirSync(join(dir, 'd/'))
		fs.writeFileSync(join(dir, 'd/f'), '')
		fails('EEXIST', () => fs.mkdirSync(join(dir, 'd')))
		fails('EEXIST', () => fs.mkdirSync(join(dir, 'd/f')))
		fails('ENOENT', () => fs.mkdirSync(join(dir, 'no/d')))
		fails('ENOTEMPTY', () => fs.rmdirSync(join(dir, 'd')))
		fails('ENOTDIR', () => fs.rmdirSync(join(dir, 'd/f')))
		fails('EISDIR', () => fs.unlinkSync(join(dir, 'd')))
		fails('ENOENT', () => fs.unlinkSync(join(dir, 'no')))
		fails('EINVAL', () => fs.rmdirSync(`${dir}/d/.`))
		fs.unlinkSync(join(dir, 'd/f'))
		fs.rmdirSync(join(dir, 'd'))
		fails('ENOENT', () => fs.rmdirSync(join(dir, 'd')))
	},
}
