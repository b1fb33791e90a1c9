/** New names that come in one turn of the event loop share a transaction and its statements; nothing of that is to be seen. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { fail } from '../../core/errors.ts'
import { makeDirectory } from '../../core/filesystem/create.ts'
import { removeDirectory } from '../../core/filesystem/remove.ts'
import { store } from '../../core/filesystem/store.ts'
import { run } from '../../core/op.ts'
import { engines } from '../catalogue/engines.ts'
import { at } from '../unit/installation.ts'
import { get, intakeOf, parts, put, tree } from './tree.ts'

const MANY = 70
const directory = { mode: 0o755, uid: 0, gid: 0 }
const FREE = { isFree: true }

for (const engine of engines) {
	test(`${engine.name}: each has its rows, its copies and its content`, async (t) => {
		const made = await tree(t, engine, { nodes: 2, copies: 2 })
		const { fs } = await made.start()
		await run(makeDirectory(fs, at('d'), directory))
		await run(makeDirectory(fs, at('e'), { ...directory, mode: 0o2755, gid: 7 }))
		const names = Array.from({ length: MANY }, (_, index) => `${index % 3 === 0 ? 'e' : 'd'}/f${index}`)
		const stored = await Promise.all(names.map((name) => put(fs, name, `content of ${name}`, FREE)))
		assert.equal(new Set(stored.map(({ row }) => row.id)).size, MANY)
		for (const name of names) assert.equal((await get(fs, name)).toString(), `content of ${name}`)
		assert.ok(stored.every(({ row }, index) => row.gid === (index % 3 === 0 ? 7 : 0)), 'the group of the directory, where it gives its own')
		assert.deepEqual(await made.rows('SELECT state, COUNT(*) AS many FROM replica GROUP BY state ORDER BY state'), [{ state: 1, many: MANY }, { state: 2, many: MANY }])
		assert.deepEqual(await made.rows("SELECT COUNT(*) AS many FROM `change` WHERE op = 'create'"), [{ many: MANY }])
		const newest = (kind: number) => made.rows('SELECT ctime, ctime_ns FROM file WHERE kind = ? ORDER BY ctime DESC, ctime_ns DESC', kind)
		const [[changed], came] = [await newest(4), await newest(8)]
		// Across a socket the names that came last may be entered before others: a directory was changed when one of them came.
		const possible = engine.name === 'MariaDB' ? came : came.slice(0, 1)
		assert.ok(possible.some((time) => isDeepStrictEqual(time, changed)), 'a directory was changed when the last came')
		assert.deepEqual(await made.problems(), [])
	})

	test(`${engine.name}: one that may not be, or for which there is no place, fails alone`, async (t) => {
		const made = await tree(t, engine)
		const { fs } = await made.start()
		for (const name of ['d', 'gone']) await run(makeDirectory(fs, at(name), directory))
		await put(fs, 'd/there', 'before')
		const refused = { ...FREE, *check() { fail('ECANCELED') } }
		// Its directory was there when it was looked up.
		const removed = await intakeOf(fs, 'gone/x')
		await run(removeDirectory(fs, at('gone')))
		const ended = await Promise.allSettled([
			put(fs, 'd/a', 'a', FREE),
			put(fs, 'd/refused', 'x', refused),
			put(fs, 'd/there', 'after', FREE),
			put(fs, 'd/only', 'first', { ...FREE, exclusive: true }),
			put(fs, 'd/only', 'second', { ...FREE, exclusive: true }),
			put(fs, 'd/twice', 'one', FREE),
			put(fs, 'd/twice', 'two', FREE),
			store(fs, removed, parts(Buffer.from('x')), FREE),
			put(fs, 'd/z', 'z', FREE),
		])
		const codes = ended.map((each) => (each.status === 'rejected' ? each.reason.code : 'stored'))
		// Of two who want one name, either may be first.
		assert.deepEqual(codes.splice(3, 2).sort(), ['EEXIST', 'stored'])
		assert.deepEqual(codes, ['stored', 'ECANCELED', 'stored', 'stored', 'stored', 'ENOENT', 'stored'])
		assert.equal((await get(fs, 'd/there')).toString(), 'after')
		assert.match((await get(fs, 'd/only')).toString(), /^(first|second)$/)
		assert.match((await get(fs, 'd/twice')).toString(), /^(one|two)$/)
		assert.deepEqual(readdirSync(made.node(1, 'd')).sort(), ['a', 'only', 'there', 'twice', 'z'])
		assert.deepEqual(await made.problems(), [])
	})
}
