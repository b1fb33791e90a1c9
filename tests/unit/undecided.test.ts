/** Changes of which nobody knows in time whether they were made. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import { create } from '../../core/filesystem/create.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { open } from '../../core/filesystem/open.ts'
import { release } from '../../core/filesystem/publish.ts'
import { settle } from '../../core/filesystem/settle.ts'
import { stopFilesystem } from '../../core/filesystem/start.ts'
import { CatalogueError, fail, Undecided } from '../../core/errors.ts'
import type { Maybe, Op } from '../../core/op.ts'
import { run } from '../../core/op.ts'
import { at, installation, now, OWNER, writeFile } from './installation.ts'

/** The transaction with that number from now on is made, and nobody is told in time. */
function loseAnswer(fs: Filesystem, number: number): void {
	const { transaction } = fs.catalogue
	let seen = 0
	fs.catalogue.transaction = <T>(body: (tx: never) => Op<T>): Maybe<T> => {
		if (++seen !== number) return transaction(body as never)
		let value: unknown
		const made = transaction(function* (tx) {
			value = yield* body(tx as never)
			return value as T
		})
		assert.ok(!(made instanceof Promise))
		fs.catalogue.transaction = transaction
		throw new Undecided('no answer', { outcome: Promise.resolve(true), transaction: {}, value })
	}
}

/** The next transaction is made when the result is called. */
function comeLate(fs: Filesystem): () => void {
	const { transaction } = fs.catalogue
	let deliver = () => {}
	fs.catalogue.transaction = (body) => {
		fs.catalogue.transaction = transaction
		const outcome = new Promise<boolean>((resolve) => {
			deliver = () => {
				transaction(body)
				resolve(true)
			}
		})
		throw new Undecided('no answer', { outcome, transaction: {}, value: undefined })
	}
	return () => deliver()
}

test('a file is made where its row is, whatever was heard of the way there', async (t) => {
	const { start, rows, node } = await installation(t, 3)
	const { fs } = await start()
	let refused = 0
	for (const { operations } of fs.nodes.values()) {
		const { create: make } = operations
		operations.create = (path, attributes) => (refused++ === 0 ? fail('EIO') : make(path, attributes))
	}
	// Numbers are reserved in a transaction of their own.
	now(fs.ids.next())
	loseAnswer(fs, 2)
	const made = await run(create(fs, at('f'), OWNER, true))
	assert.ok('open' in made)
	now(release(fs, made.open, true))
	const [copy, ...others] = rows('SELECT node_id, state FROM replica')
	assert.deepEqual([copy.state, others], [REPLICA.good, []])
	assert.ok(existsSync(node(copy.node_id, 'f')))
})

test('a pin of an open that failed goes, one of a file that is open stays', async (t) => {
	const { start, rows } = await installation(t)
	const { fs } = await start()
	const ids = ['left', 'used'].map((name) => writeFile(fs, name, name))
	loseAnswer(fs, 1)
	assert.throws(() => now(open(fs, ids[0], { write: true, truncate: false })), CatalogueError)
	const used = now(open(fs, ids[1], { write: true, truncate: false }))
	assert.deepEqual(rows('SELECT file_id FROM writer').map(({ file_id }) => file_id), ids)
	await run(settle(fs))
	now(release(fs, used, true))
	const last = now(open(fs, ids[1], { write: true, truncate: false }))
	assert.deepEqual(rows('SELECT file_id FROM writer').map(({ file_id }) => file_id), [last.id])
})

test('who parts while a pin of his cannot be settled stays known, and the next settles it', async (t) => {
	const { start, rows } = await installation(t)
	const { fs, kill } = await start()
	const id = writeFile(fs, 'left', 'left')
	const deliver = comeLate(fs)
	assert.throws(() => now(open(fs, id, { write: true, truncate: false })), CatalogueError)
	// That it goes is written down before it comes.
	flushLater(fs)
	deliver()
	const left = () => [rows('SELECT file_id FROM writer').length, rows('SELECT id FROM client WHERE id = ?', fs.client).length]
	for (const { operations } of fs.nodes.values()) operations.stat = () => fail('EIO')
	await stopFilesystem(fs)
	assert.deepEqual(left(), [1, 1])
	kill()
	await start()
	assert.deepEqual(left(), [0, 0])
})
