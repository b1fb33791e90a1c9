/** What `cairn status` and `cairn stats` say to be owed. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { classVerb } from '../../cli/class.ts'
import { doctor } from '../../cli/doctor.ts'
import { init } from '../../cli/init.ts'
import { node } from '../../cli/node.ts'
import { stats } from '../../cli/stats.ts'
import { status } from '../../cli/status.ts'
import { walk } from '../../cli/walk.ts'
import { typed } from './typed.ts'
import { makeWorkplace } from './workplace.ts'

test('that its copies are taken to be in order is said once, whether something is owed or not', async (t) => {
	const place = makeWorkplace(t)
	const cairn = typed(place.config, init, node, status)
	const said = async (...words: string[]) => {
		const { code, stdout, stderr } = await cairn(...words)
		assert.equal(code, 0, stderr)
		return stdout
	}
	await said('init')
	for (const name of ['here', 'gone']) await said('node', 'add', name, place.makeDirectory(name))
	renameSync(`${place.directory}/gone`, `${place.directory}/elsewhere`)
	const owed = async () => (await said('status')).split('\n\n')[0].split('\n').slice(1)

	assert.deepEqual(await owed(), ['nothing is owed: every file has the copies its class asks for, if those on gone are in order'])
	const catalogue = new DatabaseSync(place.catalogue)
	catalogue.exec("INSERT INTO intent (node_id, op, path, file_id, token, created) VALUES (1, 'unlink', x'61', 0, 0, 0)")
	catalogue.close()
	assert.deepEqual(await owed(), ['pending: 0 copies to make, 1 change to carry out', 'away: gone; copies there are counted as if they were in order'])
})

test('a node whose disk gives errors or is mounted read-only is said to be in trouble, and why, for as long as it is', async (t) => {
	const place = makeWorkplace(t)
	const cairn = typed(place.config, init, node, status, doctor)
	await cairn('init')
	for (const name of ['failing', 'full']) await cairn('node', 'add', name, place.makeDirectory(name))
	const [failing, full] = ['failing', 'full'].map((name) => `${place.directory}/${name}`)
	const up = async (name: string) => {
		const { nodes } = JSON.parse((await cairn('status', '--json')).stdout)
		const { up, reason } = nodes.find((shown: { name: string }) => shown.name === name)
		return { up, reason }
	}
	renameSync(`${failing}/.cairn/node.json`, `${failing}/kept`)
	// What read(2) of it answers then is neither content nor that it is not there.
	mkdirSync(`${failing}/.cairn/node.json`)
	assert.deepEqual(await up('failing'), { up: false, reason: `${failing}/.cairn/node.json: EISDIR` })
	for (const words of [['--bind', full, full], ['-o', 'remount,bind,ro', full]]) execFileSync('mount', words)
	try {
		assert.deepEqual(await up('full'), { up: true, reason: 'its disk is mounted read-only' })
		assert.match((await cairn('status')).stdout, /^full +rw .* yes, but its disk is mounted read-only /m)
		assert.match((await cairn('doctor')).stdout, /^WRONG node full: its disk is mounted read-only$/m)
		await cairn('node', 'set', 'full', '--state', 'ro')
		assert.deepEqual(await up('full'), { up: true, reason: '' })
	} finally {
		execFileSync('umount', [full])
	}
	await cairn('node', 'set', 'full', '--state', 'rw')
	assert.deepEqual(await up('full'), { up: true, reason: '' })
})

test('files that were written while a node had no room are owed copies until they were looked at again', async (t) => {
	const place = makeWorkplace(t)
	const cairn = typed(place.config, init, status)
	await cairn('init')
	const shown = async () => (await cairn('status')).stdout.split('\n\n')[0].split('\n').slice(1)
	const catalogue = new DatabaseSync(place.catalogue)
	catalogue.exec("INSERT INTO setting (name, value) VALUES ('without_room', '1')")
	catalogue.close()
	const lines = await shown()
	assert.match(lines[0], /^pending: /)
	assert.ok(lines.includes('files were written for whose copies no node had room; replicators look again after ten minutes, in a large tree later'))
})

test('stats say what they take to be in order, and that files are short of copies where nothing can be done about it', async (t) => {
	const place = makeWorkplace(t, "{ classes: [{ name: 'default', pattern: '', copies: 1 }, { name: 'more', pattern: '', copies: 2 }] }")
	const cairn = typed(place.config, init, node, walk, stats)
	await cairn('init')
	await cairn('node', 'add', 'only', place.makeDirectory('only'))
	writeFileSync(`${place.directory}/only/file`, 'content')
	await cairn('walk', '-q')
	const last = async (...words: string[]) => (await cairn('stats', ...words)).stdout.trimEnd().split('\n').at(-1)
	await cairn('stats', '--rebuild')
	assert.equal(await last(), 'nothing is owed')
	const catalogue = new DatabaseSync(place.catalogue)
	catalogue.exec("UPDATE class SET copies = 2")
	catalogue.close()
	assert.equal(await last(), 'no node owes anything, and 1 file has fewer copies than asked for: cairn status')
	renameSync(`${place.directory}/only`, `${place.directory}/elsewhere`)
	assert.equal(await last(), 'no node owes anything, if the copies on only are in order, and 1 file has fewer copies than asked for: cairn status')
	assert.equal(await last('--class', 'more'), 'nothing is owed, if the copies on only are in order')
	assert.deepEqual(JSON.parse((await cairn('stats', '--json')).stdout).away, ['only'])
	const again = new DatabaseSync(place.catalogue)
	again.exec("INSERT INTO intent (node_id, op, path, file_id, token, created) VALUES (1, 'unlink', x'61', 0, 0, 0)")
	again.close()
	assert.equal(await last(), 'away: only; copies there are counted as if they were in order')
})

test('while nothing is counted yet, stats do not say that nothing is owed', async (t) => {
	const place = makeWorkplace(t)
	const cairn = typed(place.config, init, node, walk, status, stats)
	await cairn('init')
	for (const name of ['full', 'empty']) await cairn('node', 'add', name, place.makeDirectory(name))
	writeFileSync(`${place.directory}/full/file`, 'content')
	await cairn('walk', '-q')
	assert.match((await cairn('status')).stdout, /^pending: 1 copy to make/m)
	assert.match((await cairn('stats')).stdout, /not counted yet.*^nothing is owed of what is counted; cairn status knows the rest$/ms)
	await cairn('stats', '--rebuild')
	assert.match((await cairn('stats')).stdout, /^copy +empty +1 /m)
})

test('what stood on a node that is dead is owed, also before anybody has looked at it', async (t) => {
	const place = makeWorkplace(t, "{ classes: [{ name: 'default', pattern: '', copies: 1 }] }")
	const cairn = typed(place.config, init, node, walk, status, classVerb)
	await cairn('init')
	for (const name of ['full', 'empty']) await cairn('node', 'add', name, place.makeDirectory(name))
	writeFileSync(`${place.directory}/full/file`, 'content')
	await cairn('walk', '-q')
	const owed = async () => (await cairn('status')).stdout.split('\n\n')[0].split('\n').slice(1)
	await cairn('node', 'set', 'full', '--state', 'dead')
	assert.deepEqual(await owed(), ['pending: 0 copies to make, 0 changes to carry out', 'dead: full; copies there are counted until replicators have looked at every file again'])
	await cairn('class', 'apply')
	assert.match((await owed())[0], /^pending: 1 copy to make/)
	assert.equal((await owed()).length, 1)
})

test('a file that no other node takes lacks a copy, though the one on a dead node is counted', async (t) => {
	const place = makeWorkplace(t, "{ classes: [{ name: 'default', pattern: '', copies: 1 }] }")
	const cairn = typed(place.config, init, node, walk, status, stats, classVerb)
	await cairn('init')
	for (const name of ['full', 'closed']) await cairn('node', 'add', name, place.makeDirectory(name))
	writeFileSync(`${place.directory}/full/file`, 'content')
	await cairn('walk', '-q')
	await cairn('stats', '--rebuild')
	await cairn('node', 'set', 'closed', '--state', 'nc')
	await cairn('node', 'set', 'full', '--state', 'dead')
	await cairn('class', 'apply')
	assert.match((await cairn('status')).stdout, /^pending: .*, 1 file short of nodes$/m)
	assert.match((await cairn('stats')).stdout, /^no node owes anything, and 1 file has fewer copies than asked for: cairn status$/m)
})
