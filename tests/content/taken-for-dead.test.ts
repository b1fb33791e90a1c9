/** A client that others take for dead, and that lives: what is its own stays, and what others did meanwhile too. On both engines. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { beat } from '../../core/filesystem/clients.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { open } from '../../core/filesystem/open.ts'
import type { OpenFile } from '../../core/filesystem/open-files.ts'
import { publishAtClose, release } from '../../core/filesystem/publish.ts'
import { settle } from '../../core/filesystem/settle.ts'
import type { Node } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { type Engine, engines } from '../catalogue/engines.ts'
import { makeCopies } from '../replicator/copying.ts'
import { get, put, type Tree, tree } from './tree.ts'

const WRITE = { write: true, truncate: false }

/** On another machine, and silent for longer than half a minute. */
const SILENT = "UPDATE client SET host = 'elsewhere', started = 'another boot', heartbeat = heartbeat - 100 WHERE id = ?"

async function pinsOf(made: Tree, id: number): Promise<number[]> {
	return (await made.rows('SELECT client_id FROM writer WHERE file_id = ?', id)).map((row) => Number(row.client_id))
}

async function append(file: OpenFile, text: string): Promise<void> {
	await file.node.operations.write(file.fd, Buffer.from(text), -1)
}

async function close(fs: Filesystem, file: OpenFile): Promise<void> {
	try {
		await run(publishAtClose(fs, file))
	} finally {
		await run(release(fs, file, true))
		await flushLater(fs)
	}
}

/** What is kept aside on a node. */
function keptOn(made: Tree, node: number): string[] {
	const folder = made.node(node, '.cairn/conflicts')
	return existsSync(folder) ? readdirSync(folder).map((name) => readFileSync(`${folder}/${name}`, 'latin1')) : []
}

/** A file with two copies, open for writing in a process that stands still, until others have settled it. */
async function settledWhileOpen(t: TestContext, engine: Engine, { unpublished = '' } = {}) {
	const made = await tree(t, engine, { nodes: 2, copies: 2 })
	const [sleeper, settler] = [await made.start(), await made.start()]
	const [a, b] = [sleeper.fs, settler.fs]
	const { row: { id } } = await put(a, 'x', '1')
	await flushLater(a)
	for (const node of [1, 2]) await makeCopies(a, node)
	const file = await run(open(a, id, WRITE))
	const mine = file.node.id
	if (unpublished) await append(file, unpublished)
	await b.catalogue.change(SILENT, [a.client])
	await run(settle(b))
	await run(catchUp(b))
	assert.deepEqual(await pinsOf(made, id), [])

	/** It has the other copy nearer. */
	async function writesElsewhere(): Promise<void> {
		const { health } = b.nodes.get(mine) as Node
		health.up = false
		const other = await run(open(b, id, WRITE))
		assert.notEqual(other.node.id, mine)
		await append(other, 'B')
		await close(b, other)
		health.up = true
	}

	return { made, a, b, id, file, mine, reports: sleeper.reports, writesElsewhere }
}

/** Two processes, of which one was silent while the other looked. */
async function ground(t: TestContext, engine: Engine) {
	const made = await tree(t, engine)
	const [sleeper, settler] = [await made.start(), await made.start()]
	const { row: { id } } = await put(sleeper.fs, 'x', 'old')
	await flushLater(sleeper.fs)
	const fallSilent = () => settler.fs.catalogue.change(SILENT, [sleeper.fs.client])
	return { made, a: sleeper.fs, b: settler.fs, reports: settler.reports, id, fallSilent }
}

