/** What is removed is kept where a class or the mount asks for it, as the rename it is. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, readlinkSync } from 'node:fs'
import { test } from 'node:test'
import { makeSpecial, makeSymlink } from '../../core/filesystem/create.ts'
import { link } from '../../core/filesystem/links.ts'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { getAttributes, lookup } from '../../core/filesystem/lookup.ts'
import { open } from '../../core/filesystem/open.ts'
import { release } from '../../core/filesystem/publish.ts'
import { removeDirectory, unlink } from '../../core/filesystem/remove.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { settle } from '../../core/filesystem/settle.ts'
import {
	folderName,
	isInTrash,
	looksNumbered,
	numbered,
	originalPath,
	readFolder,
	withoutNumber,
} from '../../core/filesystem/trash-paths.ts'
import { setXattr } from '../../core/filesystem/xattrs.ts'
import { classOf } from '../../core/placement/placement.ts'
import { at, createFile, installation, now, OWNER, setUp, writeFile } from '../unit/installation.ts'
import { directories, KEEPING, keeping, keptPaths, today } from './trash-installation.ts'

const bytes = (text: string) => Buffer.from(text, 'latin1')

test('names of days and numbers come back as they were', () => {
	for (const [text, day, keepDays] of [
		['2026-11-21', 20_778, undefined],
		['2026-11-21+30', 20_778, 30],
		['1970-01-01+0', 0, 0],
	] as const) {
		assert.deepEqual(readFolder(bytes(text)), { day, keepDays })
		assert.equal(folderName({ day, keepDays }).toString(), text)
	}
	for (const text of ['', '2026-11', '2026-13-01', '2026-11-21+', '2026-11-21x', 'x'])
		assert.equal(readFolder(bytes(text)), undefined)
	assert.equal(numbered(bytes('a'), 12).toString(), 'a.~12~')
	assert.equal(numbered(bytes('x'.repeat(255)), 12).length, 255)
	assert.ok(looksNumbered(bytes('a.~12~')) && !looksNumbered(bytes('a~12~')))
	assert.deepEqual(withoutNumber(bytes('\xff.~1~.~2~')), bytes('\xff.~1~'))
	assert.deepEqual(
		['.trash', '.trash/x', '.trashy', '.tras', 'a/.trash/x', ''].map((path) => isInTrash(bytes(path))),
		[true, true, false, false, false, false],
	)
	assert.equal(originalPath(bytes('.trash/2026-11-21/a.~3~/b.~4~'))?.toString(), 'a/b')
	assert.equal(originalPath(bytes('.trash/2026-11-21')), undefined)
})

test('a removed file is below its day with its path, directories like its own above it', async (t) => {
	const place = await keeping(t)
	const { fs } = await place.start()
	const parent = directories(fs, 'home/me', { mode: 0o2750, uid: 1001, gid: 1002 })
	now(setXattr(fs, parent, bytes('user.note'), bytes('mine'), { create: false, replace: false }))
	const id = writeFile(fs, 'letter', 'dear', parent)
	const before = now(getAttributes(fs, id))
	now(unlink(fs, at('letter', parent)))
	assert.equal(now(lookup(fs, parent, bytes('letter'))), undefined)
	assert.deepEqual(await keptPaths(fs), ['home/me/letter'])
	const after = now(getAttributes(fs, id))
	assert.deepEqual(
		[after.nlink, after.mode, after.uid, after.size, after.mtime_ns, after.version],
		[1, before.mode, before.uid, 4, before.mtime_ns, before.version],
	)
	assert.equal(readFileSync(place.node(1, `.trash/${today()}/home/me/letter`), 'utf8'), 'dear')
	assert.equal(existsSync(place.node(1, 'home/me/letter')), false)

	const trash = now(lookup(fs, 1, bytes('.trash')))
	const day = now(lookup(fs, trash?.id ?? 0, bytes(today())))
	const home = now(lookup(fs, day?.id ?? 0, bytes('home')))
	const me = now(lookup(fs, home?.id ?? 0, bytes('me')))
	assert.deepEqual([trash?.mode, trash?.uid, trash?.nlink, day?.mode, day?.nlink], [0o711, 0, 3, 0o711, 3])
	assert.deepEqual([me?.mode, me?.uid, me?.gid, me?.nlink], [0o2750, 1001, 1002, 2])
	assert.equal(place.rows('SELECT COUNT(*) AS many FROM xattr WHERE file_id = ?', me?.id ?? 0)[0].many, 1)
	flushLater(fs)
	assert.deepEqual(place.rows('SELECT * FROM intent'), [])
})

test('a tree that is removed whole keeps its structure', async (t) => {
	const { fs } = await (await keeping(t)).start()
	const deep = directories(fs, 'tree/a/b')
	const other = directories(fs, 'tree/c')
	writeFile(fs, 'x', '1', deep)
	writeFile(fs, 'y', '2', other)
	for (const [name, parent] of [
		['x', deep],
		['y', other],
	] as const)
		now(unlink(fs, at(name, parent)))
	const tree = directories(fs, 'tree')
	now(removeDirectory(fs, at('b', directories(fs, 'tree/a'))))
	for (const name of ['a', 'c']) now(removeDirectory(fs, at(name, tree)))
	now(removeDirectory(fs, at('tree')))
	assert.deepEqual((await keptPaths(fs)).sort(), ['tree/a/b/x', 'tree/c/y'])
	assert.equal(now(lookup(fs, 1, bytes('tree'))), undefined)
})

test('the same name again, names that look numbered, and a file where a directory was', async (t) => {
	const { fs } = await (await keeping(t)).start()
	const first = writeFile(fs, 'a', 'one')
	now(unlink(fs, at('a')))
	const second = writeFile(fs, 'a', 'two')
	now(unlink(fs, at('a')))
	const odd = writeFile(fs, 'b.~7~', 'odd')
	now(unlink(fs, at('b.~7~')))
	const directory = directories(fs, 'a')
	writeFile(fs, 'in', 'x', directory)
	now(unlink(fs, at('in', directory)))
	assert.deepEqual(await keptPaths(fs), ['a', `a.~${second}~`, `a.~${directory}~/in`, `b.~7~.~${odd}~`])
	const again = directories(fs, 'a')
	writeFile(fs, 'more', 'x', again)
	now(unlink(fs, at('more', again)))
	assert.ok((await keptPaths(fs)).includes(`a.~${directory}~/more`))
	assert.ok(first < second)
})

test('what is not kept: other names, other kinds, files never closed, what is in the trash, and names that are replaced', async (t) => {
	const place = await keeping(t)
	const { fs } = await place.start()
	const id = writeFile(fs, 'one', 'x')
	now(link(fs, id, at('two')))
	now(unlink(fs, at('one')))
	assert.equal(now(getAttributes(fs, id)).nlink, 1)
	now(makeSpecial(fs, at('fifo'), OWNER, 1, 0))
	now(unlink(fs, at('fifo')))
	const temporary = createFile(fs, 'temporary')
	now(unlink(fs, at('temporary')))
	now(release(fs, temporary, true))
	writeFile(fs, 'new', 'y')
	now(rename(fs, at('new'), at('two'), 'replace'))
	assert.equal(now(lookup(fs, 1, bytes('.trash'))), undefined)
	now(unlink(fs, at('two')))
	assert.deepEqual(await keptPaths(fs), ['two'])
	const day = directories(fs, `.trash/${today()}`)
	now(unlink(fs, at('two', day)))
	assert.deepEqual(await keptPaths(fs), [])
	assert.deepEqual(place.rows('SELECT id FROM file WHERE kind = 8'), [])
	assert.equal(existsSync(place.node(1, `.trash/${today()}/two`)), false)
	assert.throws(() => now(unlink(fs, at('none'))), { code: 'ENOENT' })
	assert.throws(() => now(unlink(fs, at('.trash'))), { code: 'EISDIR' })
})

test('symlinks are kept, on the nodes too', async (t) => {
	const place = await keeping(t)
	const { fs } = await place.start()
	now(makeSymlink(fs, at('link'), bytes('nowhere'), { uid: 0, gid: 0 }))
	now(unlink(fs, at('link')))
	assert.deepEqual(await keptPaths(fs), ['link'])
	assert.equal(readlinkSync(place.node(1, `.trash/${today()}/link`)), 'nowhere')
	assert.equal(existsSync(place.node(1, 'link')), false)
})

test('classes decide, the mount overrules them', async (t) => {
	const classes = [
		{ name: 'photos', pattern: '^photos/', copies: 1, trashDays: 30 },
		{ name: 'default', pattern: '', copies: 1 },
	]
	const { fs } = await (await installation(t, 1, classes)).start()
	const photos = directories(fs, 'photos')
	const remove = (name: string, parent = 1) => {
		writeFile(fs, name, 'x', parent)
		now(unlink(fs, at(name, parent)))
	}
	remove('a')
	remove('a', photos)
	assert.deepEqual(await keptPaths(fs), ['photos/a'])
	fs.config.mount.trashDays = 3
	remove('b')
	assert.ok(now(lookup(fs, directories(fs, `.trash/${today()}+3`), bytes('b'))))
	fs.config.mount.trashDays = 0
	remove('c', photos)
	assert.deepEqual(await keptPaths(fs), ['photos/a', 'b'])
	// Kept files are of the class they were of, and so is what is asked by path.
	assert.equal(classOf(fs, bytes(`.trash/${today()}/photos/a`)).name, 'photos')
	assert.equal(classOf(fs, bytes(`.trash/${today()}/x`)).name, 'default')
})

test('an open file goes on under its name in the trash, and what is written to it is kept', async (t) => {
	const place = await keeping(t)
	const { fs } = await place.start()
	const id = writeFile(fs, 'log', 'one')
	const file = now(open(fs, id, { write: true, truncate: false }))
	now(unlink(fs, at('log')))
	file.node.operations.write(file.fd, bytes('three'), 0)
	now(release(fs, file, true))
	assert.equal(now(getAttributes(fs, id)).size, 5)
	assert.equal(readFileSync(place.node(1, `.trash/${today()}/log`), 'utf8'), 'three')
})

test('a node that is away follows when it is back', async (t) => {
	const place = await keeping(t)
	const { fs } = await place.start()
	writeFile(fs, 'a', 'one')
	setUp(fs, 1, false)
	now(unlink(fs, at('a')))
	assert.equal(readFileSync(place.node(1, 'a'), 'utf8'), 'one')
	setUp(fs, 1, true)
	flushLater(fs)
	now(settle(fs))
	assert.equal(existsSync(place.node(1, 'a')), false)
	assert.equal(readFileSync(place.node(1, `.trash/${today()}/a`), 'utf8'), 'one')
})

test('the door is told of what came to be, other clients by the journal', async (t) => {
	const place = await keeping(t, 1, KEEPING)
	const client = await place.start()
	writeFile(client.fs, 'a', 'one')
	now(unlink(client.fs, at('a')))
	assert.deepEqual(
		client.told.map(({ op, parent_id, name }) => [op, parent_id, name && Buffer.from(name).toString()]),
		[
			['mkdir', 1, '.trash'],
			['attributes', null, null],
		],
	)
	const ops = place.rows('SELECT op FROM `change` ORDER BY seq').map((row) => row.op)
	assert.deepEqual(ops.slice(-3), ['mkdir', 'mkdir', 'rename'])
})
