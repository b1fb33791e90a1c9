/** Making copies: what comes out of it. */
import assert from 'node:assert/strict'
import * as disk from 'node:fs'
import { test } from 'node:test'
import { setAttributes } from '../../core/filesystem/attributes.ts'
import { makeDirectory, makeSymlink } from '../../core/filesystem/create.ts'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { link } from '../../core/filesystem/links.ts'
import { release } from '../../core/filesystem/publish.ts'
import { at, createFile, now, writeFile } from '../unit/installation.ts'
import { dealtWith, makeCopies } from './copying.ts'
import { decided, once, prepare, rewrite } from './replicate-ground.ts'

test('two replicators of different nodes at once: every file has its copies, equal in all, and nothing is left over', async (t) => {
	const { fs, start, rows, node, incoming } = await prepare(t, 3)
	const directory = now(makeDirectory(fs, at('d'), { mode: 0o750, uid: 5, gid: 6 }))
	for (let file = 0; file < 40; file++) writeFile(fs, `f${file}`, `content ${file}`, directory.id)
	await flushLater(fs)
	const other = await start()
	const [one, two] = await Promise.all([makeCopies(fs, 2), makeCopies(other.fs, 3)])
	for (const made of [one, two]) {
		assert.deepEqual(made.summary.outcomes, { copied: 40 })
		assert.deepEqual([made.expected.files, dealtWith(made)], [40, 40])
	}
	for (const each of [fs, other.fs]) await flushLater(each)
	assert.deepEqual(rows('SELECT * FROM intent'), [])
	assert.equal(rows('SELECT * FROM replica WHERE state = 1').length, 120)
	for (const number of [2, 3]) {
		assert.deepEqual(incoming(number), [])
		const { mode, uid, gid } = disk.statSync(node(number, 'd'))
		assert.deepEqual([mode & 0o7777, uid, gid], [0o750, 5, 6])
		for (let file = 0; file < 40; file++) assert.equal(disk.readFileSync(node(number, `d/f${file}`), 'utf8'), `content ${file}`)
	}
})

