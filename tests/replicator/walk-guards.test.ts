/** When a walk must not believe what it sees: deletes not carried out, disks not mounted, old catalogues, other people at work. */
import assert from 'node:assert/strict'
import * as disk from 'node:fs'
import { test } from 'node:test'
import { fail } from '../../core/errors.ts'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { makeDirectory } from '../../core/filesystem/create.ts'
import { link } from '../../core/filesystem/links.ts'
import { open } from '../../core/filesystem/open.ts'
import { release } from '../../core/filesystem/publish.ts'
import { removeDirectory, unlink } from '../../core/filesystem/remove.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { settle } from '../../core/filesystem/settle.ts'
import { at, createFile, now, OWNER, setUp, writeFile } from '../unit/installation.ts'
import { beforeWriting, change, ground, walkOn } from './walked.ts'

test('what was deleted, renamed or replaced while the node was away does not come back', async (t) => {
	const { walk, client, rows, has, read, file } = await ground(t)
	const { fs } = client
	for (const name of ['f1', 'f2', 'f4']) writeFile(fs, name, name)
	const d = now(makeDirectory(fs, at('d'), { ...OWNER, mode: 0o755 }))
	writeFile(fs, 'in', 'in', d.id)
	flushLater(fs)
	setUp(fs, 1, false)
	now(unlink(fs, at('f1')))
	now(rename(fs, at('f2'), at('f3'), 'replace'))
	now(unlink(fs, at('f4')))
	now(unlink(fs, at('in', d.id)))
	now(removeDirectory(fs, at('d')))
	await new Promise((resolve) => setImmediate(resolve))
	flushLater(fs)
	setUp(fs, 1, true)
	const names = () => rows('SELECT name FROM entry ORDER BY name').map(({ name }) => `${Buffer.from(name)}`)
	const { outcomes } = await walk()
	assert.deepEqual(names(), ['f3'])
	assert.deepEqual(outcomes, { waiting: 5 })
	assert.deepEqual(rows('SELECT * FROM conflict'), [])
	now(settle(fs))
	flushLater(fs)
	assert.deepEqual([has(1, 'f1'), has(1, 'f2'), has(1, 'f4'), has(1, 'd'), read(1, 'f3')], [false, false, false, false, 'f2'])
	assert.deepEqual((await walk()).outcomes, { known: 1 })
	assert.ok(file('f3'))
})

test('a name that is gone is no lost copy where another name of its file is there', async (t) => {
	const { walk, client, node, copies } = await ground(t)
	const { fs } = client
	const id = writeFile(fs, 'f', 'text')
	now(link(fs, id, at('g')))
	flushLater(fs)
	disk.unlinkSync(node(1, 'g'))
	const { outcomes, troubles, notes } = await walk()
	assert.deepEqual([outcomes, troubles, copies('f')], [{ known: 2 }, [], { 1: 'good 1' }])
	assert.match(notes.join(), /: g is gone, and another name/)
	disk.unlinkSync(node(1, 'f'))
	await walk()
	assert.equal(copies('f')[1], 'suspect 1')
})

test('a directory that is renamed when its name was just read is no trouble', async (t) => {
	const { walk, client, rows } = await ground(t)
	const { fs } = client
	const d = now(makeDirectory(fs, at('d'), { ...OWNER, mode: 0o755 }))
	writeFile(fs, 'f', 'text', d.id)
	flushLater(fs)
	change(client, 1, ({ list }) => ({
		list(path) {
			if (path.toString() === 'd') now(rename(fs, at('d'), at('e'), 'replace'))
			return list(path)
		},
	}))
	const { outcomes, troubles } = await walk(1, { rehash: true })
	assert.deepEqual([outcomes, troubles], [{ gone: 1 }, []])
	assert.deepEqual((await walk()).outcomes, { known: 1 })
	assert.equal(rows('SELECT 1 FROM file WHERE kind = 8').length, 1)
})

test('a file that is being written is nobody else’s business', async (t) => {
	const { walk, client, conflicts, copies, rows } = await ground(t)
	const file = createFile(client.fs, 'f')
	file.node.operations.write(file.fd, Buffer.from('half'), 0)
	assert.deepEqual((await walk()).outcomes, { busy: 1 })
	now(release(client.fs, file, true))
	flushLater(client.fs)
	assert.deepEqual((await walk()).outcomes, { known: 1 })
	assert.deepEqual([conflicts(), copies('f'), rows('SELECT version FROM file WHERE id = ?', file.id)[0].version], [[], { 1: 'good 1' }, 1])
})

