/** Search by a part of a name, on both databases. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { searchNames } from '../../core/stats/search.ts'
import { engines } from '../catalogue/engines.ts'
import { writeFile } from './meddle.ts'
import { place } from './place.ts'

const NAMES = ['IMG_0001.JPG', 'img_0002.jpg', 'other.png', 'Été.txt', 'img\n3']
const ODD = Buffer.from([0x69, 0x6d, 0x67, 0xff, 0xe9])

for (const engine of engines) {
	test(`${engine.name}: newest first, large letters as small ones, a page at a time`, async (t) => {
		const { fs, driver } = await place(t, engine)
		for (const name of NAMES) await writeFile(fs, { parent: 1, name: Buffer.from(name) }, Buffer.from('x'))
		await writeFile(fs, { parent: 1, name: ODD }, Buffer.from('x'))
		// Numbers are given out in stretches: between two files there may be a very wide gap.
		await driver.change('UPDATE entry SET file_id = file_id + 1000000000000 WHERE name = ?', [Buffer.from('IMG_0001.JPG')])
		await driver.change('UPDATE file SET id = id + 1000000000000 WHERE id = (SELECT file_id - 1000000000000 FROM entry WHERE name = ?)', [Buffer.from('IMG_0001.JPG')])
		const search = async (part: string | Buffer, { limit = 10, from }: { limit?: number; from?: number } = {}) => {
			const { found, next } = await searchNames(driver, { part: Buffer.from(part), limit, msMax: 60_000, from })
			return { names: found.map(({ path }) => path.toString('latin1')), next }
		}
		const all = ['IMG_0001.JPG', ODD.toString('latin1'), 'img\n3', 'img_0002.jpg']
		assert.deepEqual(await search('Img'), { names: all, next: undefined })
		assert.deepEqual((await search('té')).names, [Buffer.from('Été.txt').toString('latin1')])
		assert.deepEqual((await search(Buffer.from([0xff]))).names, [ODD.toString('latin1')])
		assert.deepEqual((await search('%')).names, [])
		const paged: string[] = []
		for (let from: number | undefined; ; ) {
			const { names, next } = await search('img', { limit: 1, from })
			paged.push(...names)
			if (next === undefined) break
			from = next
		}
		assert.deepEqual(paged, all)
	})

	test(`${engine.name}: what time did not suffice for is told, and gone on with`, async (t) => {
		const { fs, driver } = await place(t, engine)
		await writeFile(fs, { parent: 1, name: Buffer.from('needle') }, Buffer.from('x'))
		const { found, next } = await searchNames(driver, { part: Buffer.from('needle'), limit: 10, msMax: -1 })
		assert.equal(found.length, 1)
		assert.deepEqual(await searchNames(driver, { part: Buffer.from('needle'), limit: 10, msMax: 1_000, from: next }), { found: [] })
	})
}
