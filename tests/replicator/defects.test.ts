/** What went wrong for years in the system before this one: each defect by its name. tests/README.md has where the others are shown. */
import assert from 'node:assert/strict'
import * as disk from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setAttributes } from '../../core/filesystem/attributes.ts'
import { makeDirectory, makeSymlink } from '../../core/filesystem/create.ts'
import { read } from '../../core/filesystem/data.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { link } from '../../core/filesystem/links.ts'
import { open } from '../../core/filesystem/open.ts'
import { release } from '../../core/filesystem/publish.ts'
import { unlink } from '../../core/filesystem/remove.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { settle } from '../../core/filesystem/settle.ts'
import { fail } from '../../core/errors.ts'
import { isPromise, run } from '../../core/op.ts'
import type { ClassConfig } from '../../core/config/types.ts'
import type { Node } from '../../core/nodes/node.ts'
import { replicate } from '../../replicator/replicate/replicate.ts'
import { runJob } from '../../replicator/replicator.ts'
import { trim } from '../../replicator/trim/trim.ts'
import { verify } from '../../replicator/verify/verify.ts'
import { walk } from '../../replicator/walk/walk.ts'
import { checkTree } from '../support/check-tree.ts'
import { at, createFile, type Installation, installation, now, OWNER, setUp, writeFile } from '../unit/installation.ts'
import { copiedFile, holders, runOn, states } from './copies.ts'
import { makeCopies } from './copying.ts'
import { fill, mounted, replicateAll, verb } from './whole.ts'

const copies = (many: number): ClassConfig[] => [{ name: 'default', pattern: '', copies: many }]
const MEGABYTE = 1024 ** 2
const GIGABYTE = 1024 ** 3
const DIRECTORY = { mode: 0o755, uid: 0, gid: 0 }

async function replicateTo(fs: Filesystem, ...nodes: number[]): Promise<void> {
	await flushLater(fs)
	for (const node of nodes) assert.deepEqual((await makeCopies(fs, node)).troubles, [])
	await flushLater(fs)
}

function rewrite(fs: Filesystem, id: number, text: string): void {
	const file = now(open(fs, id, { write: true, truncate: true }))
	file.node.operations.write(file.fd, Buffer.from(text), 0)
	now(release(fs, file, true))
}

async function textOf(fs: Filesystem, id: number): Promise<string> {
	const file = await run(open(fs, id, { write: false, truncate: false }))
	const buffer = Buffer.alloc(100)
	const length = await run(read(fs, file, buffer, 0))
	await run(release(fs, file, false))
	return buffer.toString('utf8', 0, length)
}

test('2: the sixty-fifth node is a node, none is left out, and what counts copies cannot drift', async (t) => {
	const place = await installation(t, 70, copies(70))
	const { fs } = await place.start()
	const id = writeFile(fs, 'f', 'text')
	const good = () => place.rows('SELECT COUNT(*) AS many FROM replica WHERE file_id = ? AND state = 1', id)[0].many
	assert.deepEqual(Object.keys(states(place, id)).length, 70)
	for (const [index, node] of [64, 65, 66, 70, 70].entries()) {
		await replicateTo(fs, node)
		assert.equal(disk.readFileSync(place.node(node, 'f'), 'utf8'), 'text')
		assert.equal(good(), 1 + Math.min(index + 1, 4), 'one for each that has it, the second time too')
	}
	now(unlink(fs, at('f')))
	assert.equal(good(), 0)
	assert.deepEqual(holders(place, 'f', 'text', [64, 65, 66, 70]), [])
})

test('3: a size beyond 4 GiB is kept, and so is every byte of a long name', async (t) => {
	const place = await installation(t, 1, copies(1))
	const { fs } = await place.start()
	const name = 'ü'.repeat(127)
	const file = createFile(fs, name)
	file.node.operations.truncate(file.fd, 5 * GIGABYTE)
	file.node.operations.write(file.fd, Buffer.from('end'), 5 * GIGABYTE)
	now(release(fs, file, true))
	assert.equal(place.rows('SELECT size FROM file WHERE id = ?', file.id)[0].size, 5 * GIGABYTE + 3)
	assert.equal(disk.statSync(place.node(1, name)).size, 5 * GIGABYTE + 3)
})

