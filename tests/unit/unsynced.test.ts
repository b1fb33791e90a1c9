/** What was carried out on a node is remembered until the node's disk has it. */
import assert from 'node:assert/strict'
import * as disk from 'node:fs'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Driver } from '../../core/catalogue/driver.ts'
import * as leases from '../../core/catalogue/leases.ts'
import { takeLease } from '../../core/filesystem/clients.ts'
import { makeDirectory } from '../../core/filesystem/create.ts'
import { flushLater, transact } from '../../core/filesystem/filesystem.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { link } from '../../core/filesystem/links.ts'
import { lookup } from '../../core/filesystem/lookup.ts'
import { removeDirectory, unlink } from '../../core/filesystem/remove.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { settle } from '../../core/filesystem/settle.ts'
import { syncNodes } from '../../core/filesystem/unsynced.ts'
import { ROOT_ID } from '../../core/ids.ts'
import type { Node } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { at, installation, now, OWNER, setUp, writeFile } from './installation.ts'

const LONGER_THAN_A_TICK_MS = 30
const ROWS = 'SELECT op, CAST(path AS TEXT) AS path FROM carried ORDER BY seq'

test('a row stays of each change of names until the node is synced, and none where nothing stood', async (t) => {
	const { start, rows } = await installation(t, 2, [{ name: 'default', pattern: '', copies: 2 }])
	const { fs } = await start()
	writeFile(fs, 'f', 'text')
	now(rename(fs, at('f'), at('g'), 'replace'))
	now(unlink(fs, at('g')))
	flushLater(fs)
	assert.deepEqual(rows('SELECT * FROM intent'), [])
	assert.deepEqual(rows(ROWS).map(({ op, path }) => `${op} ${path}`), ['rename f', 'unlink g'])
	await run(syncNodes(fs))
	flushLater(fs)
	assert.deepEqual(rows(ROWS), [])
})

test('the catalogue is on its disk before the node is', async (t) => {
	const order: string[] = []
	const noted = (driver: Driver): Driver => ({
		...driver,
		sync() {
			order.push('catalogue')
			return driver.sync()
		},
	})
	const { start } = await installation(t)
	const { fs } = await start({ wrap: noted })
	for (const node of fs.nodes.values()) {
		const { disk } = node
		if (disk) Object.assign(node, { disk: { ...disk, sync: () => (order.push('node'), disk.sync()) } })
	}
	writeFile(fs, 'f', 'text')
	now(unlink(fs, at('f')))
	await run(syncNodes(fs))
	assert.deepEqual(order, ['catalogue', 'node'])
})

test('it is written with what says that the change was carried out: no transaction more', async (t) => {
	let many = 0
	const counted = (driver: Driver): Driver => ({
		...driver,
		transaction(body) {
			many++
			return driver.transaction(body)
		},
	})
	const { start, rows } = await installation(t)
	const { fs } = await start({ wrap: counted })
	for (let file = 0; file < 10; file++) writeFile(fs, `f${file}`, 'text')
	flushLater(fs)
	many = 0
	for (let file = 0; file < 10; file++) now(unlink(fs, at(`f${file}`)))
	flushLater(fs)
	assert.equal(rows(ROWS).length, 10)
	assert.equal(many, 11)
})

test('what was carried out by a process that was killed is not carried out on what has the name since', async (t) => {
	const { start, rows, node } = await installation(t)
	const first = await start()
	for (const name of ['f', 'g', 'h']) writeFile(first.fs, name, name)
	now(unlink(first.fs, at('f')))
	writeFile(first.fs, 'f', 'a new one')
	now(rename(first.fs, at('g'), at('i'), 'replace'))
	now(rename(first.fs, at('h'), at('g'), 'replace'))
	now(rename(first.fs, at('i'), at('h'), 'replace'))
	flushLater(first.fs)
	assert.equal(rows(ROWS).length, 4)
	first.kill()
	const second = await start()
	const contents = () => ['f', 'g', 'h'].map((name) => disk.readFileSync(node(1, name), 'utf8'))
	assert.deepEqual(contents(), ['a new one', 'h', 'g'])
	assert.deepEqual(disk.readdirSync(node(1, '.cairn/conflicts')), [])
	now(settle(second.fs))
	await run(syncNodes(second.fs))
	flushLater(second.fs)
	assert.deepEqual(rows(ROWS), [])
	assert.deepEqual(contents(), ['a new one', 'h', 'g'])
})

