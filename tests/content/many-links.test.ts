/** A file with very many names is opened like any other, and that does not cost what it has of them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { insertMany } from '../../core/catalogue/bulk.ts'
import { link } from '../../core/filesystem/links.ts'
import { open } from '../../core/filesystem/open.ts'
import { publishAtClose, release } from '../../core/filesystem/publish.ts'
import { write } from '../../core/filesystem/data.ts'
import { ROOT_ID } from '../../core/ids.ts'
import { run } from '../../core/op.ts'
import { engines, mariadb } from '../catalogue/engines.ts'
import { rowsRead } from '../catalogue/rows-read.ts'
import { at } from '../unit/installation.ts'
import { get, put, tree } from './tree.ts'

const LINKS = 110
const MANY = 3_000

for (const engine of engines) {
	test(`${engine.name}: read and written, by whoever`, async (t) => {
		const made = await tree(t, engine, { nodes: 2, copies: 2 })
		const [{ fs }, { fs: other }] = [await made.start(), await made.start()]
		const { row } = await put(fs, 'f', 'before')
		for (let index = 0; index < LINKS; index++) await run(link(fs, row.id, at(`link${index}`)))
		assert.equal((await get(other, 'link100')).toString(), 'before')
		const writing = await run(open(other, row.id, { write: true, truncate: false }))
		await run(write(other, writing, Buffer.from('AFTER'), 0, true))
		await run(publishAtClose(other, writing))
		await run(release(other, writing, true))
		assert.equal((await get(fs, 'f')).toString(), 'AFTERe')
		assert.deepEqual(await made.problems(), [])

		// As if it had many more.
		await fs.catalogue.transaction(function* (tx) {
			insertMany(tx, 'INSERT INTO entry (parent_id, name, file_id)', '(?,?,?)', MANY, (values, from, index) => {
				values[from] = ROOT_ID
				values[from + 1] = Buffer.from(`link${LINKS + index}`)
				values[from + 2] = row.id
			})
			tx.write('UPDATE file SET nlink = nlink + ? WHERE id = ?', [MANY, row.id])
		})
		if (engine === mariadb) await fs.catalogue.script('ANALYZE TABLE entry')
		for (const request of [{ write: false, truncate: false }, { write: true, truncate: false }]) {
			const read = await rowsRead(fs.catalogue, engine === mariadb)
			const file = await run(open(fs, row.id, request))
			const many = await read()
			assert.ok(many < MANY, `${many} rows were read to open it`)
			await run(release(fs, file, request.write))
		}
	})
}
