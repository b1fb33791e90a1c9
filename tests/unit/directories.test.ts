/** Paths put together from what is remembered, and what renaming a directory costs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Driver } from '../../core/catalogue/driver.ts'
import { makeDirectory } from '../../core/filesystem/create.ts'
import { createDirectories, joinPath } from '../../core/filesystem/directories.ts'
import { list } from '../../core/filesystem/list.ts'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { ROOT_ID } from '../../core/ids.ts'
import { at, installation, now, writeFile } from './installation.ts'

const DIRECTORY = { mode: 0o755, uid: 0, gid: 0 }

test('a path is joined with single slashes, bytes as they are', () => {
	assert.deepEqual(joinPath(Buffer.alloc(0), Buffer.from('a')), Buffer.from('a'))
	assert.deepEqual(joinPath(Buffer.from('a/b'), Buffer.from('c')), Buffer.from('a/b/c'))
	assert.deepEqual(joinPath(Buffer.from([0xff]), Buffer.from([0xfe])), Buffer.from([0xff, 0x2f, 0xfe]))
})

test('directories come by in a listing, again and again', async (t) => {
	const { start } = await installation(t)
	const { fs } = await start()
	const { id } = now(makeDirectory(fs, at('a'), DIRECTORY))
	const below = now(makeDirectory(fs, at('b', id), DIRECTORY)).id
	fs.directories.forget()
	for (let time = 0; time < 2; time++) {
		now(list(fs, ROOT_ID, Buffer.alloc(0), 10))
		assert.deepEqual(now(fs.directories.path(fs.catalogue, id)), Buffer.from('a'))
	}
	assert.deepEqual(now(fs.directories.path(fs.catalogue, below)), Buffer.from('a/b'))
})

test('the way up is asked for once, and again after it was forgotten', async (t) => {
	const { start, rows } = await installation(t)
	const { fs, catalogue } = await start()
	let parent: number = ROOT_ID
	for (const name of ['a', 'b', 'c']) parent = now(makeDirectory(fs, at(name, parent), DIRECTORY)).id
	const directories = createDirectories()
	let questions = 0
	const asked = counting(catalogue, () => questions++)
	const [{ file_id: a }] = rows('SELECT file_id FROM entry WHERE parent_id = ?', ROOT_ID)
	assert.equal(`${now(directories.path(asked, parent))}`, 'a/b/c')
	assert.equal(`${now(directories.path(asked, a))}`, 'a')
	assert.equal(now(directories.ancestors(asked, parent)).at(-1), ROOT_ID)
	assert.equal(now(directories.ancestors(asked, parent)).length, 4)
	assert.equal(questions, 1)
	directories.forgetOne(parent)
	now(directories.path(asked, parent))
	directories.forget()
	now(directories.path(asked, parent))
	assert.equal(questions, 3)
	assert.equal(now(directories.path(asked, ROOT_ID)).length, 0)
	assert.throws(() => now(directories.path(asked, 999_999)), { code: 'ENOENT' })
})

test('what was learned needs no question; below what is not known nothing is learned', async (t) => {
	const { start } = await installation(t)
	const { catalogue } = await start()
	const silent = { ...catalogue, all: () => assert.fail('asked') } as unknown as Driver
	const directories = createDirectories()
	directories.learn(directories.generation(), 20, ROOT_ID, Buffer.from('a'))
	directories.learn(directories.generation(), 21, 20, Buffer.from('b'))
	directories.learn(directories.generation(), 31, 30, Buffer.from('x'))
	assert.equal(`${now(directories.path(silent, 21))}`, 'a/b')
	assert.throws(() => now(directories.path(catalogue, 31)), { code: 'ENOENT' })
})

test('a directory that another client renamed has its new path here', async (t) => {
	const { start } = await installation(t)
	const one = await start()
	const other = await start()
	const above = now(makeDirectory(one.fs, at('a'), DIRECTORY))
	const below = now(makeDirectory(one.fs, at('b', above.id), DIRECTORY))
	assert.equal(`${now(other.fs.directories.path(other.catalogue, below.id))}`, 'a/b')
	now(rename(one.fs, at('a'), at('z'), 'replace'))
	now(catchUp(other.fs))
	assert.equal(`${now(other.fs.directories.path(other.catalogue, below.id))}`, 'z/b')
	assert.equal(`${now(one.fs.directories.path(one.catalogue, below.id))}`, 'z/b')
})

/** Every statement that reaches the catalogue. */
function counting(driver: Driver, count: () => void): Driver {
	const counted = <A extends unknown[], R>(call: (...args: A) => R) => (...args: A) => {
		count()
		return call(...args)
	}
	return {
		...driver,
		all: counted(driver.all) as Driver['all'],
		get: counted(driver.get) as Driver['get'],
		change: counted(driver.change),
		read: (...queries) => {
			for (const _ of queries) count()
			return driver.read(...queries)
		},
		transaction: (body) =>
			driver.transaction((tx) =>
				body({
					commit: tx.commit,
					all: counted(tx.all) as typeof tx.all,
					get: counted(tx.get) as typeof tx.get,
					write: counted(tx.write),
					decide: counted(tx.decide),
					along: tx.along,
					read: (...queries) => {
						for (const _ of queries) count()
						return tx.read(...queries)
					},
				}),
			),
	}
}

test('renaming a directory is the same work whatever is below it', async (t) => {
	const work: number[] = []
	for (const files of [10, 2_000]) {
		let statements = 0
		const { start, rows } = await installation(t)
		const { fs } = await start({ wrap: (driver) => counting(driver, () => statements++) })
		const directory = now(makeDirectory(fs, at('d'), DIRECTORY))
		const sub = now(makeDirectory(fs, at('sub', directory.id), DIRECTORY))
		for (let number = 0; number < files; number++) writeFile(fs, `f${number}`, '', number % 2 ? sub.id : directory.id)
		flushLater(fs)
		statements = 0
		now(rename(fs, at('d'), at('e'), 'replace'))
		flushLater(fs)
		work.push(statements)
		assert.equal(rows('SELECT * FROM intent').length, 0)
	}
	assert.equal(work[0], work[1])
	assert.ok(work[0] < 25, `${work[0]} statements`)
})
