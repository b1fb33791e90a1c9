/** What was removed goes back to where it was, and replaces nothing. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { getAttributes, lookup } from '../../core/filesystem/lookup.ts'
import { removeDirectory, unlink } from '../../core/filesystem/remove.ts'
import { findKept, findRemoved, folders, type Kept } from '../../core/filesystem/trash-contents.ts'
import { restore } from '../../core/filesystem/trash-restore.ts'
import { getXattr, setXattr } from '../../core/filesystem/xattrs.ts'
import { at, now, writeFile } from '../unit/installation.ts'
import { directories, keeping, keptPaths, today } from './trash-installation.ts'

const path = (text: string) => Buffer.from(text)

async function removed(fs: Filesystem, text: string): Promise<Kept> {
	const [kept] = await findRemoved(fs.catalogue, path(text))
	assert.ok(kept, text)
	return kept
}

test('back to where it was, under directories as they were; the trash is left tidy', async (t) => {
	const place = await keeping(t)
	const { fs } = await place.start()
	const parent = directories(fs, 'home/me', { mode: 0o750, uid: 1001, gid: 1002 })
	now(setXattr(fs, parent, path('user.note'), path('mine'), { create: false, replace: false }))
	const id = writeFile(fs, 'letter', 'dear', parent)
	now(unlink(fs, at('letter', parent)))
	now(removeDirectory(fs, at('me', directories(fs, 'home'))))
	now(removeDirectory(fs, at('home')))
	now(restore(fs, await removed(fs, 'home/me/letter'), path('home/me/letter')))
	const home = now(lookup(fs, 1, path('home')))
	const me = now(lookup(fs, home?.id ?? 0, path('me')))
	assert.deepEqual([me?.mode, me?.uid, me?.gid], [0o750, 1001, 1002])
	assert.equal(Buffer.from(now(getXattr(fs, me?.id ?? 0, path('user.note')))).toString(), 'mine')
	assert.equal(now(lookup(fs, me?.id ?? 0, path('letter')))?.id, id)
	assert.equal(readFileSync(place.node(1, 'home/me/letter'), 'utf8'), 'dear')
	assert.deepEqual([await keptPaths(fs), await folders(fs.catalogue)], [[], []])
})

test('nothing is replaced: a file of the name, or a file where a directory was', async (t) => {
	const { fs } = await (await keeping(t)).start()
	const parent = directories(fs, 'a')
	writeFile(fs, 'x', 'old', parent)
	now(unlink(fs, at('x', parent)))
	const id = writeFile(fs, 'x', 'new', parent)
	const kept = await removed(fs, 'a/x')
	assert.throws(() => now(restore(fs, kept, path('a/x'))), { code: 'EEXIST' })
	assert.throws(() => now(restore(fs, kept, path('a/x/y'))), { code: 'ENOTDIR' })
	assert.equal(now(getAttributes(fs, id)).size, 3)
	now(restore(fs, kept, path('elsewhere/of/it')))
	assert.deepEqual(await keptPaths(fs), [])
	assert.ok(now(lookup(fs, directories(fs, 'elsewhere/of'), path('it'))))
})

test('by its path: the latest file, all of a directory, whatever their names became', async (t) => {
	const { fs } = await (await keeping(t)).start()
	for (const text of ['one', 'two', 'three']) {
		writeFile(fs, 'x', text)
		now(unlink(fs, at('x')))
	}
	const latest = await removed(fs, 'x')
	assert.equal(latest.row.size, 5)
	now(restore(fs, latest, path('x')))
	assert.equal((await removed(fs, 'x')).row.size, 3)

	const odd = writeFile(fs, 'n.~1~', 'odd')
	now(unlink(fs, at('n.~1~')))
	assert.equal((await removed(fs, 'n.~1~')).row.id, odd)
	assert.deepEqual(await findRemoved(fs.catalogue, path('n')), [])

	writeFile(fs, 'd', 'a file')
	now(unlink(fs, at('d')))
	const directory = directories(fs, 'd')
	writeFile(fs, 'in', 'x', directory)
	now(unlink(fs, at('in', directory)))
	assert.equal((await removed(fs, 'd')).row.size, 6)
	assert.equal((await removed(fs, 'd/in')).row.size, 1)
	assert.equal((await findKept(fs.catalogue, path(`.trash/${today()}/d`)))?.row.size, 6)
	assert.equal(await findKept(fs.catalogue, path('d/in')), undefined)
})
