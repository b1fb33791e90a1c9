/** All of a site is asked back: that takes its time, but neither a question that takes too long nor memory for all of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BACKUP } from '../../core/catalogue/backups.ts'
import { insertMany } from '../../core/catalogue/bulk.ts'
import type { Driver, Row, Value } from '../../core/catalogue/driver.ts'
import { place } from '../../core/off-site/order.ts'
import { wantedBack, type Wish } from '../../core/off-site/wanted-back.ts'
import { ROOT_ID } from '../../core/ids.ts'
import { engines } from '../catalogue/engines.ts'
import { openKeeper } from './keeper.ts'

const FILES = 6_000
const DIRECTORIES = [1_000_001, 1_000_002]
const FIRST_ID = 1_000_010
const SITE = 1
/** And a second name of the first of them. */
const nameOf = (index: number) => Buffer.from(`f${index}`)

for (const engine of engines) {
	test(`${engine.name}: some files at a time, each once, however often it is asked for`, async (t) => {
		const keeper = await openKeeper(t, { engine, nodes: 1 })
		await keeper.site('attic')
		const { fs, driver } = keeper
		await filled(driver)
		const wish: Wish = { site: SITE, path: Buffer.alloc(0), className: undefined, at: undefined, deleted: false }
		const placing = { site: SITE, job: 'all', elsewhere: true, overwrite: false }
		const ordered = async () => Number((await driver.all<{ many: number }>('SELECT COUNT(*) AS many FROM backup_order'))[0].many)
		for (const state of ['asked', 'done']) {
			const { catalogue, most } = watched(driver)
			const placed = await place({ ...fs, catalogue }, wantedBack({ ...fs, catalogue }, wish), placing)
			assert.deepEqual([placed.ordered, await ordered()], [FILES, FILES])
			assert.ok(most() <= FILES / 3, `${most()} rows were the answer to one question`)
			await driver.change('UPDATE backup_order SET state = ?', [state])
		}
		await place(fs, wantedBack(fs, wish), placing)
		assert.equal(await ordered(), FILES, 'what is over is asked for anew')
		for (const deleted of [false, true]) {
			const parts = await Array.fromAsync(wantedBack(fs, { ...wish, deleted }))
			assert.deepEqual([deleted, parts.flat().length], [deleted, FILES])
			assert.ok(deleted || Math.max(...parts.map(({ length }) => length)) <= 500)
		}
	})
}

function watched(driver: Driver): { catalogue: Driver; most(): number } {
	let most = 0
	const seen = <T>(rows: T[]) => {
		most = Math.max(most, rows.length)
		return rows
	}
	const all: Driver['all'] = async <T = Row>(sql: string, params?: readonly Value[]) => seen(await driver.all<T>(sql, params))
	const read: Driver['read'] = async (...queries) => (await driver.read(...queries)).map(seen)
	return { catalogue: { ...driver, all, read }, most: () => most }
}

async function filled(driver: Driver): Promise<void> {
	const columns = '(id, kind, mode, uid, gid, nlink, size, atime, atime_ns, mtime, mtime_ns, ctime, ctime_ns, version)'
	const names = [...Array.from({ length: FILES }, (_, index) => ({ index, parent: DIRECTORIES[index % 2] })), { index: 0, parent: DIRECTORIES[1] }]
	await driver.transaction(function* (tx) {
		insertMany(tx, `INSERT INTO file ${columns}`, '(?,4,493,0,0,2,0,0,0,0,0,0,0,1)', DIRECTORIES.length, (values, at, index) => {
			values[at] = DIRECTORIES[index]
		})
		insertMany(tx, 'INSERT INTO entry (parent_id, name, file_id)', `(${ROOT_ID},?,?)`, DIRECTORIES.length, (values, at, index) => {
			values[at] = Buffer.from(`d${index}`)
			values[at + 1] = DIRECTORIES[index]
		})
		insertMany(tx, `INSERT INTO file ${columns}`, '(?,8,420,0,0,?,1,0,0,0,0,0,0,1)', FILES, (values, at, index) => {
			values[at] = FIRST_ID + index
			values[at + 1] = index === 0 ? 2 : 1
		})
		insertMany(tx, 'INSERT INTO entry (parent_id, name, file_id)', '(?,?,?)', names.length, (values, at, row) => {
			values[at] = names[row].parent
			values[at + 1] = nameOf(names[row].index)
			values[at + 2] = FIRST_ID + names[row].index
		})
		insertMany(tx, 'INSERT INTO backup (file_id, site_id, version, state, since, claimed_at, path)', `(?,${SITE},1,${BACKUP.claimed},0,1,?)`, FILES, (values, at, index) => {
			values[at] = FIRST_ID + index
			values[at + 1] = nameOf(index)
		})
	})
}
