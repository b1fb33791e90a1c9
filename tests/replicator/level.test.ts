/** A pass over the whole tree: due when classes or nodes have changed, and only then. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rename } from '../../core/filesystem/rename.ts'
import { run } from '../../core/op.ts'
import { isLevelDue, levelRound, wholePass } from '../../replicator/level/round.ts'
import { startRun } from '../../replicator/run.ts'
import { engines, sqlite } from '../catalogue/engines.ts'
import { at } from '../unit/installation.ts'
import { type Tree, tree } from './level-tree.ts'

const classes = (photos: number, rest: number) => [
	{ name: 'photos', pattern: '^photos/', copies: photos },
	{ name: 'rest', pattern: '', copies: rest },
]

async function settle(made: Tree): Promise<void> {
	await made.round()
	await made.replicate()
	await made.round()
	await made.trim()
}

const numbers = (made: Tree) => Object.fromEntries(Object.entries(made.onDisk()).map(([path, nodes]) => [path, nodes.length]))

for (const engine of engines) {
	test(`${engine.name}: more copies and fewer, as the classes say`, async (t) => {
		const made = await tree(t, engine, 3, classes(1, 1))
		const photos = await made.directory('photos')
		for (const name of ['a', 'b']) await made.write(name, name, photos)
		await made.write('c', 'c')
		await settle(made)
		assert.deepEqual(numbers(made), { 'photos/a': 1, 'photos/b': 1, c: 1 })
		await made.applyClasses(classes(3, 2))
		await settle(made)
		assert.deepEqual(numbers(made), { 'photos/a': 3, 'photos/b': 3, c: 2 })
		await made.applyClasses(classes(2, 2))
		await settle(made)
		assert.deepEqual(numbers(made), { 'photos/a': 2, 'photos/b': 2, c: 2 })
	})

	test(`${engine.name}: what is below a directory that was moved follows its path`, async (t) => {
		const made = await tree(t, engine, 3, classes(2, 1))
		const inbox = await made.directory('inbox')
		await made.directory('photos')
		await made.write('a', 'a', inbox)
		await settle(made)
		assert.deepEqual(numbers(made), { 'inbox/a': 1 })
		const photos = (await made.rows("SELECT id FROM class WHERE name = 'photos'"))[0].id
		const [{ file_id: parent }] = await made.rows('SELECT file_id FROM entry WHERE name = ?', Buffer.from('photos') as never)
		await run(rename(made.fs, at('inbox'), at('inbox', parent), 'replace'))
		assert.equal((await made.round()).outcomes['asked for'], undefined)
		const seen = startRun(new AbortController().signal)
		assert.equal((await wholePass(made.fs, seen)).stopped, 'end')
		assert.equal(seen.summary().outcomes['asked for'], 1)
		assert.deepEqual(await made.rows('SELECT class_id FROM file WHERE kind = 8'), [{ class_id: photos }])
		await made.replicate()
		assert.deepEqual(numbers(made), { 'photos/inbox/a': 2 })
	})
}

test('a file with two names stays in its class as long as one of them falls under it', async (t) => {
	const { link } = await import('../../core/filesystem/links.ts')
	const made = await tree(t, sqlite, 2, classes(2, 1))
	const photos = await made.directory('photos')
	const id = await made.write('a', 'a', photos)
	await run(link(made.fs, id, at('also')))
	await made.round()
	const classOf = async () =>
		(await made.rows('SELECT c.name FROM file f JOIN class c ON c.id = f.class_id WHERE f.id = ?', id))[0].name
	assert.equal(await classOf(), 'photos')
	await made.applyClasses([{ name: 'rest', pattern: '', copies: 1 }])
	await made.round()
	assert.equal(await classOf(), 'rest')
})

test('a new node gets the copies that found none; a node that is dead is made up for', async (t) => {
	const made = await tree(t, sqlite, 1, [{ name: 'default', pattern: '', copies: 2 }])
	for (const name of ['a', 'b', 'c']) await made.write(name, name)
	assert.deepEqual((await made.round()).outcomes, { 'short of nodes': 3 })
	await made.addNode(2)
	await settle(made)
	assert.deepEqual(made.onDisk(), { a: [1, 2], b: [1, 2], c: [1, 2] })
	await made.addNode(3)
	await made.setState(1, 'down')
	await settle(made)
	assert.deepEqual(made.onDisk(), { a: [1, 2], b: [1, 2], c: [1, 2] }, 'a node that is away for a while')
	await made.setState(1, 'dead')
	await settle(made)
	for (const nodes of Object.values(made.onDisk())) assert.deepEqual(nodes, [1, 2, 3])
	await wholePass(made.fs, startRun(new AbortController().signal))
	assert.deepEqual(await made.rows('SELECT * FROM replica WHERE node_id = 1'), [])
})

test('the only copy on a dead node is not forgotten', async (t) => {
	const made = await tree(t, sqlite, 2, [{ name: 'default', pattern: '', copies: 1 }])
	await made.setState(2, 'nc')
	const id = await made.write('a', 'a')
	await made.setState(2, 'rw')
	await made.setState(1, 'dead')
	for (let round = 0; round < 3; round++) {
		await settle(made)
		await wholePass(made.fs, startRun(new AbortController().signal))
	}
	assert.deepEqual(await made.rows('SELECT node_id, state FROM replica WHERE file_id = ? ORDER BY node_id', id), [
		{ node_id: 1, state: 1 },
		{ node_id: 2, state: 2 },
	])
})

test('a pass that was stopped goes on where it was, and begins anew when something has changed', async (t) => {
	const made = await tree(t, sqlite, 2, [{ name: 'default', pattern: '', copies: 1 }])
	await made.setState(2, 'nc')
	for (let number = 0; number < 700; number++) await made.write(`f${number}`, `f${number}`)
	const files = async (options?: { forMs: number }) =>
		Object.values((await made.round(options)).outcomes).reduce((sum, many) => sum + many, 0)
	assert.equal(await files({ forMs: 0 }), 499, 'a page: the root is of it')
	assert.equal(await files(), 201)
	assert.equal(await files(), 0)
	await made.setState(2, 'rw')
	assert.equal(await files({ forMs: 0 }), 499)
	await made.applyClasses([{ name: 'default', pattern: '', copies: 2 }])
	assert.equal(await files(), 700)
})

for (const engine of engines) {
	test(`${engine.name}: a pass asks no more of a node than it may have to do, waits for it, and goes on when it has done some`, async (t) => {
		const made = await tree(t, engine, 2, [{ name: 'default', pattern: '', copies: 1 }])
		await made.setState(2, 'nc')
		for (let number = 0; number < 520; number++) await made.write(`f${number}`, `f${number}`)
		await made.setState(2, 'rw')
		await made.round()
		await made.applyClasses([{ name: 'default', pattern: '', copies: 2 }])
		const wanted = async () => (await made.rows('SELECT file_id FROM replica WHERE state = 2')).length
		const asked = async () => (await made.round({ pendingMax: 400 })).outcomes['asked for']
		assert.equal(await asked(), 499, 'a page, and no more though there is time')
		assert.equal(await asked(), undefined)
		assert.equal(await wanted(), 499)
		assert.equal(await isLevelDue(made.fs), true)
		await made.replicate()
		assert.equal(await asked(), 21)
		await made.replicate()
		assert.deepEqual(new Set(Object.values(numbers(made))), new Set([2]))
		assert.equal(await isLevelDue(made.fs), false)
	})
}

test('a node that does not come down to what it may have to do is gone round after a while, and come back to', async (t) => {
	const made = await tree(t, sqlite, 3, [{ name: 'default', pattern: '', copies: 1 }])
	await made.setState(2, 'nc')
	await made.setState(3, 'nc')
	for (const name of ['a', 'b']) await made.write(name, name)
	await made.setState(2, 'rw')
	await made.round()
	await made.applyClasses([{ name: 'default', pattern: '', copies: 2 }])
	await made.round()
	const wantedOn = async (node: number) => (await made.rows('SELECT file_id FROM replica WHERE state = 2 AND node_id = ?', node)).length
	assert.equal(await wantedOn(2), 2)
	await made.setState(3, 'rw')
	await made.applyClasses([{ name: 'default', pattern: '', copies: 3 }])
	await made.round({ pendingMax: 2 })
	assert.equal(await wantedOn(3), 0, 'it waits for node 2')
	t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 61_000 })
	await made.round({ pendingMax: 2 })
	assert.equal(await wantedOn(3), 2)
})

test('nothing to do: four questions, and no change', async (t) => {
	const made = await tree(t, sqlite, 2, [{ name: 'default', pattern: '', copies: 2 }])
	await made.write('a', 'a')
	assert.equal(await isLevelDue(made.fs), true)
	await made.round()
	assert.equal(await isLevelDue(made.fs), false)
	let asked = 0
	const counting = new Proxy(made.fs.catalogue, {
		get(driver, key) {
			if (key === 'transaction' || key === 'change') return () => assert.fail('a change')
			const value = Reflect.get(driver, key)
			if (typeof value !== 'function') return value
			return (...words: unknown[]) => {
				asked++
				return value.apply(driver, words)
			}
		},
	})
	await levelRound({ ...made.fs, catalogue: counting }, startRun(new AbortController().signal))
	assert.equal(asked, 4)
})

test('a file that is open for writing is left for the next time', async (t) => {
	const made = await tree(t, sqlite, 3, [{ name: 'default', pattern: '', copies: 1 }])
	const id = await made.write('a', 'a')
	await made.round()
	await made.driver.change('INSERT INTO writer (file_id, client_id, node_id) VALUES (?, ?, 1)', [id, made.fs.client])
	await made.applyClasses([{ name: 'default', pattern: '', copies: 2 }])
	assert.deepEqual((await made.round()).outcomes, { 'in use': 1 })
	assert.equal((await made.rows('SELECT * FROM replica')).length, 1)
	await made.driver.change('DELETE FROM writer')
	await wholePass(made.fs, startRun(new AbortController().signal))
	assert.equal((await made.rows('SELECT * FROM replica')).length, 2)
})

test('an old copy that was to go is taken for a new version, not stumbled over', async (t) => {
	const made = await tree(t, sqlite, 2, [{ name: 'default', pattern: '', copies: 2 }])
	const id = await made.write('a', 'a')
	await made.replicate()
	const [writer] = await made.rows('SELECT node_id FROM replica WHERE file_id = ? ORDER BY verified_at, node_id LIMIT 1', id)
	await made.driver.change('UPDATE replica SET state = 4 WHERE file_id = ? AND node_id <> ?', [id, writer.node_id])
	const { open } = await import('../../core/filesystem/open.ts')
	const { release } = await import('../../core/filesystem/publish.ts')
	const file = await run(open(made.fs, id, { write: true, truncate: true }))
	await file.node.operations.write(file.fd, Buffer.from('a again'), 0)
	await run(release(made.fs, file, true))
	const copies = await made.rows('SELECT state, version FROM replica WHERE file_id = ? ORDER BY state', id)
	assert.deepEqual(copies, [
		{ state: 1, version: 2 },
		{ state: 2, version: 1 },
	])
})