test('3: names that differ in case are different files on every node', async (t) => {
	const place = await installation(t, 2, copies(2))
	const { fs } = await place.start()
	const names = ['photo.jpg', 'Photo.JPG', 'photo.jpg ', 'PHOTO.jpg']
	for (const name of names) writeFile(fs, name, `this is ${name}`)
	await replicateTo(fs, 1, 2)
	now(unlink(fs, at('Photo.JPG')))
	await flushLater(fs)
	for (const name of names) assert.deepEqual(holders(place, name, `this is ${name}`, [1, 2]), name === 'Photo.JPG' ? [] : [1, 2])
})

for (const [what, bytes] of Object.entries({ empty: 0, 'of 60 MiB': 60 * MEGABYTE })) {
	test(`3: a file that is ${what} has a hash, and a copy that is not it is found out`, async (t) => {
		const place = await installation(t, 2, copies(2))
		const { fs } = await place.start()
		const id = writeFile(fs, 'f', 'x'.repeat(bytes))
		await replicateTo(fs, 1, 2)
		assert.equal(place.rows('SELECT LENGTH(hash) AS bytes FROM file WHERE id = ? AND hash_version = version', id)[0].bytes, 32)
		assert.deepEqual((await runOn(fs, 2, verify({ all: true }))).outcomes, { good: 1 })
		const [two] = [place.node(2, 'f')]
		const { atime, mtime } = disk.statSync(two)
		const fd = disk.openSync(two, 'r+')
		disk.writeSync(fd, 'y', Math.max(0, bytes - 1))
		disk.closeSync(fd)
		disk.utimesSync(two, atime, mtime)
		assert.deepEqual((await runOn(fs, 2, verify({ all: true }))).outcomes, { damaged: 1 })
	})
}

test('4: renaming a directory moves everything below it, at any depth, on the nodes and in the catalogue', async (t) => {
	const place = await installation(t, 2, copies(2))
	const { fs } = await place.start()
	let parent = now(makeDirectory(fs, at('top'), DIRECTORY)).id
	const paths: string[] = []
	let path = ''
	for (let depth = 0; depth < 12; depth++) {
		writeFile(fs, 'file', `at depth ${depth}`, parent)
		paths.push(`${path}/file`)
		path += `/d${depth}`
		parent = now(makeDirectory(fs, at(`d${depth}`, parent), DIRECTORY)).id
	}
	await replicateTo(fs, 1, 2)
	now(rename(fs, at('top'), at('renamed'), 'replace'))
	await flushLater(fs)
	for (const [depth, each] of paths.entries()) {
		assert.deepEqual(holders(place, `renamed${each}`, `at depth ${depth}`, [1, 2]), [1, 2])
		assert.deepEqual(holders(place, `top${each}`, `at depth ${depth}`, [1, 2]), [])
	}
	assert.deepEqual(await checkTree(`${place.directory}/catalogue.db`), [])
	for (const node of [1, 2]) {
		assert.deepEqual((await runOn(fs, node, walk())).outcomes, { known: paths.length })
		assert.deepEqual((await runOn(fs, node, verify({ all: true }))).outcomes, { good: paths.length })
	}
})

/** An empty directory is where the node was; the result brings it back, and looks whether it is empty still. */
function leaveEmpty(place: Installation, number: number): () => void {
	const root = place.node(number)
	disk.renameSync(root, `${root}.taken`)
	disk.mkdirSync(root)
	return () => {
		assert.deepEqual(disk.readdirSync(root), [], 'nothing may be written into an empty mount point')
		disk.rmdirSync(root)
		disk.renameSync(`${root}.taken`, root)
	}
}

test('5: a deleted file does not come back with a node that was offline, whatever is run', async (t) => {
	const place = await installation(t, 2, copies(2))
	const { fs } = await place.start()
	for (const name of ['deleted', 'replaced', 'kept']) writeFile(fs, name, `old ${name}`)
	await replicateTo(fs, 1, 2)
	setUp(fs, 2, false)
	const giveBack = leaveEmpty(place, 2)
	now(unlink(fs, at('deleted')))
	now(unlink(fs, at('replaced')))
	writeFile(fs, 'replaced', 'new content')
	await flushLater(fs)
	giveBack()
	setUp(fs, 2, true)
	const jobs = [walk(), replicate(), verify({ all: true }), trim()]
	for (const job of jobs) for (const node of [2, 1]) await runOn(fs, node, job)
	const isSettled = run(settle(fs))
	if (isPromise(isSettled)) await isSettled
	for (const job of jobs) for (const node of [2, 1]) await runOn(fs, node, job)
	for (const node of [1, 2]) {
		assert.deepEqual(disk.readdirSync(place.node(node)).sort(), ['.cairn', 'kept', 'replaced'])
		assert.equal(disk.readFileSync(place.node(node, 'replaced'), 'utf8'), 'new content')
	}
	assert.deepEqual(await checkTree(`${place.directory}/catalogue.db`), [])
})

