/** The attributes of a directory after a change in it: from memory, and what the catalogue says all the same. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Driver } from '../../core/catalogue/driver.ts'
import type { FileRow } from '../../core/catalogue/files.ts'
import { setAttributes } from '../../core/filesystem/attributes.ts'
import { makeDirectory, makeSymlink } from '../../core/filesystem/create.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { link } from '../../core/filesystem/links.ts'
import { getAttributes } from '../../core/filesystem/lookup.ts'
import { removeDirectory, unlink } from '../../core/filesystem/remove.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { createTouched } from '../../core/filesystem/touched.ts'
import { setXattr } from '../../core/filesystem/xattrs.ts'
import { ROOT_ID } from '../../core/ids.ts'
import type { Op } from '../../core/op.ts'
import { at, createFile, type Installation, installation, now, OWNER, writeFile } from './installation.ts'

const DIRECTORY = { ...OWNER, mode: 0o755 }

/** A filesystem that counts its questions, with a directory `d` in the root, `f` and `s` in it. */
async function ground(installed: Installation) {
	let questions = 0
	const counted = (driver: Driver): Driver => ({
		...driver,
		get(sql, params) {
			questions++
			return driver.get(sql, params)
		},
	})
	const { fs } = await installed.start({ wrap: counted })
	const d = now(makeDirectory(fs, at('d'), DIRECTORY)).id
	const f = writeFile(fs, 'f', 'text', d)
	const s = now(makeDirectory(fs, at('s', d), DIRECTORY)).id
	const questionsOf = (op: Op<unknown>) => {
		questions = 0
		now(op)
		return questions
	}
	return { fs, d, f, s, questionsOf }
}

type Ground = Awaited<ReturnType<typeof ground>>

function isAsTheCatalogueSays({ rows }: Installation, fs: Filesystem, id: number): void {
	const [row] = rows('SELECT mtime, mtime_ns, ctime, ctime_ns, nlink, mode, flags FROM file WHERE id = ?', id)
	const { mtime, mtime_ns, ctime, ctime_ns, nlink, mode, flags } = now(getAttributes(fs, id))
	assert.deepEqual({ mtime, mtime_ns, ctime, ctime_ns, nlink, mode, flags }, { ...row })
}

const CHANGES: Record<string, (ground: Ground) => unknown> = {
	create: ({ fs, d }) => createFile(fs, 'new', d),
	mkdir: ({ fs, d }) => now(makeDirectory(fs, at('new', d), DIRECTORY)),
	symlink: ({ fs, d }) => now(makeSymlink(fs, at('new', d), Buffer.from('target'), OWNER)),
	link: ({ fs, d, f }) => now(link(fs, f, at('new', d))),
	unlink: ({ fs, d }) => now(unlink(fs, at('f', d))),
	rmdir: ({ fs, d }) => now(removeDirectory(fs, at('s', d))),
	rename: ({ fs, d }) => now(rename(fs, at('f', d), at('g', d), 'replace')),
	'rename from one directory to another': ({ fs, d }) => now(rename(fs, at('f', d), at('g'), 'replace')),
}

for (const [title, change] of Object.entries(CHANGES)) {
	test(`${title}: the directory is known without a question`, async (t) => {
		const installed = await installation(t)
		const there = await ground(installed)
		change(there)
		assert.equal(there.questionsOf(getAttributes(there.fs, there.d)), 0)
		isAsTheCatalogueSays(installed, there.fs, there.d)
		isAsTheCatalogueSays(installed, there.fs, ROOT_ID)
	})
}

const OTHERS: Record<string, (ground: Ground) => unknown> = {
	'a directory that moves changes two link counts': ({ fs, d }) => now(rename(fs, at('s', d), at('s'), 'replace')),
	'a mode of its own': ({ fs, d }) => now(setAttributes(fs, d, { mode: 0o700 })),
	'an attribute of its own': ({ fs, d }) => now(setXattr(fs, d, Buffer.from('user.a'), Buffer.from('b'), { create: false, replace: false })),
	'a rename that replaces a directory': ({ fs, d }) => {
		now(makeDirectory(fs, at('t', d), DIRECTORY))
		now(rename(fs, at('s', d), at('t', d), 'replace'))
	},
}

for (const [title, change] of Object.entries(OTHERS)) {
	test(`${title}: what was known before is not told any more`, async (t) => {
		const installed = await installation(t)
		const there = await ground(installed)
		change(there)
		isAsTheCatalogueSays(installed, there.fs, there.d)
		isAsTheCatalogueSays(installed, there.fs, ROOT_ID)
	})
}

test('what another client did there is known as soon as the journal is read', async (t) => {
	const installed = await installation(t)
	const { fs, d } = await ground(installed)
	const other = await installed.start()
	now(makeDirectory(other.fs, at('new', d), DIRECTORY))
	now(catchUp(fs))
	isAsTheCatalogueSays(installed, fs, d)
})

test('with another client about the catalogue is asked', async (t) => {
	const installed = await installation(t)
	const { fs, d, questionsOf } = await ground(installed)
	await installed.start()
	now(catchUp(fs))
	createFile(fs, 'new', d)
	assert.equal(questionsOf(getAttributes(fs, d)), 1)
	isAsTheCatalogueSays(installed, fs, d)
})

test('a directory that was removed is gone', async (t) => {
	const installed = await installation(t)
	const { fs, d, s } = await ground(installed)
	writeFile(fs, 'x', 'text', s)
	now(unlink(fs, at('x', s)))
	now(removeDirectory(fs, at('s', d)))
	assert.equal(now(getAttributes(fs, s)).nlink, 0)
})

test('where answers come later, what went on at the same time is not kept: nobody knows in which order it was made', () => {
	const touched = createTouched({ synchronous: false })
	const row = { id: 7, nlink: 2 } as FileRow
	const time = { s: 1, ns: 0 }
	const first = touched.begin(7)
	touched.keep(first, row, time, 1)
	assert.equal(touched.get(7)?.nlink, 3)

	const slow = touched.begin(7)
	const quick = touched.begin(7)
	touched.keep(quick, row, time)
	touched.keep(slow, row, time)
	assert.equal(touched.get(7), undefined)

	const other = touched.begin(7)
	touched.forget(7)
	touched.keep(other, row, time)
	assert.equal(touched.get(7), undefined)

	const passed = touched.begin(7)
	touched.forgetAll()
	touched.keep(passed, row, time)
	assert.equal(touched.get(7), undefined)
})
