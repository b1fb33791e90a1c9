/** Making copies: what comes out of it, whatever happens to the files meanwhile. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import * as disk from 'node:fs'
import { type TestContext, test } from 'node:test'
import type { ClassConfig } from '../../core/config/types.ts'
import { fail } from '../../core/errors.ts'
import { setAttributes } from '../../core/filesystem/attributes.ts'
import { makeDirectory, makeSymlink } from '../../core/filesystem/create.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { link } from '../../core/filesystem/links.ts'
import { open } from '../../core/filesystem/open.ts'
import { publish, release } from '../../core/filesystem/publish.ts'
import { unlink } from '../../core/filesystem/remove.ts'
import { rename } from '../../core/filesystem/rename.ts'
import type { Node } from '../../core/nodes/node.ts'
import type { Point } from '../../replicator/replicate/round.ts'
import { setTimes } from '../support/libc.ts'
import { at, createFile, type Installation, installation, now, setUp, writeFile } from '../unit/installation.ts'
import { dealtWith, makeCopies } from './copying.ts'

const copies = (many: number): ClassConfig[] => [{ name: 'default', pattern: '', copies: many }]

interface Prepared extends Installation {
	fs: Filesystem
	/** State and version of a file's copies by node. */
	statesOf(id: number): string[]
	/** What waits beside the tree of a node. */
	incoming(node: number): string[]
}

async function prepare(t: TestContext, nodes: number, many = nodes): Promise<Prepared> {
	const made = await installation(t, nodes, copies(many))
	const { fs } = await made.start()
	return {
		...made,
		fs,
		statesOf: (id) =>
			made
				.rows('SELECT node_id, state, version FROM replica WHERE file_id = ? ORDER BY node_id', id)
				.map((row) => `${row.node_id}: ${row.state}@${row.version}`),
		incoming: (node) => disk.readdirSync(made.node(node, '.cairn/incoming')),
	}
}

/** Does this once, when a run is at that point. */
function once(wanted: Point, act: () => void | Promise<void>) {
	let done = false
	return async (point: Point) => {
		if (point !== wanted || done) return
		done = true
		await act()
	}
}

function rewrite(fs: Filesystem, id: number, text: string): void {
	const file = now(open(fs, id, { write: true, truncate: true }))
	file.node.operations.write(file.fd, Buffer.from(text), 0)
	now(release(fs, file, true))
}

test('a file whose other copies change while it is copied is copied once', async (t) => {
	const { fs, rows, statesOf, node } = await prepare(t, 4, 2)
	fs.config.replicator.copiesAtOnce = 2
	const names = ['f', 'g', 'h']
	const [f, g, h] = names.map((name) => writeFile(fs, name, name)) as [number, number, number]
	await flushLater(fs)
	rows('DELETE FROM replica')
	const good = (id: number, ...nodes: number[]) => {
		for (const on of nodes) rows('INSERT INTO replica (file_id, node_id, version, state) VALUES (?, ?, 1, 1)', id, on)
	}
	// Those with one good copy are looked for first, then those with two, then those with three.
	for (const [id, ...nodes] of [[f, 1], [g, 1, 3], [h, 1, 3, 4]] as const) {
		good(id, ...nodes)
		rows('INSERT INTO replica (file_id, node_id, version, state) VALUES (?, 2, 0, 2)', id)
	}
	for (const on of [1, 3, 4]) for (const [index, name] of names.entries()) copyTo(node(on, name), name, rows, [f, g, h][index] as number)
	const copied: number[] = []
	const [first, last] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
	const { summary, notes } = await makeCopies(fs, 2, {
		async hold(point, files) {
			if (point === 'looked' && files.includes(g)) await first.promise
			if (point !== 'copied') return
			copied.push(...files)
			if (files.includes(h)) return last.resolve()
			if (!files.includes(f)) return
			good(f, 3, 4)
			first.resolve()
			await last.promise
		},
	})
	assert.deepEqual([copied.sort(), summary.outcomes, notes], [[f, g, h], { copied: 3 }, []])
	assert.deepEqual([statesOf(f)[1], disk.readFileSync(node(2, 'f'), 'utf8')], ['2: 1@1', 'f'])
})