test('5: an empty mount point is no node: nothing is written there, nothing concluded, no copy given up', async (t) => {
	const place = await installation(t, 3, copies(2))
	const client = await place.start()
	const { fs, catalogue } = client
	await copiedFile(place, client, 'f', 'text', [1, 2])
	const wanted = await copiedFile(place, client, 'g', 'more', [1])
	await catalogue.change('INSERT INTO replica (file_id, node_id, version, state) VALUES (?, 2, 0, 2)', [wanted])
	const spare = await copiedFile(place, client, 'h', 'thrice', [1, 2, 3])
	await catalogue.change('UPDATE replica SET state = 4 WHERE file_id = ? AND node_id = 2', [spare])
	const other = await copiedFile(place, client, 'i', 'again', [1, 2, 3])
	await catalogue.change('UPDATE replica SET state = 4 WHERE file_id = ? AND node_id = 3', [other])
	const before = place.rows('SELECT file_id, node_id, version, state FROM replica ORDER BY file_id, node_id')
	const giveBack = leaveEmpty(place, 2)
	for (const job of [walk(), replicate(), verify({ all: true }), trim()]) {
		const end = runJob(fs, fs.nodes.get(2) as Node, job, { signal: new AbortController().signal })
		const left = await end.then(
			({ summary }) => (summary?.troubles ?? 0) + (summary?.outcomes.kept ?? 0),
			({ message }: Error) => message,
		)
		assert.ok(left, `${job.what} is to say that it left something`)
		await flushLater(fs)
	}
	// The second copy is not seen, so the third one stays.
	assert.deepEqual((await runOn(fs, 3, trim())).outcomes, { kept: 1 })
	assert.deepEqual(place.rows('SELECT file_id, node_id, version, state FROM replica ORDER BY file_id, node_id'), before)
	assert.deepEqual(place.rows('SELECT * FROM conflict'), [])
	giveBack()
	assert.deepEqual(
		[holders(place, 'h', 'thrice'), holders(place, 'i', 'again')],
		[
			[1, 2, 3],
			[1, 2, 3],
		],
	)
})

test('6: after a rewrite no older copy is served, and all of them are replaced', async (t) => {
	const place = await installation(t, 3, copies(3))
	const { fs } = await place.start()
	const id = writeFile(fs, 'f', 'old')
	await replicateTo(fs, 1, 2, 3)
	rewrite(fs, id, 'new')
	await flushLater(fs)
	const [{ node_id: written }] = place.rows('SELECT node_id FROM replica WHERE file_id = ? AND state = 1', id)
	const others = [1, 2, 3].filter((node) => node !== written)
	setUp(fs, written, false)
	await assert.rejects(textOf(fs, id), { code: 'EIO' }, 'rather nothing than what was')
	setUp(fs, written, true)
	await replicateTo(fs, ...others)
	setUp(fs, written, false)
	assert.equal(await textOf(fs, id), 'new')
	assert.deepEqual(holders(place, 'f', 'new'), [1, 2, 3])
})

test('7: somebody who looks at the node at every piece never sees half a file', async (t) => {
	const place = await installation(t, 2, copies(2))
	const { fs } = await place.start()
	const contents = { large: 'l'.repeat(40 * MEGABYTE), small: 'small' }
	for (const [name, text] of Object.entries(contents)) writeFile(fs, name, text)
	await flushLater(fs)
	const target = place.rows('SELECT DISTINCT node_id FROM replica WHERE state = 2')[0].node_id
	const seen = new Set<string>()
	let looks = 0
	const look = async () => {
		looks++
		for (const [name, text] of Object.entries(contents)) {
			const stat = disk.lstatSync(place.node(target, name), { throwIfNoEntry: false })
			if (stat && stat.size !== text.length) seen.add(`${name}: ${stat.size} bytes`)
		}
	}
	await makeCopies(fs, target, { pace: look, hold: look })
	assert.ok(looks >= 10, `looked ${looks} times only`)
	assert.deepEqual([...seen], [])
	assert.deepEqual(holders(place, 'small', 'small', [target]), [target])
})

