/** Names fetched with those of the directory before: fewer questions, and never what was changed since. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Driver } from '../../core/catalogue/driver.ts'
import { setAttributes } from '../../core/filesystem/attributes.ts'
import { makeDirectory } from '../../core/filesystem/create.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { listNames } from '../../core/filesystem/list.ts'
import { createListAhead } from '../../core/filesystem/list-ahead.ts'
import { removeDirectory } from '../../core/filesystem/remove.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { ROOT_ID } from '../../core/ids.ts'
import { at, installation, now, OWNER, writeFile } from './installation.ts'

const DIRECTORIES = 40
const LIMIT = 100
const BEGINNING = Buffer.alloc(0)

/** Counts the listings the catalogue was asked for. */
function counting(count: { asked: number }) {
	return (driver: Driver): Driver => ({
		...driver,
		all(sql, params) {
			if (/ORDER BY (e\.)?(parent_id|name)/.test(sql)) count.asked++
			return driver.all(sql, params)
		},
	})
}

/** A tree d00/in ... d39/in and another client of its catalogue. */
async function tree(test_: TestContext) {
	const count = { asked: 0 }
	const place = await installation(test_)
	const { fs } = await place.start({ wrap: counting(count) })
	const { fs: other } = await place.start()
	const ids = Array.from({ length: DIRECTORIES }, (_, index) => now(makeDirectory(fs, at(`d${String(index).padStart(2, '0')}`), OWNER)).id)
	const inner = ids.map((id) => now(makeDirectory(fs, at('in', id), OWNER)).id)
	count.asked = 0
	return { fs, other, ids, inner, count }
}

const names = (fs: Filesystem, id: number) => now(listNames(fs, id, BEGINNING, LIMIT)).map(({ name }) => Buffer.from(name).toString())

/** Lists the root and the first directories, so that the next are at hand. */
function walkInto(fs: Filesystem, ids: readonly number[], directories = 3): void {
	names(fs, ROOT_ID)
	for (const id of ids.slice(0, directories)) names(fs, id)
}

test('a walk over many directories asks few questions, and sees what is there', async (test_) => {
	const { fs, ids, count } = await tree(test_)
	assert.equal(names(fs, ROOT_ID).length, DIRECTORIES)
	for (const id of ids) assert.deepEqual(names(fs, id), ['in'])
	assert.ok(count.asked <= 10, `${count.asked} questions`)
})

test('directories come with their attributes, other names without', async (test_) => {
	const { fs, ids, inner } = await tree(test_)
	writeFile(fs, 'file', 'text', ids[3])
	walkInto(fs, ids)
	const rows = now(listNames(fs, ids[3], BEGINNING, LIMIT))
	assert.deepEqual(rows.map((row) => [row.id === inner[3], row.kind, 'mode' in row]), [[false, 8, false], [true, 4, true]])
})

test('directories listed here and there are asked for one by one', async (test_) => {
	const { fs, ids, count } = await tree(test_)
	names(fs, ROOT_ID)
	count.asked = 0
	for (let index = 0; index < DIRECTORIES; index++) assert.deepEqual(names(fs, ids[(index * 7) % DIRECTORIES]), ['in'])
	assert.ok(count.asked > DIRECTORIES * 2 * 0.9, `${count.asked} questions`)
})

test('a directory that is too large to be fetched with others is listed all the same', async (test_) => {
	const { fs, ids } = await tree(test_)
	for (let index = 0; index < 120; index++) now(makeDirectory(fs, at(`x${String(index).padStart(3, '0')}`, ids[4]), OWNER))
	walkInto(fs, ids)
	assert.equal(names(fs, ids[3]).length, 1)
	assert.equal(names(fs, ids[4]).length, LIMIT)
	assert.equal(names(fs, ids[5]).length, 1)
})

for (const who of ['here', 'elsewhere'] as const) {
	test(`what is changed ${who} shows in a directory whose names are at hand`, async (test_) => {
		const { fs, other, ids, inner } = await tree(test_)
		const by = who === 'here' ? fs : other
		walkInto(fs, ids)
		now(makeDirectory(by, at('new', ids[3]), OWNER))
		assert.deepEqual(names(fs, ids[3]), ['in', 'new'])
		walkInto(fs, ids)
		now(removeDirectory(by, at('new', ids[3])))
		assert.deepEqual(names(fs, ids[3]), ['in'])
		walkInto(fs, ids)
		now(rename(by, at('in', ids[3]), at('moved', ids[4]), 'replace'))
		assert.deepEqual([names(fs, ids[3]), names(fs, ids[4])], [[], ['in', 'moved']])
		walkInto(fs, ids)
		now(setAttributes(by, inner[4], { mode: 0o700 }))
		const [row] = now(listNames(fs, ids[4], BEGINNING, LIMIT))
		assert.equal('mode' in row && row.mode, 0o700)
	})
}

test('the attributes of a directory are forgotten when its own names change', async (test_) => {
	const { fs, ids, inner } = await tree(test_)
	walkInto(fs, ids)
	now(makeDirectory(fs, at('deep', inner[3]), OWNER))
	const [row] = now(listNames(fs, ids[3], BEGINNING, LIMIT))
	assert.equal('nlink' in row && row.nlink, 3)
})

test('a directory that was listed is not asked for again until something changes', async (test_) => {
	const { fs, other, ids, count } = await tree(test_)
	const asksToList = (id: number) => {
		const before = count.asked
		names(fs, id)
		return count.asked - before
	}
	assert.ok(asksToList(ids[7]) > 0)
	assert.equal(asksToList(ids[7]), 0)
	now(makeDirectory(other, at('elsewhere', ids[8]), OWNER))
	assert.equal(asksToList(ids[7]), 0)
	now(makeDirectory(other, at('there', ids[7]), OWNER))
	assert.ok(asksToList(ids[7]) > 0)
})

test('rows that were on their way when something was forgotten are not kept', () => {
	const ahead = createListAhead()
	const asked = ahead.generation()
	ahead.forgetFile(7)
	ahead.keep(asked, 1, [])
	assert.equal(ahead.find(1), undefined)
	ahead.keep(ahead.generation(), 1, [])
	assert.deepEqual(ahead.find(1), [])
	ahead.forgetDirectory(1)
	assert.equal(ahead.find(1), undefined)
})

test('no more rows are kept than there is room for, the latest', () => {
	const ahead = createListAhead()
	const rows = Array.from({ length: 100 }, (_, index) => ({ id: 1_000 + index, kind: 8, name: Buffer.from(`${index}`) }))
	for (let directory = 1; directory <= 1_000; directory++) ahead.keep(ahead.generation(), directory, rows)
	const kept = Array.from({ length: 1_000 }, (_, index) => ahead.find(index + 1)).filter((found) => found !== undefined)
	assert.ok(kept.length > 100 && kept.length < 200, `${kept.length} directories`)
	assert.ok(ahead.find(1_000))
})
