/** Extended attributes. */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import { join } from 'node:path'
import { asUser } from '../support/calls.ts'
import * as libc from '../support/libc.ts'
import { type Cases, fails } from './cases.ts'

const NOBODY = { uid: 65534, gid: 65534 }
/** What the mount explains by itself is no attribute anyone set. */
const listed = (path: string) => libc.listXattrs(path).filter((name) => !/^user\.cairn\.|^security\.selinux$/.test(name))

export const cases: Cases = {
	'attributes are set, read, listed, replaced and removed'(dir) {
		const file = join(dir, 'f')
		fs.writeFileSync(file, '')
		for (const [name, value] of [['user.one', 'first'], ['user.two', ''], ['user.Two', 'other']]) {
			libc.setXattr(file, name as string, value as string)
		}
		assert.deepEqual(listed(file), ['user.Two', 'user.one', 'user.two'])
		assert.equal(libc.getXattr(file, 'user.one').toString(), 'first')
		assert.equal(libc.getXattr(file, 'user.two').length, 0)
		libc.setXattr(file, 'user.one', 'second')
		assert.equal(libc.getXattr(file, 'user.one').toString(), 'second')
		libc.removeXattr(file, 'user.one')
		fails('ENODATA', () => libc.getXattr(file, 'user.one'))
		fails('ENODATA', () => libc.removeXattr(file, 'user.one'))
		assert.deepEqual(listed(file), ['user.Two', 'user.two'])
	},

	'XATTR_CREATE and XATTR_REPLACE hold to their word'(dir) {
		const file = join(dir, 'f')
		fs.writeFileSync(file, '')
		fails('ENODATA', () => libc.setXattr(file, 'user.a', '1', libc.XATTR_REPLACE))
		libc.setXattr(file, 'user.a', '1', libc.XATTR_CREATE)
		fails('EEXIST', () => libc.setXattr(file, 'user.a', '2', libc.XATTR_CREATE))
		assert.equal(libc.getXattr(file, 'user.a').toString(), '1')
		libc.setXattr(file, 'user.a', '3', libc.XATTR_REPLACE)
		assert.equal(libc.getXattr(file, 'user.a').toString(), '3')
	},

	'names that only root can read are listed for him only'(dir) {
		const file = join(dir, 'f')
		fs.writeFileSync(file, '')
		for (const name of ['trusted.a', 'user.a']) libc.setXattr(file, name, 'x')
		assert.deepEqual(listed(file), ['trusted.a', 'user.a'])
		assert.deepEqual(asUser(NOBODY, () => listed(file)), ['user.a'])
	},

	'values are any bytes; a short buffer is ERANGE, none asks for the size'(dir) {
		const file = join(dir, 'f')
		fs.writeFileSync(file, '')
		const value = Buffer.from([0, 1, 0xff, 0, 0x80])
		libc.setXattr(file, 'user.b', value)
		assert.deepEqual(libc.getXattr(file, 'user.b'), value)
		assert.equal(libc.xattrSize(file, 'user.b'), 5)
		fails('ERANGE', () => libc.getXattr(file, 'user.b', 3))
	},

	'limits: names of 255 bytes, values that fit, refusals beyond'(dir) {
		const file = join(dir, 'f')
		fs.writeFileSync(file, '')
		const longest = `user.${'n'.repeat(250)}`
		libc.setXattr(file, longest, 'x')
		assert.equal(libc.getXattr(file, longest).toString(), 'x')
		fails('ERANGE', () => libc.setXattr(file, `${longest}n`, 'x'))
		libc.setXattr(file, 'user.big', 'v'.repeat(2000))
		assert.equal(libc.getXattr(file, 'user.big').length, 2000)
		fails('E2BIG', () => libc.setXattr(file, 'user.big', 'v'.repeat(65_537)))
		assert.equal(libc.getXattr(file, 'user.big').length, 2000)
	},

	'directories, and trusted and security names'(dir) {
		const file = join(dir, 'f')
		fs.writeFileSync(file, '')
		libc.setXattr(dir, 'user.of-directory', 'd')
		assert.equal(libc.getXattr(dir, 'user.of-directory').toString(), 'd')
		libc.setXattr(file, 'trusted.t', 'T')
		libc.setXattr(file, 'security.s', 'S')
		assert.deepEqual(listed(file), ['security.s', 'trusted.t'])
		fs.chmodSync(dir, 0o777)
		fs.chmodSync(file, 0o666)
		asUser(NOBODY, () => {
			fails('EPERM', () => libc.setXattr(file, 'trusted.t', 'mine'))
			assert.equal(libc.getXattr(file, 'security.s').toString(), 'S')
			libc.setXattr(file, 'user.allowed', 'yes')
		})
		fails('EOPNOTSUPP', () => libc.setXattr(file, 'nonsense.x', 'x'))
		fails('EOPNOTSUPP', () => libc.setXattr(file, 'noprefix', 'x'))
	},

	'user names belong to files and directories only'(dir) {
		fs.symlinkSync('x', join(dir, 'l'))
		libc.mknod(join(dir, 'p'), 0o010644)
		fails('EPERM', () => libc.setXattr(join(dir, 'l'), 'user.x', 'x'))
		fails('EPERM', () => libc.setXattr(join(dir, 'p'), 'user.x', 'x'))
		libc.setXattr(join(dir, 'l'), 'trusted.x', 'x')
		assert.deepEqual(listed(join(dir, 'l')), ['trusted.x'])
	},

	'who may write the file may set user attributes, who may not may not'(dir) {
		const file = join(dir, 'f')
		fs.writeFileSync(file, '', { mode: 0o600 })
		fs.chmodSync(dir, 0o777)
		asUser(NOBODY, () => {
			fails('EACCES', () => libc.setXattr(file, 'user.x', 'x'))
			fails('EACCES', () => libc.getXattr(file, 'user.x'))
		})
	},

	'attributes follow the file through rename and link, and end with it'(dir) {
		const [a, b] = [join(dir, 'a'), join(dir, 'b')]
		fs.writeFileSync(a, '')
		libc.setXattr(a, 'user.x', 'kept')
		fs.renameSync(a, b)
		fs.linkSync(b, a)
		assert.equal(libc.getXattr(a, 'user.x').toString(), 'kept')
		libc.setXattr(a, 'user.x', 'changed')
		assert.equal(libc.getXattr(b, 'user.x').toString(), 'changed')
		fs.unlinkSync(a)
		fs.unlinkSync(b)
		fs.writeFileSync(a, '')
		assert.deepEqual(listed(a), [])
		fails('ENODATA', () => libc.getXattr(a, 'user.x'))
	},

	'a hundred attributes on one file'(dir) {
		const names = Array.from({ length: 100 }, (_, index) => `user.n${String(index).padStart(3, '0')}`)
		const file = join(dir, 'f')
		fs.writeFileSync(file, '')
		for (const name of names) libc.setXattr(file, name, name)
		assert.deepEqual(listed(file), names)
	},
}