for (const code of ['EIO', 'ETIMEDOUT', 'ENOTCONN', 'ESTALE']) {
	test(`9: a read that fails in the middle goes on with another copy: ${code}`, async (t) => {
		const place = await installation(t, 2, copies(2))
		const client = await place.start()
		const { fs } = client
		const id = await copiedFile(place, client, 'f', 'first half, second half', [1, 2])
		const file = now(open(fs, id, { write: false, truncate: false }))
		const first = file.node
		const buffer = Buffer.alloc(11)
		assert.equal(await run(read(fs, file, buffer, 0)), 11)
		assert.equal(String(buffer), 'first half,')
		first.operations.read = () => fail(code)
		assert.equal(await run(read(fs, file, buffer, 12)), 11)
		assert.equal(String(buffer), 'second half')
		assert.notEqual(file.node, first)
	})
}

test('10: modes, owners, times, symlinks and link counts are the same on each node that gets a copy', async (t) => {
	const place = await installation(t, 2, copies(2))
	const { fs } = await place.start()
	const id = writeFile(fs, 'f', 'text')
	now(setAttributes(fs, id, { mode: 0o640, uid: 1234, gid: 567, mtime: { s: 1_000_000_000, ns: 123_456_789 } }))
	now(link(fs, id, at('other')))
	now(makeSymlink(fs, at('pointer'), Buffer.from('f'), { uid: 0, gid: 0 }))
	const directory = now(makeDirectory(fs, at('d'), { ...OWNER, mode: 0o750 })).id
	writeFile(fs, 'inside', 'text', directory)
	await replicateTo(fs, 1, 2)
	for (const node of [1, 2]) {
		const { mode, uid, gid, nlink, mtimeNs, ino } = disk.lstatSync(place.node(node, 'f'), { bigint: true })
		assert.deepEqual([mode & 0o7777n, uid, gid, nlink, mtimeNs], [0o640n, 1234n, 567n, 2n, 1_000_000_000_123_456_789n])
		assert.equal(disk.lstatSync(place.node(node, 'other'), { bigint: true }).ino, ino)
		assert.equal(disk.readlinkSync(place.node(node, 'pointer')), 'f')
		assert.equal(disk.statSync(place.node(node, 'd')).mode & 0o7777, 0o750)
	}
})

test('11: what does not match is remembered until somebody decides, and the exit code says so', async (t) => {
	const up = await mounted(t)
	await fill(up, 12)
	await replicateAll(up)
	const path = 'd0/f5'
	const copiesOfIt = up.nodes.map((root) => join(root, path)).filter((each) => disk.existsSync(each))
	assert.equal(copiesOfIt.length, 2)
	for (const each of copiesOfIt) {
		const { atime, mtime } = disk.statSync(each)
		disk.writeFileSync(each, disk.readFileSync(each).fill('!'), { flag: 'r+' })
		disk.utimesSync(each, atime, mtime)
	}
	for (let times = 0; times < 2; times++) {
		const { code, stdout, stderr } = await up.cairn('verify', '--all')
		assert.equal(code, 17, stdout + stderr)
		assert.match(stderr, /d0\/f5: /)
	}
	const status = JSON.parse(await verb(up, 'status', '--json'))
	assert.deepEqual([status.pending.suspect, status.nothingOwed], [2, false])
	assert.ok(
		copiesOfIt.every((each) => disk.existsSync(each)),
		'the last copies stay',
	)

	const node = `node${up.nodes.findIndex((root) => disk.existsSync(join(root, 'd0'))) + 1}`
	const stranger = join(up.dir, node, 'd0/f6')
	disk.rmSync(stranger, { force: true })
	disk.writeFileSync(stranger, 'not what the tree has')
	await up.cairn('walk', '--node', node)
	for (let times = 0; times < 2; times++) {
		const listed = JSON.parse(await verb(up, 'conflicts', 'list', '--json')) as { node: string; path: string }[]
		assert.ok(listed.some((row) => row.node === node && row.path === 'd0/f6'))
		assert.equal(JSON.parse(await verb(up, 'status', '--json')).conflicts, listed.length)
	}
})