test('a copy has mode, owner and times, and the catalogue its hash and its proof', async (t) => {
	const { fs, rows, node } = await prepare(t, 2)
	const id = writeFile(fs, 'f', 'abc')
	now(setAttributes(fs, id, { mode: 0o4640, uid: 7, gid: 8, mtime: { s: 1_000_000, ns: 123_456_789 } }))
	await flushLater(fs)
	await makeCopies(fs, 2)
	const stat = disk.statSync(node(2, 'f'), { bigint: true })
	// Set-id bits are in the catalogue only.
	assert.deepEqual([stat.mode & 0o7777n, stat.uid, stat.gid, stat.mtimeNs], [0o640n, 7n, 8n, 1_000_000_123_456_789n])
	const [file] = rows('SELECT hash, hash_version, version FROM file WHERE id = ?', id)
	assert.equal(Buffer.from(file.hash).toString('hex'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
	assert.equal(file.hash_version, file.version)
	assert.notEqual(rows('SELECT verified_at FROM replica WHERE node_id = 2')[0].verified_at, null)
})

test('hard links are one file on the new node too', async (t) => {
	const { fs, node, incoming } = await prepare(t, 2)
	const id = writeFile(fs, 'a', 'text')
	const directory = now(makeDirectory(fs, at('d'), { mode: 0o755, uid: 0, gid: 0 }))
	now(link(fs, id, at('b', directory.id)))
	now(link(fs, id, at('c')))
	await flushLater(fs)
	await makeCopies(fs, 2)
	const inodes = ['a', 'd/b', 'c'].map((path) => disk.statSync(node(2, path)).ino)
	assert.equal(new Set(inodes).size, 1)
	assert.equal(disk.statSync(node(2, 'a')).nlink, 3)
	rewrite(fs, id, 'newer')
	await flushLater(fs)
	await makeCopies(fs, 2)
	assert.deepEqual(
		['a', 'd/b', 'c'].map((path) => disk.readFileSync(node(2, path), 'utf8')),
		['newer', 'newer', 'newer'],
	)
	assert.equal(disk.statSync(node(2, 'a')).nlink, 3)
	assert.deepEqual([incoming(2), disk.readdirSync(node(2, '.cairn/conflicts'))], [[], []])
})

test('holes stay holes', async (t) => {
	const { fs, node } = await prepare(t, 2)
	const file = createFile(fs, 'sparse')
	const { operations } = file.node
	operations.write(file.fd, Buffer.from('begin'), 0)
	operations.write(file.fd, Buffer.from('middle'), 10 * 1024 * 1024)
	operations.truncate(file.fd, 32 * 1024 * 1024)
	now(release(fs, file, true))
	await flushLater(fs)
	await makeCopies(fs, 2)
	const [source, copy] = [1, 2].map((number) => disk.statSync(node(number, 'sparse')))
	assert.equal(copy.size, source.size)
	assert.equal(copy.blocks, source.blocks)
	assert.ok(disk.readFileSync(node(1, 'sparse')).equals(disk.readFileSync(node(2, 'sparse'))))
})

test('a symlink that is wanted is made', async (t) => {
	const { fs, rows, node } = await prepare(t, 2)
	const row = now(makeSymlink(fs, at('link'), Buffer.from('to/somewhere'), { uid: 0, gid: 0 }))
	rows('UPDATE replica SET state = 2, version = 0 WHERE node_id = 2 AND file_id = ?', row.id)
	disk.unlinkSync(node(2, 'link'))
	const { summary } = await makeCopies(fs, 2)
	assert.deepEqual(summary.outcomes, { linked: 1 })
	assert.equal(disk.readlinkSync(node(2, 'link')), 'to/somewhere')
})

test('an older copy is replaced; what nobody knows is kept aside and written down', async (t) => {
	const { fs, rows, node } = await prepare(t, 2)
	const old = writeFile(fs, 'old', 'first')
	await flushLater(fs)
	await makeCopies(fs, 2)
	rewrite(fs, old, 'second, longer')
	const fresh = writeFile(fs, 'fresh', 'ours')
	disk.writeFileSync(node(2, 'fresh'), 'stray')
	disk.writeFileSync(node(2, 'd'), 'a file where a directory belongs')
	const directory = now(makeDirectory(fs, at('d'), { mode: 0o755, uid: 0, gid: 0 }))
	writeFile(fs, 'f', 'below', directory.id)
	await flushLater(fs)
	const made = await makeCopies(fs, 2)
	assert.deepEqual([made.summary.outcomes, made.troubles], [{ copied: 3 }, []])
	assert.equal(disk.readFileSync(node(2, 'old'), 'utf8'), 'second, longer')
	assert.equal(disk.readFileSync(node(2, 'fresh'), 'utf8'), 'ours')
	assert.equal(disk.readFileSync(node(2, 'd/f'), 'utf8'), 'below')
	const conflicts = rows('SELECT path, aside, reason, size FROM conflict ORDER BY path')
	assert.deepEqual(
		conflicts.map(({ path, reason, size }) => `${Buffer.from(path)}: ${reason} ${size}`),
		['d: stray 32', 'fresh: stray 5'],
	)
	assert.equal(disk.readFileSync(node(2, `${Buffer.from(conflicts[1].aside)}`), 'utf8'), 'stray')
	assert.equal(typeof fresh, 'number')
})

// Many are copied and brought to their names in another way than a few.
for (const many of [1, 10])
	for (const point of ['copied', 'entered'] as const)
		test(`what comes to the name of a copy that is made already is kept aside: one of ${many}, ${point}`, async (t) => {
			const { fs, rows, node, statesOf } = await prepare(t, 2)
			const [id] = Array.from({ length: many }, (_, index) => writeFile(fs, `f${index}`, 'ours'))
			await flushLater(fs)
			const hold = once(point, () => disk.writeFileSync(node(2, 'f0'), 'somebody’s'))
			const made = await makeCopies(fs, 2, { hold })
			assert.deepEqual([made.summary.outcomes, made.troubles], [{ copied: many }, []])
			assert.equal(disk.readFileSync(node(2, 'f0'), 'utf8'), 'ours')
			await flushLater(fs)
			const [{ path, aside, reason }] = rows('SELECT path, aside, reason FROM conflict')
			assert.deepEqual([`${Buffer.from(path)}`, reason], ['f0', 'stray'])
			assert.equal(disk.readFileSync(node(2, `${Buffer.from(aside)}`), 'utf8'), 'somebody’s')
			assert.deepEqual([statesOf(id), rows('SELECT * FROM intent')], [['1: 1@1', '2: 1@1'], []])
		})

test('what stands in the place of a copy, and is still to be removed by somebody, is no unknown file', async (t) => {
	const prepared = await prepare(t, 2)
	const { fs, rows, node, incoming } = prepared
	writeFile(fs, 'f', 'new')
	await flushLater(fs)
	disk.writeFileSync(node(2, 'f'), 'what was replaced')
	await decided(prepared, 2, 'f')
	const early = await makeCopies(fs, 2)
	assert.deepEqual([early.summary.outcomes, early.summary.troubles, early.notes], [{ busy: 1 }, 0, []])
	assert.equal(disk.readFileSync(node(2, 'f'), 'utf8'), 'what was replaced')
	assert.deepEqual([rows('SELECT * FROM conflict'), incoming(2)], [[], []])
	rows('DELETE FROM intent')
	assert.deepEqual((await makeCopies(fs, 2)).summary.outcomes, { copied: 1 })
	assert.equal(rows('SELECT * FROM conflict').length, 1)
})
