/** Reading copies again: what is found, and what comes of it. */
import assert from 'node:assert/strict'
import * as disk from 'node:fs'
import { test } from 'node:test'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { makeSymlink } from '../../core/filesystem/create.ts'
import { open } from '../../core/filesystem/open.ts'
import type { Node } from '../../core/nodes/node.ts'
import { KINDS } from '../../replicator/service/jobs.ts'
import { recheck } from '../../replicator/verify/verify.ts'
import { at, type Client, now, setState, setUp, writeFile } from '../unit/installation.ts'
import { copiedFile, holders, putCopy, runOn, setCopy, sha256, states } from './copies.ts'
import { good, suspect, two, wanted } from './verify-ground.ts'

test('a copy that is right is proved', async (t) => {
	const { place, id, catalogue, check } = await two(t)
	await catalogue.change('UPDATE replica SET verified_at = 1000')
	const { outcomes, bytes, troubles } = await check({})
	assert.deepEqual({ outcomes, bytes, troubles }, { outcomes: { good: 1 }, bytes: 4, troubles: 0 })
	const [mine, other] = place.rows('SELECT verified_at, unixepoch() AS now FROM replica WHERE file_id = ? ORDER BY node_id', id)
	assert.ok(mine.now - mine.verified_at < 60)
	assert.equal(other.verified_at, 1000)
})

const DAMAGES: Record<string, string | Buffer> = {
	'a flipped bit': 'tex\x75',
	zeroes: Buffer.alloc(4),
	'a shorter copy': 'te',
	'an empty copy': '',
	'a longer copy': 'text and more',
}

for (const [what, bytes] of Object.entries(DAMAGES)) {
	test(`${what}, at the old time: kept aside, wanted anew`, async (t) => {
		const { place, fs, id, check, conflicts } = await two(t)
		putCopy(place, fs, { id, node: 1, name: 'f' }, bytes)
		const nodes: number[] = []
		const { outcomes, notes, troubles } = await check({ all: true, onWanted: (node) => nodes.push(node) })
		assert.deepEqual({ outcomes, troubles, nodes }, { outcomes: { damaged: 1 }, troubles: 0, nodes: [1] })
		assert.match(notes.join(), /^f: .* on node1; kept as .cairn\/conflicts\/.*-f; a new copy is wanted$/)
		assert.deepEqual(states(place, id), { 1: wanted, 2: good })
		assert.equal(place.rows('SELECT version FROM replica WHERE node_id = 1')[0].version, 0)
		assert.ok(!disk.existsSync(place.node(1, 'f')))
		const [conflict] = conflicts()
		assert.deepEqual([conflict.node_id, conflict.path, conflict.file_id, conflict.reason], [1, 'f', id, 'damaged'])
		assert.deepEqual(disk.readFileSync(place.node(1, conflict.aside)), Buffer.from(bytes))
		assert.deepEqual(place.rows('SELECT * FROM intent'), [])
	})
}

test('nothing there: wanted anew; a directory there: kept aside', async (t) => {
	const { place, id, catalogue, check, conflicts } = await two(t)
	disk.unlinkSync(place.node(1, 'f'))
	assert.deepEqual((await check()).outcomes, { missing: 1 })
	assert.deepEqual([states(place, id), conflicts()], [{ 1: wanted, 2: good }, []])
	disk.mkdirSync(place.node(1, 'f/below'), { recursive: true })
	await setCopy(catalogue, id, 1, good)
	assert.deepEqual((await check()).outcomes, { damaged: 1 })
	assert.equal(conflicts()[0].reason, 'differs')
	assert.ok(disk.statSync(place.node(1, `${conflicts()[0].aside}/below`)).isDirectory())
})

test('changed past the catalogue: kept aside as another content', async (t) => {
	const { place, check, conflicts } = await two(t)
	disk.writeFileSync(place.node(1, 'f'), 'best')
	assert.deepEqual((await check()).outcomes, { damaged: 1 })
	assert.equal(conflicts()[0].reason, 'differs')
})

test('touched and not changed is no damage', async (t) => {
	const { place, check } = await two(t)
	disk.utimesSync(place.node(1, 'f'), 1, 1)
	assert.deepEqual((await check()).outcomes, { good: 1 })
})

test('the disk gives no bytes: kept aside', async (t) => {
	const { place, fs, id, check } = await two(t)
	const before = (fs.nodes.get(1) as Node).remote
	assert.equal(before, false)
	// A remote node is read through its operations, and these can be made to fail.
	const node = fs.nodes.get(1) as Node
	Object.assign(node, { remote: true })
	const { operations } = node
	const read = operations.read
	operations.read = () => {
		throw Object.assign(new Error('lost'), { code: 'EIO' })
	}
	assert.deepEqual((await check()).outcomes, { damaged: 1 })
	operations.read = read
	assert.deepEqual(states(place, id), { 1: wanted, 2: good })
})

