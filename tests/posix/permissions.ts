/** Who may do what: other users, set-id bits, sticky and set-gid directories. */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import { join } from 'node:path'
import { asUser } from '../support/calls.ts'
import { access, copyFileRange, open, truncate } from '../support/libc.ts'
import { type Cases, fails, statOnly } from './cases.ts'

const ALICE = { uid: 1001, gid: 1001 }
const BOB = { uid: 1002, gid: 1002 }
const { O_RDONLY, O_RDWR, O_WRONLY } = fs.constants
const modeOf = (path: string) => fs.lstatSync(path).mode & 0o7777

/** A file of alice's, and everyone may enter the directory. */
function aliceHas(dir: string, name: string, mode: number): string {
	fs.chmodSync(dir, 0o777)
	const path = join(dir, name)
	fs.writeFileSync(path, 'of alice')
	fs.chownSync(path, ALICE.uid, ALICE.gid)
	fs.chmodSync(path, mode)
	return path
}

export const cases: Cases = {
	'a new file belongs to who made it'(dir) {
		fs.chmodSync(dir, 0o777)
		asUser(ALICE, () => {
			fs.writeFileSync(join(dir, 'f'), '')
			fs.mkdirSync(join(dir, 'd'))
			fs.symlinkSync('x', join(dir, 'l'))
		})
		for (const name of ['f', 'd', 'l']) {
			const { uid, gid } = fs.lstatSync(join(dir, name))
			assert.deepEqual([uid, gid], [ALICE.uid, ALICE.gid])
		}
	},

	'modes are enforced for owner, group and others'(dir) {
		const file = aliceHas(dir, 'f', 0o640)
		asUser(ALICE, () => fs.closeSync(open(file, O_RDWR)))
		asUser({ ...BOB, groups: [ALICE.gid] }, () => {
			fs.closeSync(open(file, O_RDONLY))
			fails('EACCES', () => open(file, O_WRONLY))
		})
		asUser(BOB, () => {
			fails('EACCES', () => open(file, O_RDONLY))
			fails('EACCES', () => truncate(file, 0))
			fails('EPERM', () => fs.chmodSync(file, 0o666))
			fails('EPERM', () => fs.chownSync(file, BOB.uid, BOB.gid))
			fails('EPERM', () => fs.utimesSync(file, 1, 1))
			fails('EACCES', () => access(file, fs.constants.R_OK))
		})
		assert.equal(fs.readFileSync(file, 'utf8'), 'of alice')
	},

	'what one user has looked up is not open to another'(dir) {
		const closed = join(dir, 'private')
		fs.chmodSync(dir, 0o777)
		fs.mkdirSync(closed)
		fs.writeFileSync(join(closed, 'secret'), 'x')
		fs.chownSync(closed, ALICE.uid, ALICE.gid)
		fs.chownSync(join(closed, 'secret'), ALICE.uid, ALICE.gid)
		fs.chmodSync(closed, 0o700)
		asUser(ALICE, () => assert.equal(fs.readFileSync(join(closed, 'secret'), 'utf8'), 'x'))
		asUser(BOB, () => {
			fails('EACCES', () => fs.lstatSync(join(closed, 'secret')))
			fails('EACCES', () => fs.readdirSync(closed))
			fails('EACCES', () => fs.writeFileSync(join(closed, 'mine'), ''))
		})
		fs.chmodSync(closed, 0o755)
		asUser(BOB, () => assert.equal(fs.readFileSync(join(closed, 'secret'), 'utf8'), 'x'))
		fs.chmodSync(closed, 0o700)
		asUser(BOB, () => fails('EACCES', () => fs.lstatSync(join(closed, 'secret'))))
	},

	'the write bit of the directory decides about its names'(dir) {
		fs.mkdirSync(join(dir, 'd'), { mode: 0o755 })
		fs.chmodSync(dir, 0o755)
		fs.writeFileSync(join(dir, 'd/f'), '')
		asUser(BOB, () => {
			fails('EACCES', () => fs.writeFileSync(join(dir, 'd/new'), ''))
			fails('EACCES', () => fs.unlinkSync(join(dir, 'd/f')))
			fails('EACCES', () => fs.renameSync(join(dir, 'd/f'), join(dir, 'd/g')))
			fails('EACCES', () => fs.mkdirSync(join(dir, 'd/e')))
		})
	},

	'in a sticky directory only owners remove and rename'(dir) {
		const file = aliceHas(dir, 'f', 0o666)
		fs.chmodSync(dir, 0o1777)
		asUser(BOB, () => {
			fails('EPERM', () => fs.unlinkSync(file))
			fails('EPERM', () => fs.renameSync(file, join(dir, 'g')))
			fs.writeFileSync(join(dir, 'of-bob'), '')
			fails('EPERM', () => fs.renameSync(join(dir, 'of-bob'), file))
			fs.unlinkSync(join(dir, 'of-bob'))
		})
		asUser(ALICE, () => fs.unlinkSync(file))
	},

	'a set-gid directory hands its group on, and directories its bit'(dir) {
		const shared = join(dir, 'shared')
		fs.chmodSync(dir, 0o777)
		fs.mkdirSync(shared)
		fs.chownSync(shared, 0, 3000)
		fs.chmodSync(shared, 0o2777)
		asUser(ALICE, () => {
			fs.writeFileSync(join(shared, 'f'), '')
			fs.mkdirSync(join(shared, 'd'))
			fs.symlinkSync('x', join(shared, 'l'))
		})
		for (const name of ['f', 'd', 'l']) assert.equal(fs.lstatSync(join(shared, name)).gid, 3000)
		assert.equal(modeOf(join(shared, 'd')) & 0o2000, 0o2000)
		assert.equal(modeOf(join(shared, 'f')) & 0o2000, 0)
	},

	'a write by another user clears the set-id bits, and succeeds'(dir) {
		for (const [mode, expected] of [[0o6777, 0o777], [0o4777, 0o777], [0o2777, 0o777], [0o6766, 0o766]]) {
			const file = aliceHas(dir, `f${mode}`, mode as number)
			asUser(BOB, () => {
				const fd = open(file, O_WRONLY)
				fs.writeSync(fd, 'by bob', 0)
				assert.equal(Number.parseInt(statOnly(file, '%a'), 8), expected)
				fs.closeSync(fd)
			})
			assert.equal(modeOf(file), expected)
			assert.equal(fs.readFileSync(file, 'utf8'), 'by bobce')
		}
	},

	'truncating by another user clears the set-id bits too'(dir) {
		const [a, b] = [aliceHas(dir, 'a', 0o4777), aliceHas(dir, 'b', 0o4777)]
		asUser(BOB, () => {
			truncate(a, 2)
			fs.closeSync(fs.openSync(b, 'w'))
		})
		assert.deepEqual([modeOf(a), modeOf(b)], [0o777, 0o777])
	},

	'copying a range into it by another user clears the set-id bits too'(dir) {
		const [from, to] = [aliceHas(dir, 'from', 0o644), aliceHas(dir, 'to', 0o6777)]
		asUser(BOB, () => {
			const [source, target] = [open(from, O_RDONLY), open(to, O_RDWR)]
			assert.equal(copyFileRange(source, 0, target, 0, 2), 2)
			assert.equal(Number.parseInt(statOnly(to, '%a'), 8), 0o777)
			fs.closeSync(source)
			fs.closeSync(target)
		})
		assert.equal(modeOf(to), 0o777)
	},

	'root writes to a set-id file without clearing it; chown clears'(dir) {
		const file = aliceHas(dir, 'f', 0o6755)
		fs.appendFileSync(file, 'x')
		assert.equal(modeOf(file), 0o6755)
		asUser(ALICE, () => fs.chownSync(file, ALICE.uid, ALICE.gid))
		assert.equal(modeOf(file), 0o755)
	},

	'the set-gid bit of a file that its group cannot run stays, for its group and for root'(dir) {
		const file = aliceHas(dir, 'f', 0o6644)
		asUser(ALICE, () => fs.appendFileSync(file, 'x'))
		assert.equal(modeOf(file), 0o2644)
		fs.chmodSync(file, 0o6644)
		asUser(ALICE, () => truncate(file, 2))
		assert.equal(modeOf(file), 0o2644)
		fs.chmodSync(file, 0o6644)
		fs.chownSync(file, BOB.uid, -1)
		assert.equal(modeOf(file), 0o2644)
	},

	'an owner gives a file to a group of their own, and to no other'(dir) {
		const file = aliceHas(dir, 'f', 0o644)
		asUser({ ...ALICE, groups: [4000] }, () => {
			fs.chownSync(file, ALICE.uid, 4000)
			fails('EPERM', () => fs.chownSync(file, ALICE.uid, 5000))
			fails('EPERM', () => fs.chownSync(file, BOB.uid, 4000))
		})
		assert.equal(fs.statSync(file).gid, 4000)
	},

	'chmod by an owner outside the group of the file drops set-gid'(dir) {
		const file = aliceHas(dir, 'f', 0o644)
		fs.chownSync(file, ALICE.uid, 5000)
		asUser(ALICE, () => fs.chmodSync(file, 0o2755))
		assert.equal(modeOf(file), 0o755)
	},

	'an owner without permission opens nothing, but may change that'(dir) {
		const file = aliceHas(dir, 'f', 0o000)
		asUser(ALICE, () => {
			fails('EACCES', () => open(file, O_RDONLY))
			fs.chmodSync(file, 0o400)
			fs.closeSync(open(file, O_RDONLY))
		})
	},

	'whoever may write may set the times to now, only the owner to a date'(dir) {
		const file = aliceHas(dir, 'f', 0o666)
		asUser(BOB, () => fails('EPERM', () => fs.utimesSync(file, 5, 5)))
		asUser(ALICE, () => fs.utimesSync(file, 5, 5))
		assert.equal(fs.statSync(file).mtimeMs, 5000)
	},
}