/** With the times that the catalogue has. */
function copyTo(path: string, text: string, rows: Prepared['rows'], id: number): void {
	disk.writeFileSync(path, text)
	const [{ mtime, mtime_ns }] = rows('SELECT mtime, mtime_ns FROM file WHERE id = ?', id)
	const time = { seconds: mtime, nanoseconds: mtime_ns }
	setTimes(path, time, time)
}

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

test('rewritten while it is copied: busy, and the next run copies the new content', async (t) => {
	const { fs, node, statesOf, incoming } = await prepare(t, 2)
	const id = writeFile(fs, 'f', 'old content')
	await flushLater(fs)
	const first = await makeCopies(fs, 2, { hold: once('copied', () => rewrite(fs, id, 'new content')) })
	assert.deepEqual(first.summary.outcomes, { busy: 1 })
	assert.equal(disk.existsSync(node(2, 'f')), false)
	assert.deepEqual(incoming(2), [])
	await flushLater(fs)
	const second = await makeCopies(fs, 2)
	assert.deepEqual(second.summary.outcomes, { copied: 1 })
	assert.equal(disk.readFileSync(node(2, 'f'), 'utf8'), 'new content')
	assert.deepEqual(statesOf(id), ['1: 1@2', '2: 1@2'])
})

test('opened for writing while it is copied: busy', async (t) => {
	const { fs, node } = await prepare(t, 2)
	const id = writeFile(fs, 'f', 'content')
	await flushLater(fs)
	const made = await makeCopies(fs, 2, { hold: once('copied', () => void now(open(fs, id, { write: true, truncate: false }))) })
	assert.deepEqual(made.summary.outcomes, { busy: 1 })
	assert.equal(disk.existsSync(node(2, 'f')), false)
})

test('a file that is being written is left to the next run', async (t) => {
	const { fs } = await prepare(t, 2)
	const file = createFile(fs, 'f')
	file.node.operations.write(file.fd, Buffer.from('half'), 0)
	now(publish(fs, file))
	assert.deepEqual((await makeCopies(fs, 2)).summary.outcomes, { busy: 1 })
	now(release(fs, file, true))
	await flushLater(fs)
	assert.deepEqual((await makeCopies(fs, 2)).summary.outcomes, { copied: 1 })
})

test('renamed while it is copied, and its directory too: the copy comes to the name it has then', async (t) => {
	const { fs, start, node } = await prepare(t, 2)
	const directory = now(makeDirectory(fs, at('d'), { mode: 0o755, uid: 0, gid: 0 }))
	const id = writeFile(fs, 'f', 'content', directory.id)
	await flushLater(fs)
	// The catalogue has its hash: without it a copy read under another name is not trusted.
	const { hash } = await import('node:crypto')
	fs.catalogue.change('UPDATE file SET hash = ?, hash_version = version WHERE id = ?', [hash('sha256', 'content', 'buffer'), id])
	const other = await start()
	const hold = once('copied', () => {
		now(rename(other.fs, at('f', directory.id), at('g', directory.id), 'replace'))
		now(rename(other.fs, at('d'), at('e'), 'replace'))
		return flushLater(other.fs)
	})
	const made = await makeCopies(fs, 2, { hold })
	assert.deepEqual([made.summary.outcomes, made.troubles], [{ copied: 1 }, []])
	assert.equal(disk.readFileSync(node(2, 'e/g'), 'utf8'), 'content')
	assert.equal(disk.existsSync(node(2, 'd')), false)
})