test('where others have changed things since, what is somewhere by right stays there', async (t) => {
	const { start, node } = await installation(t)
	const first = await start()
	const [old, d] = ['old', 'd'].map((name) => now(makeDirectory(first.fs, at(name), OWNER)).id)
	writeFile(first.fs, 'f', 'long there', old)
	await pause(LONGER_THAN_A_TICK_MS)
	for (const text of ['of late', 'later']) {
		writeFile(first.fs, 'g', text)
		now(rename(first.fs, at('g'), at('f', d), 'replace'))
		now(rename(first.fs, at('f', d), at(text, d), 'replace'))
		now(rename(first.fs, at(text, d), at('f', d), 'replace'))
		now(rename(first.fs, at('f', d), at(text, d), 'replace'))
	}
	now(rename(first.fs, at('d'), at('new'), 'replace'))
	now(rename(first.fs, at('old'), at('d'), 'replace'))
	flushLater(first.fs)
	first.kill()
	const away = `${node(1)}-away`
	disk.renameSync(node(1), away)
	const { fs, reports } = await start()
	now(rename(fs, at('d'), at('e'), 'replace'))
	now(rename(fs, at('new'), at('d'), 'replace'))
	flushLater(fs)
	disk.renameSync(away, node(1))
	// As a file that is made there, or a mode of its own.
	for (const path of ['', 'd', 'new', 'new/later', 'new/of late']) disk.chmodSync(node(1, path), disk.statSync(node(1, path)).mode)
	const back = fs.nodes.get(1) as Node
	back.operations.identify(back.row.uuid)
	setUp(fs, 1, true)
	now(settle(fs))
	flushLater(fs)
	assert.deepEqual(['e/f', 'd/later', 'd/of late'].map((path) => disk.readFileSync(node(1, path), 'utf8')), ['long there', 'later', 'of late'])
	assert.deepEqual(disk.readdirSync(node(1, '.cairn/conflicts')), [])
	assert.doesNotMatch(reports.join('\n'), /again|back,/)
})

test('a link that was there before it was known says nothing of what the disk has forgotten', async (t) => {
	const { start, node } = await installation(t)
	const first = await start()
	const [walked, q] = ['walked', 'q'].map((name) => now(makeDirectory(first.fs, at(name), OWNER)).id)
	const [d, e] = ['d', 'e'].map((name) => now(makeDirectory(first.fs, at(name, q), OWNER)).id)
	const known = writeFile(first.fs, 'known', 'two names', walked)
	writeFile(first.fs, 'f', 'goes', d)
	writeFile(first.fs, 'f', 'stays', e)
	disk.linkSync(node(1, 'walked/known'), node(1, 'walked/again'))
	await pause(LONGER_THAN_A_TICK_MS)
	// As a walk does it.
	now(link(first.fs, known, at('again', walked)))
	await pause(LONGER_THAN_A_TICK_MS)
	now(unlink(first.fs, at('f', d)))
	now(removeDirectory(first.fs, at('d', q)))
	now(rename(first.fs, at('e', q), at('d', q), 'replace'))
	flushLater(first.fs)
	first.kill()
	await pause(LONGER_THAN_A_TICK_MS)
	const { fs, reports } = await start()
	now(settle(fs))
	flushLater(fs)
	assert.equal(disk.readFileSync(node(1, 'q/d/f'), 'utf8'), 'stays')
	assert.deepEqual(disk.readdirSync(node(1, '.cairn/conflicts')), [])
	assert.doesNotMatch(reports.join('\n'), /again|back,/)
})

