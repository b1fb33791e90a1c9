/** flock(2) and fcntl(2) locks of one mount: between descriptors and between processes. */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import { join } from 'node:path'
import { withHands } from '../support/hands.ts'
import * as libc from '../support/libc.ts'
import { type Cases, fails } from './cases.ts'

const { O_CREAT, O_RDWR } = fs.constants
const HERE = import.meta.filename

/** Run in another process: whether it gets the lock. */
export function tryRecordLock(path: string, range: { type: number; start?: number; length?: number }): boolean {
	const fd = libc.open(path, O_RDWR)
	try {
		libc.lock(fd, libc.F_SETLK, range)
		return true
	} catch (error) {
		assert.match((error as NodeJS.ErrnoException).code ?? '', /^(EAGAIN|EACCES)$/)
		return false
	} finally {
		fs.closeSync(fd)
	}
}

export function tryFlock(path: string, operation: number): boolean {
	const fd = libc.open(path, O_RDWR)
	try {
		libc.flock(fd, operation | libc.LOCK_NB)
		return true
	} catch (error) {
		assert.equal((error as NodeJS.ErrnoException).code, 'EAGAIN')
		return false
	} finally {
		fs.closeSync(fd)
	}
}

export const cases: Cases = {
	'flock excludes another descriptor until it is given back'(dir) {
		const [a, b] = [0, 1].map(() => libc.open(join(dir, 'f'), O_RDWR | O_CREAT)) as [number, number]
		libc.flock(a, libc.LOCK_EX)
		fails('EAGAIN', () => libc.flock(b, libc.LOCK_SH | libc.LOCK_NB))
		libc.flock(a, libc.LOCK_SH)
		libc.flock(b, libc.LOCK_SH | libc.LOCK_NB)
		fails('EAGAIN', () => libc.flock(a, libc.LOCK_EX | libc.LOCK_NB))
		libc.flock(b, libc.LOCK_UN)
		libc.flock(a, libc.LOCK_EX | libc.LOCK_NB)
		fs.closeSync(a)
		libc.flock(b, libc.LOCK_EX | libc.LOCK_NB)
		fs.closeSync(b)
	},

	async 'flock excludes another process'(dir) {
		const path = join(dir, 'f')
		const fd = libc.open(path, O_RDWR | O_CREAT)
		libc.flock(fd, libc.LOCK_EX)
		await withHands(async (other) => {
			assert.equal(await other.run(HERE, 'tryFlock', [path, libc.LOCK_SH]), false)
			libc.flock(fd, libc.LOCK_UN)
			assert.equal(await other.run(HERE, 'tryFlock', [path, libc.LOCK_EX]), true)
		})
		fs.closeSync(fd)
	},

	async 'record locks exclude another process where they overlap'(dir) {
		const path = join(dir, 'f')
		const fd = libc.open(path, O_RDWR | O_CREAT)
		libc.lock(fd, libc.F_SETLK, { type: libc.F_WRLCK, start: 100, length: 50 })
		await withHands(async (other) => {
			const gets = (type: number, start: number, length: number) =>
				other.run(HERE, 'tryRecordLock', [path, { type, start, length }])
			assert.equal(await gets(libc.F_RDLCK, 120, 1), false)
			assert.equal(await gets(libc.F_WRLCK, 0, 100), true)
			assert.equal(await gets(libc.F_WRLCK, 150, 0), true)
			libc.lock(fd, libc.F_SETLK, { type: libc.F_RDLCK, start: 100, length: 50 })
			assert.equal(await gets(libc.F_RDLCK, 100, 50), true)
			assert.equal(await gets(libc.F_WRLCK, 100, 50), false)
			libc.lock(fd, libc.F_SETLK, { type: libc.F_UNLCK, start: 100, length: 50 })
			assert.equal(await gets(libc.F_WRLCK, 0, 0), true)
		})
		fs.closeSync(fd)
	},

	'locks of open file descriptions exclude each other in one process'(dir) {
		const [a, b] = [0, 1].map(() => libc.open(join(dir, 'f'), O_RDWR | O_CREAT)) as [number, number]
		libc.lock(a, libc.F_OFD_SETLK, { type: libc.F_WRLCK })
		fails('EAGAIN', () => libc.lock(b, libc.F_OFD_SETLK, { type: libc.F_RDLCK }))
		fs.closeSync(a)
		libc.lock(b, libc.F_OFD_SETLK, { type: libc.F_WRLCK })
		fs.closeSync(b)
	},

	'a lock says what is in its way'(dir) {
		const [a, b] = [0, 1].map(() => libc.open(join(dir, 'f'), O_RDWR | O_CREAT)) as [number, number]
		const F_OFD_GETLK = 36
		libc.lock(a, libc.F_OFD_SETLK, { type: libc.F_WRLCK, start: 10, length: 10 })
		assert.equal(libc.lock(b, F_OFD_GETLK, { type: libc.F_WRLCK, start: 0, length: 5 }), libc.F_UNLCK)
		assert.equal(libc.lock(b, F_OFD_GETLK, { type: libc.F_WRLCK, start: 0, length: 15 }), libc.F_WRLCK)
		fs.closeSync(a)
		fs.closeSync(b)
	},
}
