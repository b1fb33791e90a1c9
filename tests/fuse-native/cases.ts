/** Run by hands in a process of their own: see differences.test.ts. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { join } from 'node:path'
import { type Cases, fails } from '../posix/cases.ts'
import * as libc from '../support/libc.ts'

export const cases: Cases = {
	'both times are set, to the millisecond, before 1970 as well as can be shown'(dir) {
		const file = join(dir, 'f')
		fs.writeFileSync(file, '')
		libc.setTimes(file, { seconds: 1_000_000_000, nanoseconds: 123_456_789 }, { seconds: 1_100_000_000, nanoseconds: 987_654_321 })
		const { atimeNs, mtimeNs } = fs.statSync(file, { bigint: true })
		assert.equal(atimeNs, 1_000_000_000_123_000_000n)
		assert.equal(mtimeNs, 1_100_000_000_987_000_000n)
		libc.setTimes(file, { seconds: -10, nanoseconds: 0 }, { seconds: -20, nanoseconds: 0 })
		assert.equal(fs.statSync(file).mtimeMs, 0)
	},

	'cp -p keeps the time of a change'(dir) {
		fs.writeFileSync(join(dir, 'from'), 'x')
		libc.setTimes(join(dir, 'from'), { seconds: 5, nanoseconds: 0 }, { seconds: 7, nanoseconds: 0 })
		execFileSync('cp', ['-p', join(dir, 'from'), join(dir, 'to')])
		assert.equal(fs.statSync(join(dir, 'to')).mtimeMs, 7_000)
	},

	'an attribute larger than the room for it is ERANGE'(dir) {
		const file = join(dir, 'f')
		fs.writeFileSync(file, '')
		libc.setXattr(file, 'user.long', 'v'.repeat(300))
		assert.equal(libc.xattrSize(file, 'user.long'), 300)
		fails('ERANGE', () => libc.getXattr(file, 'user.long', 100))
		assert.equal(libc.getXattr(file, 'user.long').length, 300)
		assert.deepEqual(libc.listXattrs(file), ['user.long'])
		fails('EOPNOTSUPP', () => libc.setXattr(file, 'nonsense.x', 'x'))
	},

	'one name of two is unlinked while the file is open'(dir) {
		const [a, b] = [join(dir, 'a'), join(dir, 'b')]
		fs.writeFileSync(a, 'x')
		fs.linkSync(a, b)
		assert.equal(fs.statSync(a).ino, fs.statSync(b).ino)
		const fd = fs.openSync(a, 'r+')
		fs.unlinkSync(a)
		assert.deepEqual(fs.readdirSync(dir), ['b'])
		assert.equal(fs.fstatSync(fd).nlink, 1)
		fs.writeSync(fd, 'written', 0)
		fs.closeSync(fd)
		assert.equal(fs.readFileSync(b, 'utf8'), 'written')
	},

	'a file that is open is renamed over, and its directory emptied and removed'(dir) {
		const below = join(dir, 'd')
		fs.mkdirSync(below)
		fs.writeFileSync(join(below, 'f'), 'old')
		fs.writeFileSync(join(below, 'new'), 'new')
		const fd = fs.openSync(join(below, 'f'), 'r+')
		fs.renameSync(join(below, 'new'), join(below, 'f'))
		assert.equal(fs.readFileSync(join(below, 'f'), 'utf8'), 'new')
		assert.equal(fs.readFileSync(fd, 'utf8'), 'old')
		fs.unlinkSync(join(below, 'f'))
		fs.rmdirSync(below)
		fs.closeSync(fd)
		assert.deepEqual(fs.readdirSync(dir), [])
	},

	'a file that is called as libfuse calls what it hides is a file like any other'(dir) {
		const [plain, odd] = [join(dir, 'f'), join(dir, '.fuse_hidden0000000100000001')]
		fs.writeFileSync(plain, 'kept')
		fs.renameSync(plain, odd)
		assert.equal(fs.readFileSync(odd, 'utf8'), 'kept')
		fs.unlinkSync(odd)
		assert.deepEqual(fs.readdirSync(dir), [])
	},

	'paths below a renamed directory lead where they now belong'(dir) {
		fs.mkdirSync(join(dir, 'a/b'), { recursive: true })
		fs.writeFileSync(join(dir, 'a/b/f'), 'first')
		assert.equal(fs.readFileSync(join(dir, 'a/b/f'), 'utf8'), 'first')
		fs.renameSync(join(dir, 'a'), join(dir, 'c'))
		fails('ENOENT', () => fs.statSync(join(dir, 'a/b/f')))
		fs.mkdirSync(join(dir, 'a/b'), { recursive: true })
		fs.writeFileSync(join(dir, 'a/b/f'), 'second')
		assert.equal(fs.readFileSync(join(dir, 'c/b/f'), 'utf8'), 'first')
		assert.equal(fs.readFileSync(join(dir, 'a/b/f'), 'utf8'), 'second')
	},

	'a name that is no UTF-8 is refused, not changed'(dir) {
		const name = Buffer.concat([Buffer.from(`${dir}/`), Buffer.from([0x66, 0xff])])
		fails('EILSEQ', () => fs.writeFileSync(name, ''))
		fails('EILSEQ', () => fs.mkdirSync(name))
		assert.deepEqual(fs.readdirSync(dir), [])
	},

	'a listing tells kinds and inode numbers'(dir) {
		fs.mkdirSync(join(dir, 'd'))
		fs.symlinkSync('nowhere', join(dir, 'l'))
		const fd = fs.openSync(dir, 'r')
		const entries = libc.getdents(fd)
		fs.closeSync(fd)
		for (const name of ['d', 'l']) {
			const entry = entries.find((one) => one.name.toString() === name)
			assert.equal(entry?.ino, fs.lstatSync(join(dir, name), { bigint: true }).ino)
			assert.equal(entry?.kind, name === 'd' ? 4 : 10)
		}
	},
}

export async function runCase(root: string, name: string): Promise<void> {
	const dir = fs.mkdtempSync(join(root, 'case-'))
	await cases[name]?.(dir)
	fs.rmSync(dir, { recursive: true })
}

/** Close here, open there: again and again, so that what was kept from the last time would be seen. */
export function writeAndRead(here: string, there: string, name: string): void {
	for (const content of ['one', 'another, longer', 'x']) {
		fs.writeFileSync(join(there, name), content)
		assert.equal(fs.readFileSync(join(here, name), 'utf8'), content)
		fs.writeFileSync(join(here, name), `${content} again`)
		assert.equal(fs.readFileSync(join(there, name), 'utf8'), `${content} again`)
	}
	fs.unlinkSync(join(there, name))
	fails('ENOENT', () => fs.statSync(join(here, name)))
}

export function unmount(mountPoint: string): void {
	execFileSync('umount', ['--', mountPoint])
}
