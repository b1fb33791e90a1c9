/** A directory is moved in the moment in which something above or below it is decided. On MariaDB, where others write at the same time. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Driver, Transaction } from '../../core/catalogue/driver.ts'
import { setAttributes } from '../../core/filesystem/attributes.ts'
import { refreshClients } from '../../core/filesystem/clients.ts'
import { create, makeDirectory, makeSymlink } from '../../core/filesystem/create.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { link } from '../../core/filesystem/links.ts'
import { release } from '../../core/filesystem/publish.ts'
import { unlink } from '../../core/filesystem/remove.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { settle } from '../../core/filesystem/settle.ts'
import { changeXattrs } from '../../core/filesystem/xattrs.ts'
import type { FileId } from '../../core/ids.ts'
import { type Op, run, wait } from '../../core/op.ts'
import { mariadb } from '../catalogue/engines.ts'
import { startMariadb } from '../support/mariadb.ts'
import { at } from '../unit/installation.ts'
import { get, OWNER, put, tree } from './tree.ts'

const DIRECTORY = { ...OWNER, mode: 0o755 }
/** The server answers from what it saw last where it was asked less than 100 ms ago, again and again. */
const LOOK_EVERY_MS = 150

interface Stop {
	/** It stands there. */
	reached: Promise<void>
	goOn(): void
}

/** What this process does next in a transaction stands still: after its first question, before its commit, or after it, when nobody knows of it yet. */
function stops({ catalogue }: Filesystem, where: 'asked' | 'decided' | 'committed'): Stop {
	const [reached, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
	const stand = async <T>(answer: T): Promise<T> => {
		reached.resolve()
		await gate.promise
		return answer
	}
	const { transaction, together } = catalogue
	const once = (real: Driver['together']): Driver['together'] => async (body) => {
		Object.assign(catalogue, { transaction, together })
		if (where === 'asked') return real((tx) => body(afterFirst(tx, stand)))
		if (where === 'committed') return stand(await real(body))
		return real(function* (tx) {
			return yield* wait(stand(yield* body(tx)))
		})
	}
	Object.assign(catalogue, { transaction: once(transaction as Driver['together']), together: once(together) })
	return { reached: reached.promise, goOn: () => gate.resolve() }
}

function afterFirst(tx: Transaction, stand: <T>(answer: T) => Promise<T>): Transaction {
	let isFirst = true
	return {
		...tx,
		async read(...queries) {
			const rows = await tx.read(...queries)
			if (!isFirst) return rows
			isFirst = false
			return stand(rows)
		},
	}
}

/** It is over, or has to wait for another transaction. */
async function overOrWaiting(what: Promise<unknown>): Promise<'over' | 'waiting'> {
	const server = await startMariadb()
	let isOver = false
	const over = () => {
		isOver = true
	}
	what.then(over, over)
	for (;;) {
		if (isOver) return 'over'
		const waiting = (await server.query("SELECT 1 FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'")) as unknown[]
		if (waiting.length > 0) return 'waiting'
		await pause(LOOK_EVERY_MS)
	}
}

async function begin(op: () => Op<unknown>): Promise<unknown> {
	return run(op())
}

async function ends(processes: readonly Filesystem[]): Promise<void> {
	for (const fs of processes) await flushLater(fs)
	for (const fs of processes) await run(settle(fs))
	for (const fs of processes) await flushLater(fs)
	for (const fs of processes) await run(catchUp(fs))
}

interface Below {
	fs: Filesystem
	/** Two levels below what is moved, with a file `f` in it. */
	directory: FileId
	file: FileId
	path: string
}

const deeds: Record<string, (below: Below) => Promise<unknown>> = {
	unlink: ({ fs, directory }) => begin(() => unlink(fs, at('f', directory))),
	rename: ({ fs, directory }) => begin(() => rename(fs, at('f', directory), at('g', directory), 'replace')),
	link: ({ fs, directory, file }) => begin(() => link(fs, file, at('g', directory))),
	symlink: ({ fs, directory }) => begin(() => makeSymlink(fs, at('g', directory), Buffer.from('f'), { uid: 0, gid: 0 })),
	upload: ({ fs, path }) => put(fs, `${path}/g`, 'uploaded'),
	replace: ({ fs, path }) => put(fs, `${path}/f`, 'uploaded'),
	attributes: ({ fs, file }) => begin(() => setAttributes(fs, file, { mode: 0o600 })),
	xattrs: ({ fs, file }) => begin(() => changeXattrs(fs, file, [{ name: Buffer.from('user.a'), value: Buffer.from('b') }])),
}

async function two(t: Parameters<typeof tree>[0], isShared: boolean) {
	const made = await tree(t, mariadb)
	const { fs } = await made.start()
	const other = isShared ? (await made.start()).fs : fs
	const processes = [...new Set([fs, other])]
	for (const each of processes) await run(refreshClients(each))

	async function below(name: string): Promise<Below> {
		const { id: above } = await run(makeDirectory(other, at(name), DIRECTORY))
		const { id: directory } = await run(makeDirectory(other, at('s', above), DIRECTORY))
		const path = `${name}/s`
		const { row } = await put(fs, `${path}/f`, 'content')
		await ends(processes)
		await run(fs.directories.path(fs.catalogue, directory))
		return { fs, directory, file: row.id, path }
	}

	return { ...made, fs, other, processes, below }
}

const moveIt = (fs: Filesystem, name: string) => begin(() => rename(fs, at(name), at(`${name}-moved`), 'replace'))

for (const isShared of [false, true]) {
	const by = isShared ? 'another' : 'the process itself'

	test(`what is decided below it, moved by ${by}, goes to where it is`, async (t) => {
		const { fs, other, processes, below, problems, rows } = await two(t, isShared)
		for (const [name, deed] of Object.entries(deeds)) {
			const place = await below(name)
			const stop = stops(fs, 'asked')
			const doing = deed(place)
			await stop.reached
			const moving = moveIt(other, name)
			const moved = await overOrWaiting(moving)
			stop.goOn()
			await Promise.all([doing, moving])
			await ends(processes)
			assert.deepEqual([name, moved, await problems()], [name, 'waiting', []])
		}
		assert.deepEqual(await rows('SELECT op, path FROM intent'), [])
		assert.equal(String(await get(other, 'replace-moved/s/f')), 'uploaded')
	})

	test(`what is decided below it when ${by} has moved it, and nobody has heard of that`, async (t) => {
		const { other, processes, below, problems, rows } = await two(t, isShared)
		for (const [name, deed] of Object.entries(deeds)) {
			// By paths they find out that it is gone.
			if (name === 'upload' || name === 'replace') continue
			const place = await below(name)
			const stop = stops(other, 'committed')
			const moving = moveIt(other, name)
			await stop.reached
			await deed(place)
			stop.goOn()
			await moving
			await ends(processes)
			assert.deepEqual([name, await problems()], [name, []])
		}
		assert.deepEqual(await rows('SELECT op, path FROM intent'), [])
	})

	for (const deep of [1, 2]) {
		test(`into each other, ${deep} deep, both by ${isShared ? 'one of two processes' : 'one process'}: one of them is refused`, async (t) => {
			const { fs, other, processes, problems, rows } = await two(t, isShared)
			const make = async (name: string, parent?: number) => (await run(makeDirectory(fs, at(name, parent), DIRECTORY))).id
			const [p, q] = [await make('p'), await make('q')]
			const [a, b] = [await make('a', p), await make('b', q)]
			const [belowA, belowB] = deep === 1 ? [a, b] : [await make('d', a), await make('c', b)]
			for (const path of ['p/a/x', 'q/b/y']) await put(fs, path, path)
			await ends(processes)
			for (const each of processes) for (const id of [belowA, belowB]) await run(each.directories.path(each.catalogue, id))
			const stop = stops(fs, 'decided')
			const one = begin(() => rename(fs, at('a', p), at('a', belowB), 'replace'))
			await stop.reached
			const second = begin(() => rename(other, at('b', q), at('b', belowA), 'replace'))
			await overOrWaiting(second)
			stop.goOn()
			const results = await Promise.allSettled([one, second])
			const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []))
			assert.deepEqual(refused, ['EINVAL'])
			await ends(processes)
			assert.equal((await rows('SELECT name FROM entry WHERE parent_id IN (?, ?)', p, q)).length, 1)
			assert.deepEqual(await problems(), [])
		})
	}
}

