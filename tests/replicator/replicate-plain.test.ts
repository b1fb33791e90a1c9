/** Plain files, many of which are copied at once: those that are, or turn out to be, anything else among them end as they should. */
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import * as disk from 'node:fs'
import { type TestContext, test } from 'node:test'
import { fail } from '../../core/errors.ts'
import { setAttributes } from '../../core/filesystem/attributes.ts'
import { create, makeDirectory, makeSymlink } from '../../core/filesystem/create.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { link } from '../../core/filesystem/links.ts'
import { open } from '../../core/filesystem/open.ts'
import { release } from '../../core/filesystem/publish.ts'
import { unlink } from '../../core/filesystem/remove.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { type FailingDisk, mountFailingDisk } from '../failure/failing-disk.ts'
import { at, type Installation, installation, now, OWNER, writeFile } from '../unit/installation.ts'
import { states } from './copies.ts'
import { type Made, makeCopies } from './copying.ts'

const MANY = 30
const GOOD = 1
const WANTED = 2
const SUSPECT = 3

interface Ground extends Installation {
	fs: Filesystem
	ids: number[]
	/** What is on a node at a name. */
	read(on: number, name: string): string
	incoming(on: number): string[]
	/** A run for node 2; `between` at that point of the portion, once. */
	run(point?: 'looked' | 'copied' | 'entered', between?: () => void | Promise<void>): Promise<Made>
}

const contentOf = (name: string) => `content of ${name}`

/** `f0` to `f29` in `d`, good on node 1 and wanted on node 2. */
async function prepare(t: TestContext): Promise<Ground & { d: number }> {
	const made = await installation(t, 2, [{ name: 'default', pattern: '', copies: 2 }])
	const { fs } = await made.start()
	for (const node of fs.nodes.values()) node.row = { ...node.row, state: node.id === 1 ? 'rw' : 'nc' }
	const d = now(makeDirectory(fs, at('d'), { mode: 0o750, uid: 3, gid: 4 })).id
	const ids = Array.from({ length: MANY }, (_, index) => writeFile(fs, `f${index}`, contentOf(`f${index}`), d))
	await flushLater(fs)
	made.rows('DELETE FROM replica WHERE node_id <> 1')
	made.rows('INSERT INTO replica (file_id, node_id, version, state) SELECT id, 2, 0, 2 FROM file WHERE kind = 8')
	return {
		...made,
		fs,
		ids,
		d,
		read: (on, name) => disk.readFileSync(made.node(on, name), 'latin1'),
		incoming: (on) => disk.readdirSync(made.node(on, '.cairn/incoming')),
		async run(point, between) {
			let isDone = false
			const hold = async (here: string, files: readonly number[]) => {
				if (here !== point || isDone || files.length < MANY / 2) return
				isDone = true
				await between?.()
			}
			const ran = await makeCopies(fs, 2, { hold })
			assert.equal(isDone, point !== undefined)
			await flushLater(fs)
			return ran
		},
	}
}

function knowHash({ rows }: Ground, id: number, text: string): void {
	rows(`UPDATE file SET hash = x'${hash('sha256', text)}', hash_version = version WHERE id = ?`, id)
}

function nothingIsLeft({ rows, incoming }: Ground): void {
	assert.deepEqual([rows('SELECT * FROM intent'), incoming(2)], [[], []])
}

