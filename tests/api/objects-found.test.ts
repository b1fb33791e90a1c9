/** What an id means while somebody else uploads to it: between two questions to the catalogue it does not mean nothing. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { findObject, findToWrite } from '../../api/objects/find.ts'
import type { Driver, Query } from '../../core/catalogue/driver.ts'
import { run } from '../../core/op.ts'
import { type Engine, engines } from '../catalogue/engines.ts'
import { put, tree } from '../content/tree.ts'

const KEY = 5
const FID = { volume: 1, key: KEY, cookie: 9, url: '' } as unknown as Parameters<typeof findObject>[1]
const RESERVED = 'INSERT INTO object_reservation (id, count, volume_id, cookie, expires) VALUES (?, 1, 1, 9, 4000000000)'
const UPLOADED = "INSERT INTO object (id, volume_id, cookie, file_id, version, crc, name, mime, headers) VALUES (?, 1, 9, ?, 1, 0, '', '', '{}')"

/** Two files, and a process whose questions are asked one by one: after the first of some kind something else happens, once. */
async function ground(t: TestContext, engine: Engine) {
	const { fs } = await (await tree(t, engine)).start()
	const [one, other] = [(await put(fs, 'one', '1')).row.id, (await put(fs, 'other', '2')).row.id]
	const plain: Driver = { ...fs.catalogue }
	const after = (asked: RegExp, happens: () => unknown) => {
		let isDue = true
		const ask = async (query: Query) => {
			const rows = await plain.all(...query)
			if (isDue && asked.test(query[0])) {
				isDue = false
				await happens()
			}
			return rows
		}
		Object.assign(fs.catalogue, {
			all: (sql: string, params: Query[1] = []) => ask([sql, params]),
			read: async (...queries: Query[]) => {
				const results = []
				for (const query of queries) results.push(await ask(query))
				return results
			},
		})
	}
	return { fs, one, other, plain, after }
}

for (const engine of engines) {
	for (const asked of [/FROM object o/, /FROM object_reservation/]) {
		test(`${engine.name}: a first upload that is done after ${asked.source}`, async (t) => {
			const { fs, one, plain, after } = await ground(t, engine)
			await plain.change(RESERVED, [KEY])
			after(asked, () =>
				plain.transaction(function* (tx) {
					tx.write(UPLOADED, [KEY, one])
					tx.write('DELETE FROM object_reservation WHERE id = ?', [KEY])
				}),
			)
			const { file, reservation } = await run(findToWrite(fs, FID))
			assert.ok(file ?? reservation)
		})
	}

	test(`${engine.name}: other content that takes the place of the first when that was found`, async (t) => {
		const { fs, one, other, plain, after } = await ground(t, engine)
		await plain.change(UPLOADED, [KEY, one])
		after(/FROM object o/, () =>
			plain.transaction(function* (tx) {
				tx.write('UPDATE object SET file_id = ? WHERE id = ?', [other, KEY])
				tx.write('DELETE FROM entry WHERE file_id = ?', [one])
			}),
		)
		assert.equal((await run(findObject(fs, FID)))?.row.id, other)
		await plain.change('DELETE FROM entry WHERE file_id = ?', [other])
		assert.equal(await run(findObject(fs, FID)), undefined)
	})
}
