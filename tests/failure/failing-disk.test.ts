/** A node whose disk takes no writes any more: whoever asked for his data to be on the disk hears of it. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { it, type TestContext } from 'node:test'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import * as replicas from '../../core/catalogue/replicas.ts'
import { fail } from '../../core/errors.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { open } from '../../core/filesystem/open.ts'
import type { OpenFile } from '../../core/filesystem/open-files.ts'
import { publish, publishAtClose, release, sync } from '../../core/filesystem/publish.ts'
import { withHands } from '../support/hands.ts'
import { startUp } from '../support/mount.ts'
import { until } from '../support/until.ts'
import { run } from '../../core/op.ts'
import { createFile, installation, now, writeFile } from '../unit/installation.ts'
import { type FailingDisk, mountFailingDisk } from './failing-disk.ts'
import { answerOf } from './placed.ts'

for (const io of ['passthrough', 'carried'] as const) {
	it(`a sync that the disk refuses is EIO for its caller, each time: ${io}`, async (t) => {
		let disk: FailingDisk | undefined
		const prepare = (dir: string) => {
			disk = mountFailingDisk(join(dir, 'node1'))
		}
		const up = await startUp({ nodes: 1, io, prepare })
		t.after(async () => {
			await up.stop().finally(() => disk?.end())
			await up.remove()
		})
		await withHands(async (hands) => {
			await hands.do('write', join(up.mountPoint, 'before'), 'written and synced', { sync: true })
			const fd = await hands.do('openDescriptor', join(up.mountPoint, 'f'), 'wx')
			disk?.fail()
			await hands.do('writeDescriptor', fd, Buffer.alloc(300_000, 'x'))
			for (let times = 0; times < 2; times++) assert.equal(await answerOf(hands.do('syncDescriptor', fd)), 'EIO')
			assert.equal(await answerOf(hands.do('closeDescriptor', fd)), 'EIO')
			assert.equal(await answerOf(hands.do('read', join(up.mountPoint, 'f'))), 'EIO')
			assert.equal(await answerOf(hands.do('write', join(up.mountPoint, 'g'), 'also', { sync: true })), 'EIO')
			assert.equal(String(await hands.do('read', join(up.mountPoint, 'before'))), 'written and synced')
		})
	})
}

for (const io of ['passthrough', 'carried'] as const) {
	it(`what the disk refused is told at the close, and another copy is the content: ${io}`, async (t) => {
		let disk: FailingDisk | undefined
		const prepare = (dir: string) => {
			disk = mountFailingDisk(join(dir, 'node1'))
		}
		const up = await startUp({ nodes: 2, copies: 2, io, prepare })
		t.after(async () => {
			await up.stop().finally(() => disk?.end())
			await up.remove()
		})
		const f = join(up.mountPoint, 'f')
		await withHands(async (hands) => {
			await hands.do('write', f, 'as it was before', { sync: true })
			for (const node of ['node1', 'node2']) assert.equal((await up.cairn('replicate', '--node', node)).code, 0)
			assert.equal((await up.cairn('node', 'set', 'node2', '--state', 'ro')).code, 0)
			const fd = await hands.do('openDescriptor', f, 'r+')
			disk?.fail()
			await hands.do('writeDescriptor', fd, Buffer.alloc(300_000, 'x'))
			// The kernel writes it when it likes to, and nobody has asked for it.
			spawnSync('sync', ['-f', join(up.dir, 'node1')])
			assert.equal(await answerOf(hands.do('closeDescriptor', fd)), 'EIO')
			assert.equal(String(await hands.do('read', f)), 'as it was before')
			assert.equal((await hands.do('stat', f)).size, 'as it was before'.length)
		})
	})
}

it('what the disk refuses after the last close is found when the node is synced, and not read until it is verified', async (t) => {
	let disk: FailingDisk | undefined
	const prepare = (dir: string) => {
		disk = mountFailingDisk(join(dir, 'node1'))
	}
	const up = await startUp({ nodes: 1, prepare })
	t.after(async () => {
		await up.stop().finally(() => disk?.end())
		await up.remove()
	})
	const [before, after] = ['before', 'after'].map((name) => join(up.mountPoint, name))
	await withHands(async (hands) => {
		await hands.do('write', before, 'written and synced', { sync: true })
		await hands.do('rename', before, join(up.mountPoint, 'known'))
		disk?.fail()
		await hands.do('write', after, Buffer.alloc(300_000, 'x'))
		await hands.do('rename', join(up.mountPoint, 'known'), before)
		await until('the copy is in doubt', async () => ((await answerOf(hands.do('read', after))) === 'EIO' ? true : undefined))
	})
})

function contentOf(fs: Filesystem, id: number): string {
	const file = now(open(fs, id, { write: false, truncate: false }))
	const bytes = Buffer.alloc(file.row.size)
	file.node.operations.read(file.fd, bytes, 0)
	now(release(fs, file, false))
	return String(bytes)
}

const synced = async (fs: Filesystem, file: OpenFile) => run(sync(fs, file, false))

for (const code of ['EIO', 'ENOSPC', 'EDQUOT']) {
	it(`${code} told once is not forgotten: a second sync of the same open file does not succeed`, async (t) => {
		const { start, rows } = await installation(t)
		const { fs } = await start()
		const file = createFile(fs, 'f')
		file.node.operations.write(file.fd, Buffer.from('content'), 0)
		const { sync: wellAgain } = file.node.operations
		file.node.operations.sync = () => {
			file.node.operations.sync = wellAgain
			fail(code)
		}
		await assert.rejects(synced(fs, file), { code })
		await assert.rejects(synced(fs, file), { code: 'EIO' })
		now(release(fs, file, true))
		assert.deepEqual(rows('SELECT r.state, r.version = f.version AS is_last, f.size FROM replica r JOIN file f ON f.id = r.file_id'), [
			{ state: REPLICA.suspect, is_last: 1, size: 'content'.length },
		])
		assert.throws(() => now(open(fs, file.id, { write: false, truncate: false })), { code: 'EIO' })
		const again = now(open(fs, file.id, { write: true, truncate: true }))
		again.node.operations.write(again.fd, Buffer.from('written anew'), 0)
		await synced(fs, again)
		now(release(fs, again, true))
		assert.equal(contentOf(fs, file.id), 'written anew')
	})
}

/** Two good copies, and the file open for writing on the first node, whose disk refuses from now on. */
async function openTwice(t: TestContext) {
	const { start, rows, node } = await installation(t, 2, [{ name: 'default', pattern: '', copies: 2 }])
	const { fs, kill, told } = await start()
	const id = writeFile(fs, 'f', 'as it was before')
	const [holder] = rows('SELECT node_id FROM replica WHERE state = 1') as Array<{ node_id: number }>
	copyFileSync(node(holder.node_id, 'f'), node(3 - holder.node_id, 'f'))
	await fs.catalogue.transaction(function* (tx) {
		replicas.setGood(tx, id, 3 - holder.node_id, 1)
	})
	const file = now(open(fs, id, { write: true, truncate: false }))
	file.node.operations.write(file.fd, Buffer.from('halfway'), 0)
	file.node.operations.sync = () => fail('EIO')
	const copies = () => rows('SELECT node_id, version, state FROM replica ORDER BY node_id = ? DESC', file.node.id).map(({ version, state }) => [version, state])
	return { start, fs, kill, told, id, file, rows, copies }
}