test('content, attributes and hashes of all of them, and those of their directory', async (t) => {
	const ground = await prepare(t)
	const { fs, ids, node, rows } = ground
	now(setAttributes(fs, ids[3], { mode: 0o640, uid: 5, gid: 6, mtime: { s: 1_000_000, ns: 123_456_789 } }))
	knowHash(ground, ids[4], contentOf('f4'))
	const ran = await ground.run()
	assert.deepEqual([ran.summary.outcomes, ran.troubles, ran.notes], [{ copied: MANY }, [], []])
	for (let file = 0; file < MANY; file++) assert.equal(ground.read(2, `d/f${file}`), contentOf(`f${file}`))
	const [file, directory] = ['d/f3', 'd'].map((path) => disk.statSync(node(2, path), { bigint: true }))
	assert.deepEqual([file.mode & 0o777n, file.uid, file.gid, file.mtimeNs], [0o640n, 5n, 6n, 1_000_000_123_456_789n])
	assert.deepEqual([directory.mode & 0o777n, directory.uid, directory.gid], [0o750n, 3n, 4n])
	for (const [index, id] of ids.entries()) {
		const [row] = rows('SELECT LOWER(HEX(hash)) AS hash, hash_version, verified_at FROM file JOIN replica ON file_id = id AND node_id = 2 WHERE id = ?', id)
		assert.deepEqual([row.hash, row.hash_version], [hash('sha256', contentOf(`f${index}`)), 1])
		assert.ok(row.verified_at !== null)
		assert.deepEqual(states(ground, id), { 1: GOOD, 2: GOOD })
	}
	nothingIsLeft(ground)
})

test('what is not plain among them: names in any bytes, two names, holes, symlinks, an old copy, a stray', async (t) => {
	const ground = await prepare(t)
	const { fs, ids, d, node, rows } = ground
	const odd = Buffer.from([0xff, 0x2c, 0xe9, 0x0a])
	const made = now(create(fs, { parent: d, name: odd }, OWNER, true))
	assert.ok('open' in made)
	made.open.node.operations.write(made.open.fd, Buffer.from('odd'), 0)
	now(release(fs, made.open, true))
	now(link(fs, ids[0], at('other', d)))
	now(makeSymlink(fs, at('s', d), Buffer.from('f1'), { uid: 0, gid: 0 }))
	rows('DELETE FROM replica WHERE node_id <> 1')
	rows('INSERT INTO replica (file_id, node_id, version, state) SELECT id, 2, 0, 2 FROM file WHERE kind IN (8, 10)')
	disk.truncateSync(node(1, 'd/f1'), 1024 * 1024)
	rows('UPDATE file SET size = 1048576, blocks = 8 WHERE id = ?', ids[1])
	disk.mkdirSync(node(2, 'd'))
	disk.writeFileSync(node(2, 'd/f2'), 'unknown')
	disk.writeFileSync(node(2, 'd/f3'), 'old')
	rows('UPDATE file SET version = 2 WHERE id = ?', ids[3])
	rows('UPDATE replica SET version = node_id % 2 + 1 WHERE file_id = ?', ids[3])
	const ran = await ground.run()
	assert.deepEqual([ran.summary.outcomes, ran.troubles], [{ copied: MANY + 1, linked: 1 }, []])
	assert.equal(disk.readFileSync(Buffer.concat([Buffer.from(`${node(2, 'd')}/`), odd]), 'utf8'), 'odd')
	assert.equal(disk.statSync(node(2, 'd/f0')).ino, disk.statSync(node(2, 'd/other')).ino)
	assert.equal(disk.readlinkSync(node(2, 'd/s')), 'f1')
	assert.ok(disk.statSync(node(2, 'd/f1')).blocks < 256)
	for (const name of ['f2', 'f3', 'f4']) assert.equal(ground.read(2, `d/${name}`), contentOf(name))
	assert.equal(disk.readdirSync(node(2, '.cairn/conflicts')).length, 1)
	nothingIsLeft(ground)
})

test('rewritten, renamed, removed, opened, given attributes and replaced while they are copied', async (t) => {
	const ground = await prepare(t)
	const { fs, ids, d, node, rows } = ground
	const ran = await ground.run('copied', async () => {
		const file = now(open(fs, ids[0], { write: true, truncate: true }))
		file.node.operations.write(file.fd, Buffer.from('new content'), 0)
		now(release(fs, file, true))
		now(rename(fs, at('f1', d), at('g1', d), 'replace'))
		now(unlink(fs, at('f2', d)))
		now(unlink(fs, at('f3', d)))
		writeFile(fs, 'f3', 'another', d)
		now(open(fs, ids[4], { write: true, truncate: false }))
		now(setAttributes(fs, ids[5], { mode: 0o600 }))
		await flushLater(fs)
	})
	assert.deepEqual([ran.summary.outcomes, ran.troubles], [{ copied: MANY - 3, gone: 2, busy: 1 }, []])
	assert.equal(ground.read(2, 'd/f0'), 'new content')
	assert.equal(ground.read(2, 'd/g1'), contentOf('f1'))
	for (const name of ['f1', 'f2', 'f3', 'f4']) assert.equal(disk.existsSync(node(2, `d/${name}`)), false, name)
	assert.equal(disk.statSync(node(2, 'd/f5')).mode & 0o777, 0o600)
	assert.deepEqual(states(ground, ids[4]), { 1: GOOD, 2: WANTED })
	assert.deepEqual([rows('SELECT * FROM intent'), ground.incoming(2)], [[], []])
})