for (const engine of engines) {
	test(`${engine.name}: it shows a heartbeat after it was found silent, and is left alone`, async (t) => {
		const { made, a, b, reports, id, fallSilent } = await ground(t, engine)
		await fallSilent()
		const real = b.catalogue.transaction.bind(b.catalogue)
		let file: OpenFile | undefined
		Object.assign(b.catalogue, {
			transaction(body: never) {
				Object.assign(b.catalogue, { transaction: real })
				return (async () => {
					await run(beat(a))
					file = await run(open(a, id, WRITE))
					return real(body)
				})()
			},
		})
		await run(settle(b))
		await flushLater(b)
		assert.ok(file)
		assert.deepEqual([a.returns, await pinsOf(made, id), reports], [0, [a.client], []])
		await run(release(a, file, true))
	})

	test(`${engine.name}: it shows a heartbeat while its files are looked at, and keeps its pins`, async (t) => {
		const { made, a, b, reports, id, fallSilent } = await ground(t, engine)
		const file = await run(open(a, id, WRITE))
		await fallSilent()
		const { operations } = b.nodes.get(1) as Node
		const real = operations.stat
		Object.assign(operations, {
			async stat(path: Buffer) {
				Object.assign(operations, { stat: real })
				await run(beat(a))
				return real(path)
			},
		})
		await run(settle(b))
		await flushLater(b)
		assert.deepEqual([a.returns, await pinsOf(made, id), reports], [1, [a.client], []])
		await run(settle(b))
		assert.deepEqual(reports, [])
		await run(release(a, file, true))
		await flushLater(a)
		assert.deepEqual([await pinsOf(made, id), await made.problems()], [[], []])
	})

	test(`${engine.name}: who was settling it ends in the middle, and the next goes on`, async (t) => {
		const { made, a, b, reports, id, fallSilent } = await ground(t, engine)
		await run(open(a, id, WRITE))
		await fallSilent()
		const { operations } = b.nodes.get(1) as Node
		const real = operations.stat
		Object.assign(operations, {
			stat() {
				throw new TypeError('the end')
			},
		})
		await run(settle(b))
		assert.deepEqual(await pinsOf(made, id), [a.client])
		Object.assign(operations, { stat: real })
		await run(settle(b))
		assert.deepEqual([await pinsOf(made, id), await made.rows('SELECT id FROM client WHERE id = ?', a.client)], [[], []])
		assert.match(reports.join(), /settled client/)
	})

	for (const when of ['before', 'after'] as const) {
		for (const isCopied of [false, true]) {
			test(`${engine.name}: what another closed on another node${isCopied ? ', and was copied,' : ''} stays, and what it writes ${when} its next heartbeat is kept`, async (t) => {
				const { made, a, b, id, file, mine, writesElsewhere } = await settledWhileOpen(t, engine)
				await writesElsewhere()
				if (isCopied) await makeCopies(b, mine)
				if (when === 'after') await run(beat(a))
				await append(file, 'A')
				await assert.rejects(close(a, file), { code: 'EIO' })
				for (const node of [1, 2]) await makeCopies(b, node)
				assert.deepEqual([1, 2].map((node) => readFileSync(made.node(node, 'x'), 'latin1')), ['1B', '1B'])
				assert.deepEqual(keptOn(made, mine), ['1A'])
				const kept = await made.rows('SELECT file_id, reason FROM conflict')
				assert.deepEqual(kept.map((row) => [Number(row.file_id), row.reason]), [[id, 'differs']])
				assert.deepEqual([await pinsOf(made, id), a.open.size, await made.problems()], [[], 0, []])
			})
		}
	}

	test(`${engine.name}: what another closed is what it finds when it opens the file anew, and it is written where that is`, async (t) => {
		const { made, a, id, file, mine, writesElsewhere } = await settledWhileOpen(t, engine)
		await writesElsewhere()
		await run(beat(a))
		await append(file, 'A')
		await assert.rejects(async () => run(publishAtClose(a, file)), { code: 'EIO' })
		assert.equal(String(await get(a, 'x')), '1B')
		const anew = await run(open(a, id, WRITE))
		assert.notEqual(anew, file)
		await append(anew, 'C')
		await run(release(a, file, true))
		await flushLater(a)
		assert.deepEqual(await pinsOf(made, id), [a.client])
		await close(a, anew)
		assert.equal(String(await get(a, 'x')), '1BC')
		assert.deepEqual([keptOn(made, mine), await made.problems()], [['1A'], []])
	})

	test(`${engine.name}: nothing is kept of what it had open and did not write to`, async (t) => {
		const { made, a, file, mine, writesElsewhere } = await settledWhileOpen(t, engine)
		await writesElsewhere()
		await run(beat(a))
		await close(a, file)
		assert.deepEqual([keptOn(made, mine), await made.rows('SELECT id FROM conflict')], [[], []])
		assert.deepEqual(await made.problems(), [])
	})

	test(`${engine.name}: it goes on with what nobody else has changed, also where that was published for it`, async (t) => {
		const { made, a, b, id, file, mine, reports } = await settledWhileOpen(t, engine, { unpublished: '2' })
		assert.equal(String(await get(b, 'x')), '12')
		await append(file, '3')
		await run(publishAtClose(a, file))
		assert.deepEqual(await pinsOf(made, id), [a.client])
		await append(file, '4')
		await close(a, file)
		await run(catchUp(b))
		assert.equal(String(await get(b, 'x')), '1234')
		assert.deepEqual([keptOn(made, mine), reports, await pinsOf(made, id), await made.problems()], [[], [], [], []])
	})

	test(`${engine.name}: another copy of the same content has taken the place of the one it has open`, async (t) => {
		const { made, a, id, file, mine } = await settledWhileOpen(t, engine)
		writeFileSync(made.node(mine, 'new'), '1')
		renameSync(made.node(mine, 'new'), made.node(mine, 'x'))
		await append(file, 'A')
		await assert.rejects(close(a, file), { code: 'EIO' })
		assert.deepEqual([readFileSync(made.node(mine, 'x'), 'latin1'), keptOn(made, mine), await pinsOf(made, id)], ['1', ['1A'], []])
	})
}
