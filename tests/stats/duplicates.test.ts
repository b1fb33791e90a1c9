/** Files of one content, among very many: each is read a few times at most, those of one content follow each other. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { fillCatalogue } from '../../bench/million.ts'
import { contentsInOrder } from '../../core/stats/duplicates.ts'
import { engines, mariadb, ready } from '../catalogue/engines.ts'
import { rowsRead } from '../catalogue/rows-read.ts'

const FILES = 12_000
/** More than are looked at together. */
const OF_ONE = 2_500

const hashOf = (text: string) => createHash('sha256').update(text).digest()
/** Begins as another does. */
const like = (hash: Buffer, last: number) => Buffer.concat([hash.subarray(0, 31), Buffer.from([last])])

for (const engine of engines) {
	test(`${engine.name}: files of one content follow each other, however many there are of it`, async (t) => {
		const { driver, address } = await ready(t, engine)
		await driver.change("INSERT INTO node (id, name, path, uuid) VALUES (1, 'one', '/one', 'u1')")
		await fillCatalogue(address, { directories: 1, files: FILES })
		const ids = (await driver.all<{ id: number }>('SELECT id FROM file WHERE kind = 8 ORDER BY id')).map(({ id }) => id)
		const [often, twice] = [hashOf('often'), hashOf('twice')]
		const contents = [often, twice, like(often, 1), like(twice, 2), like(often, 1)]
		const contentOf = (index: number) => (index % 4 === 1 && index < 4 * OF_ONE ? often : (contents[(index - 2) / 4] ?? hashOf(`${index}`)))
		await driver.transaction(function* (tx) {
			for (const [index, id] of ids.entries()) tx.write('UPDATE file SET hash = ?, hash_version = version WHERE id = ?', [contentOf(index), id])
			// What they were once says nothing of what they are.
			tx.write('UPDATE file SET hash_version = 0 WHERE id = ?', [ids[1]])
			tx.write('UPDATE file SET hash = ? WHERE id IN (?, ?)', [twice, ids[1], ids[FILES - 1]])
		})
		if (engine === mariadb) await driver.script('ANALYZE TABLE file')
		const read = await rowsRead(driver, engine === mariadb)
		const found = (await Array.fromAsync(contentsInOrder(driver))).flat()
		const many = await read()
		const contentsFound = found.map(({ hash }) => hash.toString('hex'))
		const changes = contentsFound.filter((content, index) => content !== contentsFound[index - 1])
		assert.deepEqual(changes.toSorted(), [often, twice, like(often, 1)].map((hash) => hash.toString('hex')).sort())
		const expected = ids.filter((_, index) => (index % 4 === 1 && index > 1 && index < 4 * OF_ONE) || [2, 6, 10, 18, FILES - 1].includes(index))
		assert.deepEqual(found.map(({ row }) => row.id).sort((a, b) => a - b), expected)
		assert.ok(many < 6 * FILES, `${many} rows were read for ${FILES}`)
	})
}
