/** Users write, rename and remove while a node is walked: between the look at the disk and the word in the catalogue. */
import assert from 'node:assert/strict'
import * as disk from 'node:fs'
import { test } from 'node:test'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { makeDirectory } from '../../core/filesystem/create.ts'
import { unlink } from '../../core/filesystem/remove.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { at, now, OWNER, writeFile } from '../unit/installation.ts'
import { beforeComparing, beforeWriting, change, ground } from './walked.ts'

test('a file made and removed by a user after it was seen is not adopted', async (t) => {
	const { put, walk, client, start, file } = await ground(t)
	const user = await start()
	put(1, 'f', 'stray')
	put(1, 'g', 'stray')
	beforeWriting(client, () => {
		// The user's create finds the stray, which is kept out of its way.
		writeFile(user.fs, 'f', 'user')
		now(unlink(user.fs, at('f')))
		flushLater(user.fs)
	})
	const { outcomes } = await walk()
	assert.deepEqual(outcomes, { adopted: 1, gone: 1 })
	assert.deepEqual([file('f'), !!file('g')], [undefined, true])
})

test('a name a user took meanwhile is the user’s', async (t) => {
	const { put, walk, client, start, rows, copies, read } = await ground(t)
	const user = await start()
	put(1, 'f', 'stray')
	beforeWriting(client, () => {
		writeFile(user.fs, 'f', 'user')
		flushLater(user.fs)
	})
	const { outcomes, troubles } = await walk()
	assert.deepEqual([outcomes, troubles], [{ known: 1 }, []])
	assert.deepEqual([rows('SELECT * FROM entry').length, copies('f'), read(1, 'f')], [1, { 1: 'good 1' }, 'user'])
})

test('a directory renamed meanwhile takes with it what is adopted in it', async (t) => {
	const { put, walk, client, start, file, rows } = await ground(t)
	const user = await start()
	now(makeDirectory(user.fs, at('d'), { ...OWNER, mode: 0o755 }))
	put(1, 'd/f', 'stray')
	put(1, 'd/sub/g', 'stray')
	beforeWriting(client, () => {
		now(rename(user.fs, at('d'), at('moved'), 'replace'))
		flushLater(user.fs)
	})
	await walk()
	await walk()
	assert.deepEqual([file('d'), !!file('moved/f'), !!file('moved/sub/g')], [undefined, true, true])
	assert.equal(rows('SELECT * FROM entry').length, 4)
	assert.deepEqual((await walk()).outcomes, { known: 2 })
})

test('two directories that change names do not change what is in them', async (t) => {
	const { put, walk, client, start, file } = await ground(t)
	const user = await start()
	for (const name of ['a', 'b']) now(makeDirectory(user.fs, at(name), { ...OWNER, mode: 0o755 }))
	put(1, 'a/of-a', 'stray')
	put(1, 'b/of-b', 'stray')
	beforeWriting(client, () => {
		now(rename(user.fs, at('a'), at('x'), 'replace'))
		now(rename(user.fs, at('b'), at('a'), 'replace'))
		now(rename(user.fs, at('x'), at('b'), 'replace'))
		flushLater(user.fs)
	})
	await walk()
	await walk()
	assert.deepEqual([!!file('a/of-b'), !!file('b/of-a'), file('a/of-a'), file('b/of-b')], [true, true, undefined, undefined])
})

for (const way of ['name by name', 'as a whole']) {
	test(`a file that moved during the walk is neither missed nor adopted again; a directory looked at ${way}`, async (t) => {
		const { walk, client, start, rows, file, copies } = await ground(t)
		const user = await start()
		writeFile(user.fs, 'a', 'text')
		writeFile(user.fs, 'z', 'text')
		flushLater(user.fs)
		let calls = 0
		// After the listing, before the catalogue is asked.
		const meddle = () => {
			if (++calls > 1) return
			now(rename(user.fs, at('a'), at('m'), 'replace'))
			now(rename(user.fs, at('z'), at('a'), 'replace'))
			flushLater(user.fs)
		}
		change(client, 1, ({ list }) => ({
			list(path) {
				const entries = list(path)
				meddle()
				return entries
			},
		}))
		beforeComparing(client, () => {
			if (way === 'as a whole') meddle()
			return way === 'as a whole'
		})
		const { troubles } = await walk()
		assert.deepEqual(troubles, [])
		assert.equal(rows('SELECT * FROM file WHERE kind = 8').length, 2)
		assert.deepEqual([copies('a'), copies('m'), file('z')], [{ 1: 'good 1' }, { 1: 'good 1' }, undefined])
		assert.deepEqual((await walk()).outcomes, { known: 2 })
	})
}