test('a new file in a directory that was changed here a moment ago, and whose place is another', async (t) => {
	const { fs, other, processes, below, node, problems } = await two(t, true)
	const { directory } = await below('d')
	await run(makeSymlink(fs, at('y', directory), Buffer.from('f'), { uid: 0, gid: 0 }))
	await flushLater(fs)
	await moveIt(other, 'd')
	await ends([other])
	assert.ok(fs.touched.get(directory))
	const made = await run(create(fs, at('x', directory), OWNER, true))
	assert.ok('open' in made)
	await run(release(fs, made.open, true))
	await ends(processes)
	assert.deepEqual([readdirSync(node(1)).sort(), readdirSync(node(1, 'd-moved/s')).sort(), await problems()], [['.cairn', 'd-moved'], ['f', 'x', 'y'], []])
})

test('a directory that comes to a name which led to a file when its move began', async (t) => {
	const { fs, other, processes, below, problems, rows } = await two(t, true)
	await below('d')
	await put(fs, 'file', 'content')
	await ends(processes)
	const stop = stops(other, 'asked')
	const exchanging = begin(() => rename(other, at('file'), at('d'), 'exchange'))
	await stop.reached
	const moving = begin(() => rename(fs, at('file'), at('moved'), 'replace'))
	const moved = await overOrWaiting(moving)
	stop.goOn()
	await Promise.all([exchanging, moving])
	await ends(processes)
	assert.deepEqual([moved, await problems(), await rows('SELECT op FROM intent')], ['waiting', [], []])
	assert.equal(String(await get(other, 'moved/s/f')), 'content')
	assert.equal(String(await get(other, 'd')), 'content')
	assert.equal((await rows('SELECT number FROM moves'))[0].number, 2)
})

test('names are given, moved and taken while others are: nobody waits but who moves a directory', async (t) => {
	const { fs, other, processes, below, problems } = await two(t, true)
	const [first, second] = [await below('one'), await below('two')]
	const stop = stops(fs, 'asked')
	const doing = begin(() => unlink(fs, at('f', first.directory)))
	await stop.reached
	for (const name of ['symlink', 'link', 'attributes', 'xattrs']) {
		const deed = deeds[name]({ ...second, fs: other })
		assert.deepEqual([name, await overOrWaiting(deed)], [name, 'over'])
		await deed
		if (name !== 'attributes' && name !== 'xattrs') await run(unlink(other, at('g', second.directory)))
	}
	await run(rename(other, at('f', second.directory), at('g', second.directory), 'replace'))
	await put(other, 'two/s/new', 'content')
	stop.goOn()
	await doing
	await ends(processes)
	assert.deepEqual(await problems(), [])
})
