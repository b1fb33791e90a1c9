/** A page of a listing costs what is in the page, however large its directory. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Query } from '../../core/catalogue/driver.ts'
import * as entries from '../../core/catalogue/entries.ts'
import * as files from '../../core/catalogue/files.ts'
import { KIND } from '../../core/catalogue/files.ts'
import { newRow } from '../../core/filesystem/create.ts'
import { engines, ready } from './engines.ts'

const PARENT = 1
const LIMIT = 3
/** The last of them is behind the page. */
const NAMES = ['a', 'b/', 'c', 'd', 'e/']
const BEGINNING = Buffer.alloc(0)

for (const engine of engines) {
	test(`${engine.name}: directories are looked for in the page, not behind it`, async (t) => {
		const { driver } = await ready(t, engine)
		const owner = { mode: 0o644, uid: 0, gid: 0 }
		await driver.transaction(function* (tx) {
			const parent = newRow(PARENT, KIND.directory, owner, { mode: 0o755 } as files.FileRow, 0, { s: 1, ns: 0 })
			for (const [index, name] of NAMES.entries()) {
				const id = 100 + index
				files.insert(tx, newRow(id, name.endsWith('/') ? KIND.directory : KIND.regular, owner, parent, 0, { s: 1, ns: 0 }), {})
				entries.insert(tx, PARENT, Buffer.from(name.replace('/', '')), id)
			}
		})
		const shown = async (query: Query) => (await driver.all<entries.NamedRow>(...query)).map(({ name }) => Buffer.from(name).toString())
		assert.deepEqual(await shown(entries.listDirectoriesQuery(PARENT, BEGINNING, LIMIT)), ['b'])
		assert.deepEqual(await shown(entries.listDirectoriesQuery(PARENT, Buffer.from('c'), LIMIT)), ['e'])
		assert.deepEqual(await shown(entries.directoriesTogetherQuery([PARENT], LIMIT)), ['b'])
	})
}
