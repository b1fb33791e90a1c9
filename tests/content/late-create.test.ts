/** A create comes to its node late, or not at all, and others have done something with its name by then. On both engines. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { Errno } from '../../core/errors.ts'
import { refreshClients } from '../../core/filesystem/clients.ts'
import { create, makeDirectory } from '../../core/filesystem/create.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { link } from '../../core/filesystem/links.ts'
import { lookup } from '../../core/filesystem/lookup.ts'
import { open } from '../../core/filesystem/open.ts'
import type { OpenFile } from '../../core/filesystem/open-files.ts'
import { release } from '../../core/filesystem/publish.ts'
import { unlink } from '../../core/filesystem/remove.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { settle } from '../../core/filesystem/settle.ts'
import { removeLeft } from '../../core/filesystem/undo-create.ts'
import type { Node, NodeOperations } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { type Engine, engines, mariadb, sqlite } from '../catalogue/engines.ts'
import { at } from '../unit/installation.ts'
import { duringNext } from './meanwhile.ts'
import { get, openNew, OWNER, put, type Tree, tree, writeAndClose } from './tree.ts'

interface Two extends Tree {
	a: Filesystem
	b: Filesystem
	reports: string[]
}

/** Two processes that know of each other. */
async function two(t: TestContext, engine: Engine, options: { nodes?: number } = {}): Promise<Two> {
	const made = await tree(t, engine, options)
	const [a, b] = [await made.start(), await made.start()]
	for (const { fs } of [a, b]) await run(refreshClients(fs))
	return { ...made, a: a.fs, b: b.fs, reports: a.reports }
}

/** `answer` stands between when the node is first told to create `x`, or asked for it; it may do something before or after, or fail instead. */
function once(fs: Filesystem, method: 'create' | 'stat', answer: (go: () => unknown) => Promise<unknown>, name = 'x'): void {
	const { operations } = fs.nodes.get(1) as Node
	const real = operations[method] as (path: Buffer, ...rest: unknown[]) => unknown
	let isFirst = true
	const between = (path: Buffer, ...rest: unknown[]) => {
		if (!isFirst || !path.equals(Buffer.from(name))) return real(path, ...rest)
		isFirst = false
		return answer(() => real(path, ...rest))
	}
	Object.assign(operations, { [method]: between } as Partial<NodeOperations>)
}

/** In vain, and more often than what may just have been moved. */
function lookedForOften(fs: Filesystem): Promise<void> {
	const { operations } = fs.nodes.get(1) as Node
	const real = operations.open
	const { promise, resolve } = Promise.withResolvers<void>()
	let times = 0
	operations.open = (...asked) => {
		if (++times > 10) resolve()
		return real(...asked)
	}
	return promise
}

async function store(fs: Filesystem, name: string, text: string): Promise<void> {
	await put(fs, name, text)
	await flushLater(fs)
}

async function remove(fs: Filesystem, name: string): Promise<void> {
	await run(unlink(fs, at(name)))
	await flushLater(fs)
}

async function move(fs: Filesystem, from: string, to: string): Promise<void> {
	await run(rename(fs, at(from), at(to), 'replace'))
	await flushLater(fs)
}

const read = async (fs: Filesystem, name: string) => String(await get(fs, name))