it('the other copy is the content when the disk of the one that was written to has refused', async (t) => {
	const { fs, told, id, file, copies } = await openTwice(t)
	await assert.rejects(synced(fs, file), { code: 'EIO' })
	assert.deepEqual(copies(), [[1, REPLICA.suspect], [1, REPLICA.good]])
	now(release(fs, file, true))
	assert.equal(contentOf(fs, id), 'as it was before')
	assert.ok(told.some((change) => change.op === 'publish' && change.file_id === id))
})

it('of a new file as many copies are asked for as its class wants, whatever its disk has refused', async (t) => {
	const { start, rows } = await installation(t, 2, [{ name: 'default', pattern: '', copies: 2 }])
	const { fs } = await start()
	const file = createFile(fs, 'f')
	file.node.operations.write(file.fd, Buffer.from('content'), 0)
	file.node.operations.sync = () => fail('ENOSPC')
	await assert.rejects(synced(fs, file), { code: 'ENOSPC' })
	now(release(fs, file, true))
	assert.deepEqual(rows('SELECT state FROM replica ORDER BY node_id = ? DESC', file.node.id), [{ state: REPLICA.suspect }, { state: REPLICA.wanted }])
})

it('also when the disk refuses after the last close, and nobody is left to be told', async (t) => {
	const { fs, id, file, copies } = await openTwice(t)
	now(publishAtClose(fs, file))
	file.node.operations.flush = () => fail('EIO')
	now(release(fs, file, true))
	assert.deepEqual(copies(), [[2, REPLICA.suspect], [1, REPLICA.wanted]])
	assert.throws(() => now(open(fs, id, { write: false, truncate: false })), { code: 'EIO' })
})

it('also when the process that was told is killed before it closes the file', async (t) => {
	const { start, fs, kill, id, file, copies } = await openTwice(t)
	await assert.rejects(synced(fs, file), { code: 'EIO' })
	kill()
	const { fs: other } = await start()
	assert.deepEqual(copies(), [[1, REPLICA.suspect], [1, REPLICA.good]])
	assert.equal(contentOf(other, id), 'as it was before')
})

it('what was published in between nobody else has: it stays, in doubt', async (t) => {
	const { fs, id, file, copies } = await openTwice(t)
	now(publish(fs, file))
	await assert.rejects(synced(fs, file), { code: 'EIO' })
	now(release(fs, file, true))
	assert.deepEqual(copies(), [[2, REPLICA.suspect], [1, REPLICA.wanted]])
	assert.throws(() => now(open(fs, id, { write: false, truncate: false })), { code: 'EIO' })
})

it('a catalogue that is away when the disk refuses hears of it at the close', async (t) => {
	const { fs, file, copies } = await openTwice(t)
	const { transaction } = fs.catalogue
	fs.catalogue.transaction = () => fail('EIO')
	await assert.rejects(synced(fs, file), { code: 'EIO' })
	fs.catalogue.transaction = transaction
	now(release(fs, file, true))
	assert.deepEqual(copies(), [[1, REPLICA.suspect], [1, REPLICA.good]])
})

it('a sync that a node was away for may succeed when it is back', async (t) => {
	const { start } = await installation(t)
	const { fs } = await start()
	const file = createFile(fs, 'f')
	const { sync: back } = file.node.operations
	file.node.operations.sync = () => fail('ETIMEDOUT')
	await assert.rejects(synced(fs, file), { code: 'ETIMEDOUT' })
	file.node.operations.sync = back
	await synced(fs, file)
})