test('while another process looks for what a disk has forgotten, nothing else is done on its node', async (t) => {
	const { start, rows, node } = await installation(t)
	const other = await start()
	const first = await start()
	writeFile(first.fs, 'f', 'text')
	now(rename(first.fs, at('f'), at('g'), 'replace'))
	setUp(first.fs, 1, false)
	now(unlink(first.fs, at('g')))
	flushLater(first.fs)
	first.kill()
	assert.equal(now(takeLease(other.fs, 'redo', 60)), true)
	const { fs } = await start()
	assert.equal(rows('SELECT * FROM intent').length, 1)
	assert.equal(disk.readFileSync(node(1, 'g'), 'utf8'), 'text')
	void transact(other.fs, function* (tx) {
		leases.drop(tx, 'redo')
	})
	now(settle(fs))
	assert.deepEqual(rows('SELECT * FROM intent'), [])
	assert.equal(disk.existsSync(node(1, 'g')), false)
})

test('what a process may have carried out that was killed before it said so is on the disk before that is said', async (t) => {
	const { start, rows, node } = await installation(t)
	const first = await start()
	const second = await start()
	for (const name of ['f', 'h']) writeFile(first.fs, name, name)
	now(rename(first.fs, at('f'), at('f2'), 'replace'))
	// With this one it is said of the one before.
	now(link(first.fs, now(lookup(first.fs, ROOT_ID, Buffer.from('h')))?.id ?? 0, at('h2')))
	first.kill()
	assert.deepEqual(disk.readdirSync(node(1)), ['.cairn', 'f2', 'h', 'h2'])
	const standing: number[] = []
	const { disk: whole } = second.fs.nodes.get(1) as Node
	const sync = async () => void standing.push(rows('SELECT * FROM intent').length)
	Object.assign(second.fs.nodes.get(1) as Node, { disk: { ...whole, sync } })
	await run(settle(second.fs))
	assert.deepEqual(standing, [1])
	assert.deepEqual(rows('SELECT * FROM intent'), [])
	assert.deepEqual(rows(ROWS).map(({ op }) => op), ['rename'])
})

test('an exchange that was carried out and not noted is not done a second time, however many are killed', async (t) => {
	const { start, rows, node } = await installation(t)
	const first = await start()
	for (const name of ['f', 'g']) writeFile(first.fs, name, name)
	flushLater(first.fs)
	now(rename(first.fs, at('f'), at('g'), 'exchange'))
	first.kill()
	for (let time = 0; time < 3; time++) {
		await pause(LONGER_THAN_A_TICK_MS)
		const { fs, kill } = await start()
		await run(settle(fs))
		assert.deepEqual(rows('SELECT * FROM intent'), [])
		assert.deepEqual(['f', 'g'].map((name) => disk.readFileSync(node(1, name), 'utf8')), ['g', 'f'])
		kill()
	}
})

test('a sync that fails leaves the rows, and puts what was written since the last one in doubt', async (t) => {
	const { start, rows } = await installation(t)
	const { fs, reports } = await start()
	writeFile(fs, 'before', 'text')
	now(catchUp(fs))
	await run(syncNodes(fs))
	writeFile(fs, 'since', 'text')
	now(rename(fs, at('before'), at('after'), 'replace'))
	const { disk: whole } = fs.nodes.get(1) as Node
	Object.assign(fs.nodes.get(1) as Node, { disk: { ...whole, sync: () => Promise.reject(Object.assign(new Error('refused'), { code: 'EIO' })) } })
	await run(syncNodes(fs))
	flushLater(fs)
	assert.equal(rows(ROWS).length, 1)
	const states = rows('SELECT CAST(e.name AS TEXT) AS name, r.state FROM entry e JOIN replica r ON r.file_id = e.file_id ORDER BY 1')
	assert.deepEqual(states.map(({ name, state }) => `${name} ${state}`), ['after 1', 'since 3'])
	assert.match(reports.join('\n'), /1 copies that were written of late are in doubt/)
})