for (const engine of engines) {
	for (const code of ['ENOTCONN', 'ETIMEDOUT']) {
		test(`${engine.name}: it fails with ${code}, and another has saved over the name: that stays`, async (t) => {
			const { a, b, node, problems } = await two(t, engine)
			once(a, 'create', async () => {
				await store(b, 'x', 'saved')
				throw new Errno(code)
			})
			await assert.rejects(openNew(a, 'x'), { code })
			await flushLater(a)
			await run(catchUp(b))
			assert.equal(readFileSync(node(1, 'x'), 'latin1'), 'saved')
			assert.equal(await read(b, 'x'), 'saved')
			assert.deepEqual(await problems(), [])
		})
	}

	test(`${engine.name}: it fails, and another has given the file another name: that goes too`, async (t) => {
		const { a, b, rows, problems } = await two(t, engine)
		once(a, 'create', async () => {
			await move(b, 'x', 'y')
			throw new Errno('ENOTCONN')
		})
		await assert.rejects(openNew(a, 'x'), { code: 'ENOTCONN' })
		assert.deepEqual([await rows('SELECT name FROM entry'), await rows('SELECT file_id FROM writer'), await problems()], [[], [], []])
	})

	test(`${engine.name}: its process is gone and it is looked for in vain, and another has saved over the name by then`, async (t) => {
		const made = await tree(t, engine)
		const [dead, b, settling] = [await made.start(), await made.start(), await made.start()]
		await openNew(dead.fs, 'x')
		rmSync(made.node(1, 'x'))
		await dead.kill()
		once(settling.fs, 'stat', async (go) => {
			assert.throws(go, { code: 'ENOENT' })
			await store(b.fs, 'x', 'saved')
			throw new Errno('ENOENT')
		})
		await run(settle(settling.fs))
		await flushLater(settling.fs)
		await run(catchUp(b.fs))
		assert.equal(existsSync(made.node(1, 'x')) && readFileSync(made.node(1, 'x'), 'latin1'), 'saved')
		assert.equal(await read(b.fs, 'x'), 'saved')
		assert.deepEqual(await made.problems(), [])
	})

	test(`${engine.name}: its process is gone, and it is given another name while it is looked for: it stays`, async (t) => {
		const made = await tree(t, engine)
		const [dead, b, settling] = [await made.start(), await made.start(), await made.start()]
		const file = await openNew(dead.fs, 'x')
		await file.node.operations.write(file.fd, Buffer.from('text'), 0)
		await dead.kill()
		once(settling.fs, 'stat', (go) => move(b.fs, 'x', 'y').then(go))
		await run(settle(settling.fs))
		await run(settle(settling.fs))
		await flushLater(settling.fs)
		await run(catchUp(b.fs))
		assert.equal(await read(b.fs, 'y'), 'text')
		assert.deepEqual([readdirSync(made.node(1)).sort(), await made.problems()], [['.cairn', 'y'], []])
	})

	test(`${engine.name}: the name is removed and given to another file: that is not taken for unknown`, async (t) => {
		const { a, b, node, reports, problems } = await two(t, engine)
		once(a, 'create', async (go) => {
			await remove(b, 'x')
			await writeAndClose(b, await openNew(b, 'x'), 'of another')
			return go()
		})
		const file = await openNew(a, 'x')
		assert.equal(file.orphan, true)
		await writeAndClose(a, file, 'for nobody')
		await run(catchUp(b))
		assert.equal(await read(b, 'x'), 'of another')
		assert.deepEqual([readdirSync(node(1)).sort(), readdirSync(node(1, '.cairn/conflicts')), readdirSync(node(1, '.cairn/incoming'))], [['.cairn', 'x'], [], []])
		assert.deepEqual([reports, await problems()], [[], []])
	})

	test(`${engine.name}: the file is given another name, and the name to another file`, async (t) => {
		const { a, b, node, reports, problems } = await two(t, engine)
		once(a, 'create', async (go) => {
			await move(b, 'x', 'y')
			await writeAndClose(b, await openNew(b, 'x'), 'of another')
			return go()
		})
		await writeAndClose(a, await openNew(a, 'x'), 'text')
		await run(catchUp(b))
		assert.deepEqual([await read(b, 'x'), await read(b, 'y')], ['of another', 'text'])
		assert.deepEqual([readdirSync(node(1)).sort(), reports, await problems()], [['.cairn', 'x', 'y'], [], []])
	})

	test(`${engine.name}: what stands at a name that is its own still is unknown, and kept`, async (t) => {
		const { a, node, reports, problems } = await two(t, engine)
		once(a, 'create', async (go) => {
			writeFileSync(node(1, 'x'), 'by hand')
			return go()
		})
		await writeAndClose(a, await openNew(a, 'x'), 'text')
		assert.equal(await read(a, 'x'), 'text')
		const kept = readdirSync(node(1, '.cairn/conflicts')).map((name) => readFileSync(node(1, `.cairn/conflicts/${name}`), 'latin1'))
		assert.deepEqual([kept, reports.length, await problems()], [['by hand'], 1, []])
	})

	for (const how of ['reads', 'writes'] as const) {
		test(`${engine.name}: another ${how} it before it comes: he waits for it`, async (t) => {
			const { a, b, problems } = await two(t, engine)
			let opening: Promise<OpenFile> | undefined
			once(a, 'create', async (go) => {
				const row = await run(lookup(b, at('x').parent, at('x').name))
				const often = lookedForOften(b)
				opening = (async () => run(open(b, row?.id as number, { write: how === 'writes', truncate: false })))()
				await Promise.race([often, opening])
				return go()
			})
			const file = await openNew(a, 'x')
			const other = await (opening as Promise<OpenFile>)
			await writeAndClose(a, file, 'text')
			assert.equal(await other.node.operations.read(other.fd, Buffer.alloc(10), 0), 4)
			await run(release(b, other, how === 'writes'))
			assert.deepEqual(await problems(), [])
		})
	}

	test(`${engine.name}: another opens it before it comes, and it goes to another node`, async (t) => {
		const { a, b, problems } = await two(t, engine, { nodes: 2 })
		let opening: Promise<Buffer> | undefined
		once(a, 'create', async () => {
			const often = lookedForOften(b)
			opening = get(b, 'x')
			await Promise.race([often, opening])
			throw new Errno('ENOTCONN')
		})
		const file = await openNew(a, 'x')
		assert.equal(file.node.row.name, 'node2')
		assert.equal(String(await (opening as Promise<Buffer>)), '')
		await writeAndClose(a, file, 'text')
		assert.deepEqual(await problems(), [])
	})

	test(`${engine.name}: the name is removed before it comes: it does not come back`, async (t) => {
		const { a, b, node, problems } = await two(t, engine)
		once(a, 'create', (go) => remove(b, 'x').then(go))
		const file = await openNew(a, 'x')
		await writeAndClose(a, file, 'for nobody')
		assert.deepEqual([readdirSync(node(1)), readdirSync(node(1, '.cairn/incoming')), await problems()], [['.cairn'], [], []])
	})

	test(`${engine.name}: the file is given another name before it comes: what is written is found there`, async (t) => {
		const { a, b, node, problems } = await two(t, engine)
		once(a, 'create', (go) => move(b, 'x', 'y').then(go))
		await writeAndClose(a, await openNew(a, 'x'), 'text')
		await run(catchUp(b))
		assert.equal(await read(b, 'y'), 'text')
		assert.deepEqual([readdirSync(node(1)).sort(), await problems()], [['.cairn', 'y'], []])
	})

	test(`${engine.name}: the file is given a second name before it comes: it has both`, async (t) => {
		const { a, b, node, problems } = await two(t, engine)
		once(a, 'create', async (go) => {
			const row = await run(lookup(b, at('x').parent, at('x').name))
			await run(link(b, row?.id as number, at('y')))
			await flushLater(b)
			return go()
		})
		await writeAndClose(a, await openNew(a, 'x'), 'text')
		assert.deepEqual(['x', 'y'].map((name) => readFileSync(node(1, name), 'latin1')), ['text', 'text'])
		assert.deepEqual(await problems(), [])
	})

	test(`${engine.name}: its directory is moved before it comes`, async (t) => {
		const { a, b, node, problems } = await two(t, engine)
		const { id } = await run(makeDirectory(a, at('d'), { ...OWNER, mode: 0o755 }))
		await run(catchUp(b))
		once(a, 'create', (go) => move(b, 'd', 'e').then(go), 'd/x')
		const made = await run(create(a, at('x', id), OWNER, true))
		assert.ok('open' in made)
		await writeAndClose(a, made.open, 'text')
		await run(catchUp(b))
		assert.equal(await read(b, 'e/x'), 'text')
		assert.deepEqual([readdirSync(node(1)).sort(), await problems()], [['.cairn', 'e'], []])
	})

	test(`${engine.name}: it comes to a directory that is being moved, and its name is removed there: it does not come back`, async (t) => {
		const { a, b, node, problems } = await two(t, engine)
		const { id } = await run(makeDirectory(a, at('d'), { ...OWNER, mode: 0o755 }))
		await writeAndClose(a, await openNew(a, 'other', id), 'stays')
		await run(catchUp(b))
		const inMoved = async () => {
			await move(b, 'd', 'e')
			await run(unlink(b, at('x', id)))
			await flushLater(b)
			// As by the descriptor of a directory that somebody moves.
			return openSync(node(1, 'e/x'), 'wx+')
		}
		once(a, 'create', inMoved, 'd/x')
		await writeAndClose(a, await openNew(a, 'x', id), 'for nobody')
		assert.deepEqual([readdirSync(node(1, 'e')), await problems()], [['other'], []])
	})

	test(`${engine.name}: its own process removes the name before it comes`, async (t) => {
		const made = await tree(t, engine)
		const { fs } = await made.start({ remote: true })
		await (fs.nodes.get(1) as Node).ready
		once(fs, 'create', (go) => remove(fs, 'x').then(go))
		await writeAndClose(fs, await openNew(fs, 'x'), 'for nobody')
		assert.deepEqual([readdirSync(made.node(1)), await made.problems()], [['.cairn'], []])
	})

	test(`${engine.name}: where nobody else can have changed anything the catalogue is not asked`, async (t) => {
		const { fs } = await (await tree(t, engine)).start()
		await openNew(fs, 'first')
		const asked: string[] = []
		const { all } = fs.catalogue
		fs.catalogue.all = (sql, params) => {
			asked.push(sql)
			return all(sql, params)
		}
		await openNew(fs, 'x')
		assert.deepEqual(asked, [])
	})
}

