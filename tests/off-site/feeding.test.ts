/** What deciding for sites costs in a large tree, and that it comes to an end whatever happens meanwhile. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fillCatalogue } from '../../bench/million.ts'
import { removeSite } from '../../cli/site-remove.ts'
import { insertMany } from '../../core/catalogue/bulk.ts'
import type { Driver } from '../../core/catalogue/driver.ts'
import * as entries from '../../core/catalogue/entries.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { ROOT_ID } from '../../core/ids.ts'
import { askForPass, createFeeder, feed } from '../../core/off-site/feed.ts'
import { forgetAgent } from '../../core/off-site/report.ts'
import { run } from '../../core/op.ts'
import { engines } from '../catalogue/engines.ts'
import { type Keeper, openKeeper } from './keeper.ts'

/** Two pages. */
const FILES = 1_100
/** Of the tree, in a pass. */
const PAGE = /FROM file f WHERE f\.id > \? ORDER BY f\.id LIMIT/
const LONG_AGO = 1_000_000

for (const engine of engines) {
	test(`${engine.name}: a pass that is asked for again and again meanwhile comes to its end, and is made once more`, async (t) => {
		const keeper = await openLarge(t, engine)
		await keeper.site('attic')
		await keeper.feed()
		const feeder = createFeeder()
		await keeper.driver.change("UPDATE setting SET value = '1' WHERE name = 'offsite_passed'")
		const pages = counting(keeper.fs.catalogue, PAGE)
		const fs = { ...keeper.fs, catalogue: pages.driver }
		for (let round = 0; round < 10 && (await settingOf(keeper, 'offsite_passed')) === '1'; round++) {
			await feed(fs, feeder)
			await keeper.driver.transaction(function* (tx) {
				askForPass(tx, keeper.driver.capabilities)
			})
		}
		assert.notEqual(await settingOf(keeper, 'offsite_passed'), '1')
		const first = pages.many()
		while (await feed(fs, feeder));
		assert.equal(pages.many(), 2 * first)
	})

	test(`${engine.name}: a directory that is renamed costs what is below it, not the tree`, async (t) => {
		const keeper = await openLarge(t, engine)
		const site = await keeper.site('attic', { classes: ['kept'] })
		const ids = [await keeper.put('kept/a/one', 'one'), await keeper.put('kept/a/b/two', 'two')]
		await keeper.feed()
		assert.deepEqual((await site.fetchBatch()).sort(), ids)
		const kept = await entries.lookup(keeper.driver, ROOT_ID, Buffer.from('kept'))
		await run(rename(keeper.fs, { parent: kept?.id as number, name: Buffer.from('a') }, { parent: kept?.id as number, name: Buffer.from('c') }, 'noreplace'))
		const pages = counting(keeper.fs.catalogue, PAGE)
		const feeder = createFeeder()
		while (await feed({ ...keeper.fs, catalogue: pages.driver }, feeder));
		assert.equal(pages.many(), 0)
		const told = await keeper.driver.all<{ path: Uint8Array }>("SELECT path FROM backup_notice WHERE kind = 'moved' ORDER BY path")
		assert.deepEqual(told.map(({ path }) => Buffer.from(path).toString()), ['kept/a/b/two', 'kept/a/one'])
	})

	test(`${engine.name}: what a site has proved is to be proved again to another folder, a part at a time`, async (t) => {
		const keeper = await openLarge(t, engine, 0)
		await keeper.site('attic')
		await keeper.driver.transaction(function* (tx) {
			insertMany(tx, 'INSERT INTO backup (file_id, site_id, version, state, copies, since, proved_at)', '(?,1,1,4,0,0,1)', 2_500, (values, at, index) => {
				values[at] = LONG_AGO + index
			})
		})
		let parts = 0
		const catalogue: Driver = { ...keeper.driver, transaction: (body) => (parts++, keeper.driver.transaction(body)) }
		await forgetAgent({ catalogue, capabilities: catalogue.capabilities }, { id: 1 })
		assert.equal(parts, 3)
		const rows = await keeper.driver.all('SELECT DISTINCT state, proved_at FROM backup')
		assert.deepEqual(rows.map((row) => ({ ...row })), [{ state: 3, proved_at: 0 }])
	})

	test(`${engine.name}: requests and lines of long ago go, however many they are; with a site goes all that is known of it`, async (t) => {
		const keeper = await openLarge(t, engine, 0)
		const [attic, barn] = [await keeper.site('attic'), await keeper.site('barn')]
		await attic.ask('GET', '/backup/v1/notices')
		await barn.ask('GET', '/backup/v1/notices')
		await insertOld(keeper.driver, 12_000)
		const feeder = createFeeder()
		for (let round = 0; round < 4; round++) await feed(keeper.fs, feeder)
		assert.equal(await count(keeper.driver, 'site_nonce'), 2)
		assert.equal(await count(keeper.driver, 'site_log'), 0)
		await removeSite(keeper.driver, 1)
		assert.equal(await count(keeper.driver, 'site_nonce'), 1)
		assert.deepEqual((await keeper.driver.all<{ name: string }>('SELECT name FROM site')).map(({ name }) => name), ['barn'])
	})
}

async function openLarge(t: Parameters<typeof openKeeper>[0], engine: (typeof engines)[number], files: number = FILES): Promise<Keeper> {
	const classes = [{ name: 'kept', pattern: '^kept/', copies: 1, offsite: 1 }, { name: 'default', pattern: '', copies: 1 }]
	const keeper = await openKeeper(t, { engine, config: { classes } })
	if (files > 0) await fillCatalogue(keeper.config.catalogue, { directories: 1, files })
	return keeper
}

async function insertOld(driver: Driver, many: number): Promise<void> {
	await driver.transaction(function* (tx) {
		insertMany(tx, 'INSERT INTO site_nonce (site_id, nonce, at)', `(1,?,${LONG_AGO})`, many, (values, at, index) => {
			values[at] = `old ${index}`
		})
		insertMany(tx, 'INSERT INTO site_log (site_id, at, what, detail)', `(?,${LONG_AGO},'failed','')`, many, (values, at) => {
			values[at] = 1
		})
	})
}

async function count(driver: Driver, table: string): Promise<number> {
	return Number((await driver.get<{ many: number }>(`SELECT COUNT(*) AS many FROM ${table}`))?.many)
}

async function settingOf({ driver }: Keeper, name: string): Promise<string | undefined> {
	return (await driver.get<{ value: string }>('SELECT value FROM setting WHERE name = ?', [name]))?.value
}

/** How often it was asked. */
function counting(driver: Driver, text: RegExp): { driver: Driver; many(): number } {
	let many = 0
	const all: Driver['all'] = (sql, params) => {
		if (text.test(sql)) many++
		return driver.all(sql, params)
	}
	return { driver: { ...driver, all }, many: () => many }
}