test('a known file that is open for writing is not what the catalogue says, and that is right', async (t) => {
	const { walk, client, conflicts, copies } = await ground(t)
	const id = writeFile(client.fs, 'f', 'content')
	const file = now(open(client.fs, id, { write: true, truncate: false }))
	file.node.operations.write(file.fd, Buffer.from('not published yet'), 0)
	assert.deepEqual((await walk()).outcomes, { busy: 1 })
	assert.deepEqual([conflicts(), copies('f')], [[], { 1: 'good 1' }])
	now(release(client.fs, file, true))
	flushLater(client.fs)
	assert.deepEqual((await walk()).outcomes, { known: 1 })
})

test('a directory that is not the node, or not any more, says nothing', async (t) => {
	const { put, walk, rows, client, node, copies } = await ground(t)
	put(1, 'f', 'text')
	await walk()
	const before = rows('SELECT * FROM replica')
	disk.unlinkSync(node(1, 'f'))
	put(1, 'g', 'text')
	beforeWriting(client, () => disk.renameSync(node(1, '.cairn/node.json'), node(1, '.cairn/elsewhere')))
	const { troubles } = await walk()
	assert.match(troubles.join(), /^node1: .*no .cairn\/node.json/)
	assert.deepEqual(rows('SELECT * FROM replica'), before)
	const again = await walk()
	assert.match(again.troubles.join(), /^node1: /)
	assert.deepEqual(copies('f'), { 1: 'good 1' })
	disk.renameSync(node(1, '.cairn/elsewhere'), node(1, '.cairn/node.json'))
})

test('of a directory that cannot be read nothing is concluded, nor of what is below it', async (t) => {
	const { put, walk, rows, client, node, file } = await ground(t)
	for (const name of ['d/a', 'd/b', 'd/e/c', 'x']) put(1, name, name)
	await walk()
	for (const name of ['d/a', 'd/e/c']) disk.unlinkSync(node(1, name))
	put(1, 'd/new', 'new')
	put(1, 'y', 'y')
	const before = rows('SELECT * FROM replica')
	change(client, 1, ({ list }) => ({ list: (path) => (`${path}` === 'd' ? fail('EIO') : list(path)) }))
	const { outcomes, troubles } = await walk()
	assert.deepEqual([outcomes, troubles], [{ known: 1, adopted: 1 }, ['d: the directory cannot be read: EIO']])
	assert.deepEqual(rows('SELECT * FROM replica').slice(0, before.length), before)
	assert.deepEqual([!!file('y'), !!file('d/new')], [true, false])
})

test('many files gone at once are not believed to be, unless the keeper says so', async (t) => {
	const { put, walk, node, copies, rows } = await ground(t)
	for (let index = 0; index < 20; index++) put(1, `d/f${index}`, 'text')
	put(1, 'e', 'text')
	await walk()
	for (let index = 0; index < 6; index++) disk.unlinkSync(node(1, `d/f${index}`))
	const { outcomes, troubles } = await walk()
	assert.deepEqual(outcomes, { known: 15 })
	assert.match(troubles.join(), /^d: 6 of 20 known files are gone; nothing is concluded/)
	assert.equal(copies('d/f0')[1], 'good 1')
	assert.equal((await walk(1, { believeMissing: true })).troubles.length, 6)
	assert.equal(copies('d/f0')[1], 'suspect 1')
	disk.rmSync(node(1, 'd'), { recursive: true })
	assert.match((await walk()).troubles.join(), /^d: 14 of 14 known files are gone/)
	assert.equal(rows('SELECT * FROM entry').length, 22)
})

test('five of a directory are many, four are not', async (t) => {
	const { put, walk, node, copies } = await ground(t)
	for (let index = 0; index < 20; index++) put(1, `d${index % 2}/f${index}`, 'text')
	await walk()
	for (let index = 0; index < 9; index++) disk.unlinkSync(node(1, `d${index % 2}/f${index}`))
	assert.match((await walk()).troubles.join('\n'), /^d0: 5 of 10 known files are gone; nothing is concluded/m)
	assert.deepEqual([copies('d0/f0')[1], copies('d1/f1')[1]], ['good 1', 'suspect 1'])
})

test('few in each of many directories add up', async (t) => {
	const { put, walk, node, rows } = await ground(t)
	for (let index = 0; index < 240; index++) put(1, `d${index >> 1}/f${index}`, 'text')
	await walk()
	for (let index = 0; index < 240; index += 2) disk.unlinkSync(node(1, `d${index >> 1}/f${index}`))
	const { troubles } = await walk()
	assert.equal(troubles.filter((line) => line.includes('too many known files are gone')).length, 20)
	assert.equal(rows('SELECT * FROM replica WHERE state = 3').length, 100)
})