test('the directory is renamed while they are copied: they come to the names they have then', async (t) => {
	const ground = await prepare(t)
	const { fs, node } = ground
	const ran = await ground.run('copied', async () => {
		now(rename(fs, at('d'), at('e'), 'replace'))
		await flushLater(fs)
	})
	assert.deepEqual([ran.summary.outcomes, ran.troubles], [{ copied: MANY }, []])
	assert.equal(disk.existsSync(node(2, 'd')), false)
	for (let file = 0; file < MANY; file++) assert.equal(ground.read(2, `e/f${file}`), contentOf(`f${file}`))
	nothingIsLeft(ground)
})

test('one that is not what it should be, and one that cannot be read, while the others are copied', async (t) => {
	const ground = await prepare(t)
	const { ids, node } = ground
	for (const file of [0, 1]) knowHash(ground, ids[file], contentOf(`f${file}`))
	const { atime, mtime } = disk.statSync(node(1, 'd/f1'))
	disk.writeFileSync(node(1, 'd/f1'), contentOf('g1'))
	disk.utimesSync(node(1, 'd/f1'), atime, mtime)
	disk.rmSync(node(1, 'd/f2'))
	const ran = await ground.run()
	assert.deepEqual(ran.summary.outcomes, { copied: MANY - 2 })
	assert.deepEqual(ran.troubles.map((line) => line.split(':')[0]).sort(), ['d/f1', 'd/f2'])
	assert.deepEqual(states(ground, ids[1]), { 1: SUSPECT, 2: WANTED })
	nothingIsLeft(ground)
})

for (const isCommitted of [false, true]) {
	test(`the catalogue is away when they are entered${isCommitted ? ', and its answer is lost' : ''}`, async (t) => {
		const ground = await prepare(t)
		const { fs } = ground
		const { transaction } = fs.catalogue
		const ran = await ground.run('copied', () => {
			fs.catalogue.transaction = (body) => {
				fs.catalogue.transaction = transaction
				if (isCommitted) transaction(body)
				return fail('EIO', 'the catalogue is away')
			}
		})
		assert.deepEqual([ran.summary.outcomes, ran.troubles], [{ copied: MANY }, []])
		for (let file = 0; file < MANY; file++) assert.equal(ground.read(2, `d/f${file}`), contentOf(`f${file}`))
		nothingIsLeft(ground)
	})
}

test('a disk that takes no writes: nothing counts, and nothing is at its name', async (t) => {
	let failing: FailingDisk | undefined
	// Before what removes the directory below it.
	t.after(() => failing?.end())
	const ground = await prepare(t)
	const { ids, node } = ground
	failing = mountFailingDisk(node(3))
	await ground.addNode(4)
	disk.cpSync(node(4, '.cairn'), node(3, '.cairn'), { recursive: true })
	ground.rows('UPDATE node SET path = ? WHERE id = 3', node(3))
	ground.rows('UPDATE replica SET node_id = 3 WHERE node_id = 2')
	const other = await ground.start()
	let isFailing = false
	const made = await makeCopies(other.fs, 3, {
		async hold() {
			if (!isFailing) failing?.fail()
			isFailing = true
		},
	})
	assert.deepEqual([made.summary.outcomes, made.troubles], [{ moved: MANY }, []])
	assert.deepEqual(disk.readdirSync(node(3)).sort(), ['.cairn', 'lost+found'])
	for (const id of ids) assert.deepEqual(states(ground, id), { 1: GOOD, 2: WANTED })
})