test('the only copy stays, is not read any more, and is good again when it is right again', async (t) => {
	const { place, fs, id, catalogue, check, conflicts } = await two(t)
	await catalogue.change('DELETE FROM replica WHERE node_id = 2')
	putCopy(place, fs, { id, node: 1, name: 'f' }, 'rots')
	for (const round of [1, 2]) {
		const { outcomes, said } = await check({})
		assert.deepEqual(outcomes, {}, `round ${round}`)
		assert.match(
			said.join(),
			/^f: its bytes are not what they were, and no other copy can be seen good: it stays as it is, and is not read$/,
		)
		assert.deepEqual(
			[states(place, id), conflicts(), disk.readFileSync(place.node(1, 'f'), 'utf8')],
			[{ 1: suspect }, [], 'rots'],
		)
		const reader = await place.start()
		assert.throws(() => now(open(reader.fs, id, { write: false, truncate: false })), { code: 'EIO' })
	}
	putCopy(place, fs, { id, node: 1, name: 'f' }, 'text')
	assert.deepEqual((await check({})).outcomes, { 'good again': 1 })
	assert.deepEqual(states(place, id), { 1: good })
	assert.ok(place.rows('SELECT verified_at FROM replica')[0].verified_at)
})

test('what is in doubt is looked at by itself, as soon as there is any', async (t) => {
	const { place, fs, catalogue } = await two(t)
	const doubtful = await copiedFile(place, { fs, catalogue } as Client, 'g', 'other', [1, 2])
	assert.equal(await KINDS.recheck?.isDue?.(fs, 1), false)
	await setCopy(catalogue, doubtful, 1, suspect)
	assert.equal(await KINDS.recheck?.isDue?.(fs, 1), true)
	assert.deepEqual((await runOn(fs, 1, recheck)).outcomes, { 'good again': 1 })
	assert.deepEqual(states(place, doubtful), { 1: good, 2: good })
})

test('all copies bad: nothing is moved, reads give EIO', async (t) => {
	const { place, fs, id, check, conflicts } = await two(t)
	for (const node of [1, 2]) putCopy(place, fs, { id, node, name: 'f' }, 'rots')
	for (const node of [1, 2]) assert.equal((await check({ all: true }, node)).troubles, 1)
	assert.deepEqual(
		[states(place, id), conflicts(), holders(place, 'f', 'rots', [1, 2])],
		[{ 1: suspect, 2: suspect }, [], [1, 2]],
	)
	const reader = await place.start()
	assert.throws(() => now(open(reader.fs, id, { write: false, truncate: false })), { code: 'EIO' })
})

test('another copy counts only when it can be read now', async (t) => {
	const { place, fs, id, check } = await two(t)
	putCopy(place, fs, { id, node: 1, name: 'f' }, 'rots')
	setUp(fs, 2, false)
	assert.equal((await check()).troubles, 1)
	assert.deepEqual([states(place, id)[1], holders(place, 'f', 'rots', [1])], [suspect, [1]])
	setUp(fs, 2, true)
	setState(fs, 2, 'drain')
	assert.deepEqual((await check({})).outcomes, { damaged: 1 })
	assert.equal(states(place, id)[1], wanted)
})

test('symlinks and empty files', async (t) => {
	const { place, fs, client, check } = await two(t)
	await copiedFile(place, client, 'empty', '', [1, 2])
	now(makeSymlink(fs, at('link'), Buffer.from('over there'), { uid: 0, gid: 0 }))
	await flushLater(fs)
	assert.deepEqual((await check()).outcomes, { good: 3 })
	disk.unlinkSync(place.node(1, 'link'))
	disk.symlinkSync('over here!', place.node(1, 'link'))
	assert.deepEqual((await check()).outcomes, { good: 2, damaged: 1 })
})

test('a file that was never hashed gets its hash from its copy', async (t) => {
	const { place, fs, check } = await two(t)
	const id = writeFile(fs, 'new', 'fresh')
	await flushLater(fs)
	const [{ node_id: node }] = place.rows('SELECT node_id FROM replica WHERE file_id = ? AND state = 1', id)
	assert.equal((await check({}, node)).outcomes.good, 2)
	const [row] = place.rows('SELECT hash, hash_version, version FROM file WHERE id = ?', id)
	assert.deepEqual([Buffer.from(row.hash), row.hash_version], [sha256(Buffer.from('fresh')), row.version])
})

test('a file that was never hashed and has been changed past the catalogue is nobody’s to judge', async (t) => {
	const { place, id, catalogue, check } = await two(t)
	await catalogue.change('UPDATE file SET hash = NULL WHERE id = ?', [id])
	disk.writeFileSync(place.node(1, 'f'), 'best')
	const { outcomes, said } = await check()
	assert.deepEqual(outcomes, {})
	assert.match(said.join(), /^f: it was changed past the catalogue/)
	assert.deepEqual([states(place, id)[1], place.rows('SELECT hash FROM file WHERE id = ?', id)[0].hash], [good, null])
})