test('after an old catalogue was put back everything on the nodes is still there, and what it does not know is adopted', async (t) => {
	const TWO = [{ name: 'default', pattern: '', copies: 2 }]
	const { put, walk, client, rows, read, copy, conflicts, file, has } = await ground(t, 2, TWO)
	for (let index = 0; index < 12; index++) put(1, `old${index}`, 'old')
	await walk(1)
	for (let index = 0; index < 12; index++) copy(`old${index}`, 1, 2)
	await walk(2)
	const tables = ['file', 'entry', 'replica']
	const dump = tables.map((table) => rows(`SELECT * FROM ${table}`))
	// A day's work: half of them written anew, new ones, one renamed.
	for (let index = 0; index < 6; index++) {
		put(1, `old${index}`, 'written anew')
		copy(`old${index}`, 1, 2)
		put(1, `new${index}`, 'new')
	}
	disk.renameSync(`${client.fs.nodes.get(1)?.root}/old11`, `${client.fs.nodes.get(1)?.root}/renamed`)
	const { catalogue } = client
	for (const [index, table] of tables.entries()) {
		catalogue.change(`DELETE FROM ${table}`)
		for (const row of dump[index]) {
			const names = Object.keys(row)
			catalogue.change(
				`INSERT INTO ${table} (${names.join(',')}) VALUES (${names.map(() => '?').join(',')})`,
				Object.values(row) as never,
			)
		}
	}
	for (const number of [1, 2]) await walk(number)
	for (let index = 0; index < 6; index++) {
		assert.deepEqual([read(1, `old${index}`), read(2, `old${index}`)], ['written anew', 'written anew'])
		assert.ok(file(`new${index}`))
	}
	assert.deepEqual([conflicts(), has(1, 'renamed'), !!file('renamed')], [[], true, true])
	assert.deepEqual(disk.readdirSync(`${client.fs.nodes.get(1)?.root}/.cairn/conflicts`), [])
})

/** However the walk puts them together, by sixteen hundreds at most, it is not at its end by then. */
const MANY = 6_000
const SHAPES: Record<string, (index: number) => string> = {
	'a flat tree': (index) => `d${Math.floor(index / 20)}/f${index}`,
	// What comes later is looked into before what is in this one has been seen: the walk is not there yet.
	'a deep tree': (index) => `d${Math.floor(index / 1_000)}/${index % 1_000 < 800 ? '' : `s${Math.floor(index / 10)}/`}f${index}`,
}

for (const [shape, nameOf] of Object.entries(SHAPES)) {
	test(`a walk that was stopped goes on where it was: ${shape}`, async (t) => {
		const { put, walk, rows, client } = await ground(t)
		for (let index = 0; index < MANY; index++) put(1, nameOf(index), 'text')
		const stop = new AbortController()
		let writes = 0
		change(client, 1, ({ identify }) => ({
			identify(uuid) {
				if (++writes === 2) stop.abort()
				return identify(uuid)
			},
		}))
		const first = await walkOn(client, 1, {}, stop.signal)
		assert.equal(first.stopped, true)
		const [{ position, state }] = rows("SELECT * FROM job WHERE name = 'walk:1'")
		assert.deepEqual([Buffer.from(position).toString().startsWith('d'), state], [true, 'paused'])
		const done = rows('SELECT * FROM file WHERE kind = 8').length
		assert.equal(done > 0 && done < MANY, true)
		const { outcomes } = await walk()
		assert.equal(outcomes.adopted, MANY - done)
		assert.equal((outcomes.known ?? 0) < done, true)
		assert.deepEqual([rows('SELECT * FROM file WHERE kind = 8').length, rows('SELECT * FROM job')[0].position], [MANY, null])
		assert.deepEqual((await walk()).outcomes, { known: MANY })
	})
}

test('three walks of one node at once: one walks, the others say who', async (t) => {
	const { put, start, rows } = await ground(t)
	for (let index = 0; index < 600; index++) put(1, `d${index % 7}/f${index}`, 'text')
	const clients = await Promise.all([start(), start(), start()])
	const walks = await Promise.all(clients.map((client) => walkOn(client, 1)))
	assert.equal(walks.filter(({ holder }) => holder !== '').length, 2)
	assert.deepEqual(walks.flatMap(({ outcomes }) => Object.values(outcomes)).sort(), [600, 7])
	assert.equal(rows('SELECT * FROM file WHERE kind = 8').length, 600)
})