test('SQLite: another renames it between the commit and the next call, in one turn of its own', async (t) => {
	const { a, b, node, problems } = await two(t, sqlite)
	const { operations } = a.nodes.get(1) as Node
	const real = operations.create
	operations.create = (path, attributes) => {
		operations.create = real
		run(rename(b, at('x'), at('y'), 'replace'))
		return real(path, attributes)
	}
	await writeAndClose(a, await openNew(a, 'x'), 'text')
	await run(catchUp(b))
	assert.equal(await read(b, 'y'), 'text')
	assert.deepEqual([readdirSync(node(1)).sort(), await problems()], [['.cairn', 'y'], []])
})

test('MariaDB: another gives a path to a file while what came there late is found to be nobody\'s: that stays', async (t) => {
	const { a, b, node, problems } = await two(t, mariadb)
	mkdirSync(node(1, 'd'))
	writeFileSync(node(1, 'd/x'), 'late')
	const storing = duringNext(a, async () => {
		await run(makeDirectory(b, at('d'), { ...OWNER, mode: 0o755 }))
		await store(b, 'd/x', 'stored')
	})
	await run(removeLeft(a, a.nodes.get(1) as Node, 1_000, Buffer.from('d/x')))
	await storing
	assert.equal(await read(b, 'd/x'), 'stored')
	assert.deepEqual(await problems(), [])
})
