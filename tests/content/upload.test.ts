/** Content that comes without a mount: named whole or not at all, on both databases, local and remote nodes. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { fail } from '../../core/errors.ts'
import { setAttributes } from '../../core/filesystem/attributes.ts'
import { makeDirectory } from '../../core/filesystem/create.ts'
import { write } from '../../core/filesystem/data.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { link } from '../../core/filesystem/links.ts'
import { open } from '../../core/filesystem/open.ts'
import { release } from '../../core/filesystem/publish.ts'
import { locate } from '../../core/filesystem/resolve.ts'
import { removeDirectory } from '../../core/filesystem/remove.ts'
import { settle } from '../../core/filesystem/settle.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { getXattr, setXattr } from '../../core/filesystem/xattrs.ts'
import { beginUpload, finishUpload, writeUpload } from '../../core/filesystem/upload.ts'
import { beat } from '../../core/filesystem/clients.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import type { Node } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { engines } from '../catalogue/engines.ts'
import { until } from '../support/until.ts'
import { at } from '../unit/installation.ts'
import { get, intakeOf, OWNER, put, tree } from './tree.ts'

const LARGE = randomBytes(3_000_000)
const directory = { mode: 0o750, uid: 0, gid: 0 }

function uploadsLeft(path: string): string[] {
	return existsSync(path) ? readdirSync(path).flatMap((folder) => readdirSync(`${path}/${folder}`)) : []
}

for (const engine of engines) {
	for (const remote of [false, true]) {
		test(`${engine.name}, ${remote ? 'remote' : 'local'} nodes: what is stored is there whole`, async (t) => {
			const made = await tree(t, engine, { nodes: 2, copies: 2 })
			const { fs } = await made.start({ remote })
			await run(makeDirectory(fs, at('d'), directory))
			const stored = await put(fs, 'd/large', LARGE)
			assert.deepEqual(stored.sha256, createHash('sha256').update(LARGE).digest())
			assert.deepEqual(await get(fs, 'd/large'), LARGE)
			assert.deepEqual(readFileSync(made.node(1, 'd/large')), LARGE, 'a plain file under its path')
			assert.equal(statSync(made.node(1, 'd')).mode & 0o777, 0o750)
			const [row] = await made.rows('SELECT hash, hash_version, version, size FROM file WHERE id = ?', stored.row.id)
			assert.deepEqual([Buffer.from(row.hash), row.hash_version, row.version, row.size], [stored.sha256, 1, 1, LARGE.length])
			assert.deepEqual(await made.rows('SELECT node_id, state FROM replica WHERE file_id = ? ORDER BY node_id', stored.row.id), [
				{ node_id: 1, state: 1 },
				{ node_id: 2, state: 2 },
			])
			await put(fs, 'd/empty', '')
			assert.equal((await get(fs, 'd/empty')).length, 0)
			assert.deepEqual(uploadsLeft(made.node(1, '.cairn/uploads')), [])
			assert.deepEqual(await made.problems(), [])
		})
	}

	test(`${engine.name}: what is replaced keeps its owner, mode and attributes; other names and open files keep the old content`, async (t) => {
		const made = await tree(t, engine, { nodes: 2 })
		const [door, other] = [await made.start(), await made.start()]
		const old = await put(door.fs, 'f', 'old', {}, { mode: 0o640, uid: 12, gid: 34 })
		await run(setXattr(door.fs, old.row.id, Buffer.from('user.a'), Buffer.from('b'), { create: false, replace: false }))
		await flushLater(door.fs)
		await run(link(other.fs, old.row.id, at('second')))
		const reader = await run(open(other.fs, old.row.id, { write: false, truncate: false }))
		const stored = await put(door.fs, 'f', 'new content')
		assert.notEqual(stored.row.id, old.row.id)
		assert.deepEqual([stored.row.mode, stored.row.uid, stored.row.gid], [0o640, 12, 34])
		assert.equal(Buffer.from(await run(getXattr(door.fs, stored.row.id, Buffer.from('user.a')))).toString(), 'b')
		assert.equal((await get(other.fs, 'f')).toString(), 'new content')
		assert.equal((await get(door.fs, 'second')).toString(), 'old')
		const buffer = Buffer.alloc(10)
		assert.equal(await reader.node.operations.read(reader.fd, buffer, 0), 3)
		await run(release(other.fs, reader, false))
		assert.equal(statSync(made.node(1, 'f')).uid, 12)
		assert.deepEqual(await made.problems(), [])
	})

	test(`${engine.name}: replaced while another writes to it, as rename(2) has it`, async (t) => {
		const made = await tree(t, engine)
		const [door, other] = [await made.start(), await made.start()]
		const old = await put(door.fs, 'f', 'old')
		const writer = await run(open(other.fs, old.row.id, { write: true, truncate: false }))
		await run(write(other.fs, writer, Buffer.from('while open'), 0))
		await put(door.fs, 'f', 'new')
		await run(write(other.fs, writer, Buffer.from('afterwards'), 0))
		await run(catchUp(other.fs))
		assert.ok(writer.orphan)
		await run(release(other.fs, writer, true))
		assert.equal((await get(other.fs, 'f')).toString(), 'new')
		assert.deepEqual(await made.problems(), [])
	})

	test(`${engine.name}: conditions are asked in the transaction; what fails leaves nothing`, async (t) => {
		const made = await tree(t, engine)
		const { fs } = await made.start()
		await run(makeDirectory(fs, at('d'), directory))
		await put(fs, 'f', 'one')
		await assert.rejects(put(fs, 'f', 'two', { exclusive: true }), { code: 'EEXIST' })
		await assert.rejects(put(fs, 'd', 'x'), { code: 'EISDIR' })
		const versionIs = (version: number) => ({
			*check(_: unknown, current: { version: number } | undefined) {
				if (current?.version !== version) fail('ECANCELED')
			},
		})
		await assert.rejects(put(fs, 'f', 'two', versionIs(7)), { code: 'ECANCELED' })
		await assert.rejects(put(fs, 'f', 'two', { bytesExactly: 4 }), { code: 'EPROTO' })
		await assert.rejects(put(fs, 'f', LARGE, { bytesMax: 1_000_000 }), { code: 'EFBIG' })
		const refuse = { verify: () => fail('EBADMSG') }
		await assert.rejects(put(fs, 'f', 'two', refuse), { code: 'EBADMSG' })
		assert.equal((await get(fs, 'f')).toString(), 'one')
		await put(fs, 'f', 'two', versionIs(1))
		assert.equal((await get(fs, 'f')).toString(), 'two')
		const results = await Promise.allSettled(['a', 'b', 'c'].map((content) => put(fs, 'race', content, { exclusive: true })))
		assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected', 'rejected'])
		assert.deepEqual(uploadsLeft(made.node(1, '.cairn/uploads')), [])
		assert.deepEqual(await made.problems(), [])
	})

	test(`${engine.name}: a process that ends in the middle leaves nothing, one that ends after the word was given leaves a file`, async (t) => {
		const made = await tree(t, engine)
		const [door, other] = [await made.start(), await made.start()]
		const early = await run(beginUpload(door.fs, await intakeOf(door.fs, 'early')))
		await run(writeUpload(door.fs, early, [Buffer.from('half')]))
		const late = await run(beginUpload(door.fs, await intakeOf(door.fs, 'late')))
		await run(writeUpload(door.fs, late, [Buffer.from('whole')]))
		const node = door.fs.nodes.get(1) as Node
		// The node does not carry it out, and then the process is gone.
		node.operations.rename = () => fail('ETIMEDOUT')
		await run(finishUpload(door.fs, late))
		await door.kill()
		assert.equal(uploadsLeft(made.node(1, '.cairn/uploads')).length, 2)
		for (let round = 0; round < 2; round++) await run(settle(other.fs))
		assert.equal((await get(other.fs, 'late')).toString(), 'whole')
		await assert.rejects(get(other.fs, 'early'), { code: 'ENOENT' })
		assert.deepEqual(uploadsLeft(made.node(1, '.cairn/uploads')), [])
		assert.deepEqual(await made.problems(), [])
	})

	test(`${engine.name}: who was taken for dead and cleared up after may not give a name to what is gone`, async (t) => {
		const made = await tree(t, engine)
		const [door, other] = [await made.start(), await made.start()]
		const started = await made.rows('SELECT started FROM client WHERE id = ?', door.fs.client)
		const first = await run(beginUpload(door.fs, await intakeOf(door.fs, 'first')))
		const second = await run(beginUpload(door.fs, await intakeOf(door.fs, 'second')))
		await other.fs.catalogue.change("UPDATE client SET started = 'another boot', heartbeat = 0 WHERE id = ?", [door.fs.client])
		for (let round = 0; round < 2; round++) await run(settle(other.fs))
		await assert.rejects(async () => run(finishUpload(door.fs, first)), { code: 'EIO' })
		await run(beat(door.fs))
		assert.deepEqual(await made.rows('SELECT started FROM client WHERE id = ?', door.fs.client), started)
		await assert.rejects(async () => run(finishUpload(door.fs, second)), { code: 'EIO' })
		await put(door.fs, 'third', 'and goes on')
		assert.equal((await get(other.fs, 'third')).toString(), 'and goes on')
		assert.deepEqual(await made.problems(), [])
	})

	test(`${engine.name}: a node that fills up is left for another`, async (t) => {
		const made = await tree(t, engine, { nodes: 2 })
		const { fs } = await made.start({ remote: true })
		const first = fs.nodes.get(1) as Node
		const whole = first.operations.write
		let left = 1_000_000
		first.operations.write = (fd, buffer, position) => {
			if (buffer.length > left) fail('ENOSPC')
			left -= buffer.length
			return whole(fd, buffer, position)
		}
		await put(fs, 'f', LARGE)
		assert.deepEqual(await get(fs, 'f'), LARGE)
		assert.deepEqual(readFileSync(made.node(2, 'f')), LARGE)
		full(fs, 2)
		await assert.rejects(put(fs, 'g', LARGE), { code: 'ENOSPC' })
		for (const number of [1, 2]) assert.deepEqual(uploadsLeft(made.node(number, '.cairn/uploads')), [])
		assert.deepEqual(await made.problems(), [])
	})

	for (const what of ['create', 'write'] as const) {
		test(`${engine.name}: it goes on at another yet where the next refuses too (${what})`, async (t) => {
			const made = await tree(t, engine, { nodes: 3 })
			const { fs } = await made.start({ remote: true })
			const answers = [['write', 'done'], ['write', 'ENOSPC'], [what, 'EIO']]
			for (const { operations } of fs.nodes.values()) {
				const { create, write } = operations
				operations.create = (...args) => (refuse(answers, 'create'), create(...args))
				operations.write = (...args) => (refuse(answers, 'write'), write(...args))
			}
			await until('the nodes are in service', () => [...fs.nodes.values()].every(({ health }) => health.up) || undefined)
			await put(fs, 'f', LARGE)
			assert.deepEqual(answers, [])
			assert.deepEqual(await get(fs, 'f'), LARGE)
			for (const number of [1, 2, 3]) assert.deepEqual(uploadsLeft(made.node(number, '.cairn/uploads')), [])
			assert.deepEqual(await made.problems(), [])
		})
	}

	test(`${engine.name}: strays are kept, directories that were moved meanwhile are followed`, async (t) => {
		const made = await tree(t, engine)
		const [door, other] = [await made.start(), await made.start()]
		writeFileSync(made.node(1, 'f'), 'somebody put this here')
		writeFileSync(made.node(1, 'd'), 'a file where a directory should be')
		await run(makeDirectory(door.fs, at('d'), directory))
		await put(door.fs, 'f', 'ours')
		const upload = await run(beginUpload(door.fs, await intakeOf(door.fs, 'd/g')))
		await run(writeUpload(door.fs, upload, [Buffer.from('moves')]))
		await run(rename(other.fs, at('d'), at('elsewhere'), 'replace'))
		await run(finishUpload(door.fs, upload))
		assert.equal((await get(other.fs, 'elsewhere/g')).toString(), 'moves')
		assert.equal(readFileSync(made.node(1, 'elsewhere/g'), 'utf8'), 'moves')
		assert.deepEqual(readdirSync(made.node(1, '.cairn/conflicts')).length, 2)
		assert.equal(door.reports.length, 2)
		assert.deepEqual(await made.problems(), [])
	})

	test(`${engine.name}: a stray is kept where a copy of what is replaced has yet to come`, async (t) => {
		const made = await tree(t, engine, { nodes: 2, copies: 2 })
		const { fs } = await made.start()
		await put(fs, 'f', 'first')
		writeFileSync(made.node(2, 'f'), 'somebody put this here')
		full(fs, 1)
		await put(fs, 'f', 'second')
		const [aside] = readdirSync(made.node(2, '.cairn/conflicts'))
		const kept = [made.node(2, 'f'), made.node(2, `.cairn/conflicts/${aside}`)].map((path) => readFileSync(path, 'utf8'))
		assert.deepEqual(kept, ['second', 'somebody put this here'])
		assert.deepEqual(await made.problems(), [])
	})

	test(`${engine.name}: the directory is removed before the end`, async (t) => {
		const made = await tree(t, engine)
		const { fs } = await made.start()
		const row = await run(makeDirectory(fs, at('d'), directory))
		const upload = await run(beginUpload(fs, await intakeOf(fs, 'd/g')))
		await run(setAttributes(fs, row.id, { mode: 0o700 }))
		await run(removeDirectory(fs, at('d')))
		await assert.rejects(async () => run(finishUpload(fs, upload)), { code: 'ENOENT' })
		await assert.rejects(async () => run(locate(fs, Buffer.from('d'))), { code: 'ENOENT' })
		assert.deepEqual(uploadsLeft(made.node(1, '.cairn/uploads')), [])
		await put(fs, 'e', 'x', {}, OWNER)
		assert.deepEqual(await made.problems(), [])
	})
}

function full(fs: Filesystem, number: number): void {
	const node = fs.nodes.get(number) as Node
	node.operations.write = () => fail('ENOSPC')
}

/** Of the calls that are named, in their order: one is refused where it is to be answered with an error. */
function refuse(answers: string[][], call: string): void {
	if (answers[0]?.[0] !== call) return
	const [, answer] = answers.shift() as string[]
	if (answer !== 'done') fail(answer)
}