test('renamed while it is copied, and nothing to tell its content by: not this time', async (t) => {
	const { fs, node } = await prepare(t, 2)
	writeFile(fs, 'f', 'content')
	await flushLater(fs)
	const first = await makeCopies(fs, 2, { hold: once('copied', () => now(rename(fs, at('f'), at('g'), 'replace'))) })
	assert.deepEqual(first.summary.outcomes, { busy: 1 })
	assert.deepEqual((await makeCopies(fs, 2)).summary.outcomes, { copied: 1 })
	assert.equal(disk.readFileSync(node(2, 'g'), 'utf8'), 'content')
})

test('deleted while it is copied, and another made of that name: no copy of the old one appears', async (t) => {
	const { fs, node, incoming, rows } = await prepare(t, 2)
	writeFile(fs, 'f', 'old')
	await flushLater(fs)
	const hold = once('copied', () => {
		now(unlink(fs, at('f')))
		writeFile(fs, 'f', 'another')
	})
	const made = await makeCopies(fs, 2, { hold })
	assert.deepEqual(made.summary.outcomes, { gone: 1 })
	assert.deepEqual(incoming(2), [])
	await flushLater(fs)
	await makeCopies(fs, 2)
	await makeCopies(fs, 1)
	for (const number of [1, 2]) assert.equal(disk.readFileSync(node(number, 'f'), 'utf8'), 'another')
	assert.equal(rows('SELECT * FROM replica WHERE state = 1').length, 2)
})

test('the mode is changed while it is copied: the copy has the new one', async (t) => {
	const { fs, node } = await prepare(t, 2)
	const id = writeFile(fs, 'f', 'content')
	await flushLater(fs)
	await makeCopies(fs, 2, { hold: once('copied', () => void now(setAttributes(fs, id, { mode: 0o600 }))) })
	assert.equal(disk.statSync(node(2, 'f')).mode & 0o777, 0o600)
})

test('a bad copy is found out by its hash, counts as suspect, and another is the source', async (t) => {
	const { fs, node, statesOf } = await prepare(t, 3)
	const id = writeFile(fs, 'f', 'good content')
	await flushLater(fs)
	await makeCopies(fs, 2)
	const times = disk.statSync(node(1, 'f'))
	disk.writeFileSync(node(1, 'f'), 'gOod content')
	disk.utimesSync(node(1, 'f'), times.atime, times.mtime)
	;(fs.nodes.get(1) as Node).health.read.ms = 0
	;(fs.nodes.get(2) as Node).health.read.ms = 50
	const made = await makeCopies(fs, 3)
	assert.deepEqual(made.summary.outcomes, { copied: 1 })
	assert.match(made.notes.join('\n'), /^f: the copy on node node1 is not what it should be$/m)
	assert.equal(disk.readFileSync(node(3, 'f'), 'utf8'), 'good content')
	assert.deepEqual(statesOf(id), ['1: 3@1', '2: 1@1', '3: 1@1'])
})

test('all copies are bad: nothing is copied, nothing removed, and it is said', async (t) => {
	const { fs, node, statesOf, incoming } = await prepare(t, 3)
	const id = writeFile(fs, 'f', 'good content')
	await flushLater(fs)
	await makeCopies(fs, 2)
	disk.writeFileSync(node(1, 'f'), 'bad! content')
	disk.truncateSync(node(2, 'f'), 3)
	const made = await makeCopies(fs, 3)
	assert.deepEqual([made.summary.outcomes, made.summary.troubles], [{}, 1])
	assert.match(made.troubles[0], /^f: /)
	assert.equal(disk.existsSync(node(3, 'f')), false)
	assert.deepEqual([disk.readFileSync(node(1, 'f'), 'utf8'), disk.readFileSync(node(2, 'f'), 'utf8')], ['bad! content', 'goo'])
	assert.deepEqual(statesOf(id), ['1: 3@1', '2: 3@1', '3: 2@0'])
	assert.deepEqual(incoming(3), [])
	assert.match((await makeCopies(fs, 3)).troubles[0], /no node within reach has a good copy/)
})