for (const [what, names] of [['many files', ['0', '1', '2', '3', '4', '5']], ['a directory of many', ['from']]] as const) {
	test(`${what} moved into a directory after the node was asked for it: nothing looks as if it was lost`, async (t) => {
		const { walk, client, start } = await ground(t)
		const user = await start()
		const [from, to] = ['from', 'to'].map((name) => now(makeDirectory(user.fs, at(name), { ...OWNER, mode: 0o755 })).id)
		for (let index = 0; index < 6; index++) writeFile(user.fs, `${index}`, 'text', from)
		writeFile(user.fs, 'f', 'text', to)
		flushLater(user.fs)
		let isMoved = false
		change(client, 1, ({ list }) => ({
			list(path) {
				const entries = list(path)
				if (isMoved || `${path}` !== 'to') return entries
				isMoved = true
				for (const name of names) now(rename(user.fs, at(name, name === 'from' ? undefined : from), at(name, to), 'replace'))
				flushLater(user.fs)
				return entries
			},
		}))
		beforeComparing(client, () => false)
		assert.deepEqual([(await walk()).troubles, isMoved], [[], true])
		assert.deepEqual((await walk()).outcomes, { known: 7 })
	})
}

test('a file taken for gone is asked for once more before it is missed', async (t) => {
	const { walk, client, start, copies, node } = await ground(t)
	const user = await start()
	writeFile(user.fs, 'f', 'text')
	flushLater(user.fs)
	disk.renameSync(node(1, 'f'), node(1, '.cairn/f'))
	beforeWriting(client, () => {
		now(rename(user.fs, at('f'), at('g'), 'replace'))
		now(rename(user.fs, at('g'), at('f'), 'replace'))
		disk.renameSync(node(1, '.cairn/f'), node(1, 'f'))
		flushLater(user.fs)
	})
	const { troubles, outcomes } = await walk()
	assert.deepEqual([troubles, outcomes, copies('f')], [[], { known: 1 }, { 1: 'good 1' }])
})

test('a new directory that a user made meanwhile is the user’s, and what is in it comes into that', async (t) => {
	const { put, walk, client, start, file, rows, copies, read } = await ground(t)
	const user = await start()
	for (const name of ['d/f', 'd/g', 'd/e/h']) put(1, name, 'stray')
	let made: number | undefined
	beforeWriting(client, () => {
		made = now(makeDirectory(user.fs, at('d'), { ...OWNER, mode: 0o755 })).id
		writeFile(user.fs, 'f', 'user', made)
		flushLater(user.fs)
	})
	const { troubles } = await walk()
	await walk()
	assert.deepEqual([troubles, file('d')?.id, copies('d/f'), copies('d/g'), read(1, 'd/f')], [[], made, { 1: 'good 1' }, { 1: 'good 1' }, 'user'])
	assert.deepEqual([!!file('d/e/h'), rows('SELECT * FROM entry').length], [true, 5])
	assert.deepEqual((await walk()).outcomes, { known: 3 })
})

test('what a user makes and removes in directories the walk has just made', async (t) => {
	const { put, walk, client, start, file, rows } = await ground(t)
	const user = await start()
	const [directories, files] = [80, 60]
	for (let number = 0; number < directories * files; number++) put(1, `d${number % directories}/f${number}`, 'text')
	let writes = 0
	change(client, 1, ({ identify }) => ({
		identify(uuid) {
			// At the second the directories are in the tree, and the last ones have not been looked at.
			if (++writes === 3) {
				for (const path of ['d79', 'd9']) {
					const id = file(path)?.id as number
					writeFile(user.fs, 'kept', 'user', id)
					writeFile(user.fs, 'removed', 'user', id)
					now(unlink(user.fs, at('removed', id)))
				}
				flushLater(user.fs)
			}
			return identify(uuid)
		},
	}))
	const { outcomes, troubles } = await walk()
	assert.deepEqual([troubles, outcomes.adopted, outcomes.directory], [[], directories * files, directories])
	assert.equal(rows('SELECT * FROM entry').length, directories * (files + 1) + 2)
	assert.deepEqual([!!file('d79/kept'), !!file('d9/kept'), file('d79/removed'), file('d9/removed')], [true, true, undefined, undefined])
	assert.deepEqual((await walk()).outcomes, { known: directories * files + 2 })
})