test('a source that is gone, or cannot be read, is named, and the next one serves', async (t) => {
	const { fs, node } = await prepare(t, 3)
	writeFile(fs, 'f', 'content')
	await flushLater(fs)
	await makeCopies(fs, 2)
	disk.unlinkSync(node(1, 'f'))
	;(fs.nodes.get(2) as Node).health.read.ms = 50
	const made = await makeCopies(fs, 3)
	assert.deepEqual(made.summary.outcomes, { copied: 1 })
	assert.match(made.notes[0], /^f: cannot be copied from node node1: ENOENT$/)
})

test('a node that is away is no source; without another the file is named and left', async (t) => {
	const { fs, node } = await prepare(t, 3)
	writeFile(fs, 'f', 'content')
	await flushLater(fs)
	await makeCopies(fs, 2)
	setUp(fs, 1, false)
	setUp(fs, 2, false)
	const away = await makeCopies(fs, 3)
	assert.deepEqual([away.summary.outcomes, away.troubles], [{}, ['f: no node within reach has a good copy of it']])
	setUp(fs, 2, true)
	assert.deepEqual((await makeCopies(fs, 3)).summary.outcomes, { copied: 1 })
	assert.equal(disk.readFileSync(node(3, 'f'), 'utf8'), 'content')
})

test('a node that goes away ends its run, and not each of its files; the next run makes them all', async (t) => {
	const { fs, node, rows } = await prepare(t, 2)
	for (let file = 0; file < 20; file++) writeFile(fs, `f${file}`, 'content')
	await flushLater(fs)
	const [{ node_id: own }] = rows('SELECT node_id FROM replica WHERE state = 2 LIMIT 1')
	const target = fs.nodes.get(own) as Node
	const { create } = target.operations
	Object.assign(target, { remote: true })
	let made = 0
	target.operations.create = (...words) => {
		if (++made <= 3) return create(...words)
		setUp(fs, own, false)
		return fail('ENOTCONN')
	}
	await assert.rejects(makeCopies(fs, own), { message: `node node${own} is away: ENOTCONN` })
	Object.assign(target, { remote: false })
	target.operations.create = create
	setUp(fs, own, true)
	const next = await makeCopies(fs, own)
	await flushLater(fs)
	assert.deepEqual([next.troubles, disk.readdirSync(node(own, '.cairn/incoming')), rows('SELECT * FROM replica WHERE state = 2 AND node_id = ?', own)], [[], [], []])
})

test('files with the fewest good copies come first', async (t) => {
	const { fs } = await prepare(t, 4)
	const many = writeFile(fs, 'many', 'many')
	await flushLater(fs)
	for (const number of [2, 3]) await makeCopies(fs, number)
	const few = writeFile(fs, 'few', 'few')
	await flushLater(fs)
	fs.config.replicator.copiesAtOnce = 1
	const order: number[] = []
	await makeCopies(fs, 4, { hold: async (point, ids) => void (point === 'looked' && order.push(...ids)) })
	assert.deepEqual(order, [few, many])
})

test('what is wanted only since a run began is for the next one', async (t) => {
	const { fs } = await prepare(t, 2)
	writeFile(fs, 'f', 'content')
	await flushLater(fs)
	const made = await makeCopies(fs, 2, { hold: once('looked', () => void writeFile(fs, 'g', 'later')) })
	assert.deepEqual(made.summary.outcomes, { copied: 1 })
	assert.deepEqual((await makeCopies(fs, 2)).summary.outcomes, { copied: 1 })
})

test('a node without room: another takes the copy where the class allows it, else it is left, and said once', async (t) => {
	const { fs, rows, statesOf } = await prepare(t, 3, 2)
	const id = writeFile(fs, 'f', 'content')
	const holder = rows('SELECT node_id FROM replica WHERE state = 1')[0].node_id
	const wanting = rows('SELECT node_id FROM replica WHERE state = 2')[0].node_id
	const third = [1, 2, 3].find((number) => number !== holder && number !== wanting) as number
	await flushLater(fs)
	fill(fs, wanting)
	assert.deepEqual((await makeCopies(fs, wanting)).summary.outcomes, { moved: 1 })
	assert.deepEqual(statesOf(id), [`${holder}: 1@1`, `${third}: 2@0`].sort())
	for (const name of ['g', 'h']) writeFile(fs, name, 'more')
	await flushLater(fs)
	fill(fs, third)
	const left = await makeCopies(fs, third)
	assert.equal(left.summary.troubles, 1)
	assert.match(left.troubles[0], /there is no room for it, and no other node can take it/)
	assert.equal(dealtWith(left), left.expected.files)
})

/** All that is free is to be kept free. */
function fill(fs: Filesystem, number: number): void {
	const node = fs.nodes.get(number) as Node
	node.row = { ...node.row, reserve: Number.MAX_SAFE_INTEGER }
}

test('a run whose lease is another process by now enters nothing', async (t) => {
	const { fs, rows, node, statesOf } = await prepare(t, 2)
	const id = writeFile(fs, 'f', 'content')
	await flushLater(fs)
	const made = await makeCopies(fs, 2, {
		hold: once('copied', () => void rows("UPDATE lease SET client_id = 999 WHERE name = 'replicate:2'")),
	})
	assert.deepEqual(made.troubles, ['f: another process looks after the node now'])
	assert.equal(disk.existsSync(node(2, 'f')), false)
	assert.deepEqual(statesOf(id), ['1: 1@1', '2: 2@0'])
})

/** The next transactions fail, the last of them perhaps after its commit. */
function cutOff(fs: Filesystem, many: number, isCommitted: boolean): void {
	const { transaction } = fs.catalogue
	let left = many
	fs.catalogue.transaction = (body) => {
		if (--left === 0) fs.catalogue.transaction = transaction
		if (left === 0 && isCommitted) transaction(body)
		return fail('EIO', 'the catalogue is away')
	}
}

for (const isCommitted of [false, true]) {
	test(`the catalogue is away for a moment${isCommitted ? ', and its answer is lost' : ''}: the run waits for it`, async (t) => {
		const { fs, node, rows, incoming } = await prepare(t, 2)
		for (const name of ['f', 'g']) writeFile(fs, name, 'content')
		await flushLater(fs)
		const made = await makeCopies(fs, 2, { hold: once('copied', () => cutOff(fs, 2, isCommitted)) })
		assert.deepEqual([made.summary.outcomes, made.troubles], [{ copied: 2 }, []])
		assert.match(made.notes.join(), /the catalogue is away; waiting for it/)
		await flushLater(fs)
		for (const name of ['f', 'g']) assert.equal(disk.readFileSync(node(2, name), 'utf8'), 'content')
		assert.deepEqual([rows('SELECT * FROM intent'), incoming(2)], [[], []])
	})
}

test('interrupted in the middle of a large file: the next run goes on where it was', async (t) => {
	const { fs, node, incoming } = await prepare(t, 2)
	const content = randomBytes(80 * 1024 * 1024)
	const file = createFile(fs, 'big')
	file.node.operations.write(file.fd, content, 0)
	now(release(fs, file, true))
	await flushLater(fs)
	const stop = new AbortController()
	let moved = 0
	const pace = async (bytes: number) => {
		moved += bytes
		if (moved > 40 * 1024 * 1024) stop.abort()
	}
	const first = await makeCopies(fs, 2, { pace }, stop.signal)
	assert.equal(first.summary.stopped, true)
	assert.equal(disk.existsSync(node(2, 'big')), false)
	assert.match(incoming(2).join(), /^part-/)
	let second = 0
	const count = async (bytes: number) => {
		second += bytes
	}
	const made = await makeCopies(fs, 2, { pace: count })
	assert.deepEqual(made.summary.outcomes, { copied: 1 })
	assert.ok(second <= content.length - 39 * 1024 * 1024, `${second} bytes were copied again`)
	assert.ok(disk.readFileSync(node(2, 'big')).equals(content))
	assert.deepEqual(incoming(2), [])
})

test('what a dead process left beside the tree is removed; what others have there is not', async (t) => {
	const { fs, node, incoming } = await prepare(t, 2)
	disk.mkdirSync(node(2, '.cairn/incoming/copies-left'))
	disk.writeFileSync(node(2, '.cairn/incoming/copies-left/0'), 'half')
	disk.writeFileSync(node(2, '.cairn/incoming/part-99-1-00000000-1-1-x'), 'half')
	disk.writeFileSync(node(2, '.cairn/incoming/7-somebody-elses'), 'theirs')
	await makeCopies(fs, 2)
	assert.deepEqual(incoming(2), ['7-somebody-elses'])
})

/** As another process leaves it between its decision and the disk. */
async function decided({ start, rows }: Prepared, node: number, path: string): Promise<void> {
	const { fs } = await start()
	rows("INSERT INTO intent (node_id, op, path, file_id, client_id, token, created) VALUES (?, 'unlink', CAST(? AS BLOB), 9, ?, 1, 0)", node, path, fs.client)
}

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

test('a file that was given another name while it was copied is not named as one that cannot be read', async (t) => {
	const { fs, node, incoming } = await prepare(t, 2)
	writeFile(fs, 'f', 'content')
	await flushLater(fs)
	const move = async () => {
		now(rename(fs, at('f'), at('g'), 'replace'))
		await flushLater(fs)
	}
	const made = await makeCopies(fs, 2, { hold: once('looked', move) })
	assert.deepEqual([made.summary.outcomes, made.troubles, made.notes], [{ busy: 1 }, [], []])
	assert.deepEqual(incoming(2), [])
	await makeCopies(fs, 2)
	assert.equal(disk.readFileSync(node(2, 'g'), 'utf8'), 'content')
})

test('a file that was removed while it was copied is gone, and no trouble', async (t) => {
	const { fs } = await prepare(t, 2)
	writeFile(fs, 'f', 'content')
	await flushLater(fs)
	const remove = async () => {
		now(unlink(fs, at('f')))
		await flushLater(fs)
	}
	const made = await makeCopies(fs, 2, { hold: once('looked', remove) })
	assert.deepEqual([made.summary.outcomes, made.troubles, made.notes], [{ gone: 1 }, [], []])
})

test('a source that has yet to be told of the name of a file is waited for', async (t) => {
	const prepared = await prepare(t, 2)
	const { fs, rows } = prepared
	writeFile(fs, 'f', 'content')
	await flushLater(fs)
	await decided(prepared, 1, 'f')
	const early = await makeCopies(fs, 2)
	assert.deepEqual([early.summary.outcomes, early.troubles], [{ busy: 1 }, []])
	rows('DELETE FROM intent')
	assert.deepEqual((await makeCopies(fs, 2)).summary.outcomes, { copied: 1 })
})

test('another file of that name was read, and its hash is another: no copy is spoken ill of', async (t) => {
	const { fs, rows } = await prepare(t, 2)
	const id = writeFile(fs, 'f', 'old')
	await flushLater(fs)
	rows("UPDATE file SET hash = x'00', hash_version = version WHERE id = ?", id)
	const hold = once('looked', async () => {
		now(unlink(fs, at('f')))
		writeFile(fs, 'f', 'new')
		await flushLater(fs)
	})
	const made = await makeCopies(fs, 2, { hold })
	assert.deepEqual(made.summary.outcomes, { gone: 1 })
	assert.deepEqual([...made.notes, ...made.troubles], [])
})
