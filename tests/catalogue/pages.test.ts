/** Going through a large table page by page reads each row once, also where one node, class or site has most of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fillCatalogue } from '../../bench/million.ts'
import * as leases from '../../core/catalogue/backup-leases.ts'
import * as notices from '../../core/catalogue/backup-notices.ts'
import { BACKUP } from '../../core/catalogue/backups.ts'
import { insertMany } from '../../core/catalogue/bulk.ts'
import type { Driver } from '../../core/catalogue/driver.ts'
import * as finds from '../../core/catalogue/finds.ts'
import * as holdings from '../../core/catalogue/holdings.ts'
import * as proofs from '../../core/catalogue/proofs.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import { countTree } from '../../core/catalogue/totals.ts'
import * as wanted from '../../core/catalogue/wanted.ts'
import { run } from '../../core/op.ts'
import { engines, mariadb, ready } from './engines.ts'
import { rowsRead } from './rows-read.ts'

const FILES = 6_000
const LIMIT = 100
const FIRST_ID = 1_000
const NODE = 1
const OTHER = 2
const ID_MAX = Number.MAX_SAFE_INTEGER

type Page = (driver: Driver, after: number) => Promise<number[]> | number[]

const idsOf = (rows: ReadonlyArray<{ file_id: number }>) => rows.map(({ file_id }) => file_id)

/** Each in the order of what is seen last. */
const PAGES: Record<string, Page> = {
	'what a node has': async (driver, after) => (await finds.onNode(driver, NODE, REPLICA.good, after, LIMIT)).map(({ id }) => id),
	'what a node has, with classes': async (driver, after) => (await holdings.pageOnNode(driver, NODE, REPLICA.good, { after, limit: LIMIT })).map(({ id }) => id),
	'copies in a state': async (driver, after) => idsOf(await proofs.ofState(driver, NODE, REPLICA.good, { after, limit: LIMIT })),
	'copies never proved': async (driver, after) => idsOf(await proofs.neverProved(driver, NODE, { after, limit: LIMIT })),
	'files by copies': async (driver, after) => (await finds.withCopies(driver, 1, 1, after, LIMIT)).map(({ id }) => id),
	'notices of a site': async (driver, after) => (await notices.after(driver, 1, after, LIMIT)).map(({ id }) => id),
}

/** When another node has all that the first had, and is to make it anew. */
const PAGES_OF_OTHER: Record<string, Page> = {
	'copies by their proofs': async (driver, after) => (await run(proofs.provedFrom(driver, OTHER, after, { after: ID_MAX, limit: LIMIT }))).map((row) => row.verified_at as number),
	'copies to be made': async (driver, after) => idsOf(await wanted.page(driver, { node: OTHER, after, last: ID_MAX, limit: LIMIT })),
}

for (const engine of engines) {
	test(`${engine.name}: each row is met once, and is read a few times at most; amounts are those of all pages`, async (t) => {
		const { driver, address } = await ready(t, engine)
		await fill(driver, address)
		const all = { files: FILES, bytes: FILES * 1024 }

		async function check(pages: Record<string, Page>): Promise<void> {
			if (engine === mariadb) for (const table of ['replica', 'stat_file', 'backup_notice', 'file']) await driver.script(`ANALYZE TABLE ${table}`)
			for (const [what, page] of Object.entries(pages)) {
				const read = await rowsRead(driver, engine === mariadb)
				const seen: number[] = []
				for (let rows = await page(driver, 0); rows.length > 0; rows = await page(driver, seen.at(-1) as number)) seen.push(...rows)
				assert.deepEqual([what, seen.length, new Set(seen).size], [what, FILES, FILES])
				const many = await read()
				assert.ok(many < 9 * FILES, `${what}: ${many} rows were read for ${FILES}`)
			}
		}

		await check(PAGES)
		assert.deepEqual(await run(holdings.held(driver, NODE)), all)
		assert.deepEqual(await run(countTree(driver)), { ...all, directories: 1 })
		await driver.change(`UPDATE replica SET node_id = ${OTHER}, version = 0, state = ${REPLICA.wanted}, verified_at = file_id`)
		await check(PAGES_OF_OTHER)
		assert.deepEqual(await run(holdings.amountIn(driver, OTHER, REPLICA.wanted)), all)
		assert.deepEqual(await run(holdings.held(driver, NODE)), { files: 0, bytes: 0 })
	})
}

for (const engine of engines) {
	test(`${engine.name}: what is given to one site costs what it gets, not what others have on lease`, async (t) => {
		const { driver } = await ready(t, engine)
		await driver.transaction(function* (tx) {
			insertMany(tx, 'INSERT INTO file (id, kind, mode, uid, gid, nlink, atime, atime_ns, mtime, mtime_ns, ctime, ctime_ns, version)', '(?,8,0,0,0,1,0,0,0,0,0,0,1)', FILES, (values, at, index) => {
				values[at] = FIRST_ID + index
			})
			insertMany(tx, 'INSERT INTO backup (file_id, site_id, version, state, copies, since)', '(?,1,0,1,0,0)', FILES, (values, at, index) => {
				values[at] = FIRST_ID + index
			})
			insertMany(tx, 'INSERT INTO backup_leased (file_id, lease_id, version, path)', "(?,'others',1,'x')", FILES - LIMIT, (values, at, index) => {
				values[at] = FIRST_ID + LIMIT + index
			})
		})
		if (engine === mariadb) for (const table of ['backup', 'backup_leased']) await driver.script(`ANALYZE TABLE ${table}`)
		const read = await rowsRead(driver, engine === mariadb)
		const work = await leases.fewestFirst(driver, 1, BACKUP.wanted, LIMIT)
		assert.deepEqual(work.map(({ id }) => id), Array.from({ length: LIMIT }, (_, index) => FIRST_ID + index))
		const many = await read()
		assert.ok(many < 10 * LIMIT, `${many} rows were read for ${LIMIT}`)
	})
}

async function fill(driver: Driver, address: string): Promise<void> {
	await driver.change("INSERT INTO node (id, name, path, uuid) VALUES (1, 'one', '/one', 'u1')")
	await fillCatalogue(address, { directories: 1, files: FILES })
	const { first } = (await driver.get<{ first: number }>('SELECT MIN(file_id) AS first FROM replica')) as { first: number }
	await driver.transaction(function* (tx) {
		insertMany(tx, 'INSERT INTO stat_file (file_id, parent_id, class_id, copies, size, held, sites, elsewhere)', "(?,1,1,1,0,'',0,'')", FILES, (values, at, index) => {
			values[at] = first + index
		})
		insertMany(tx, 'INSERT INTO backup_notice (site_id, kind, path, at)', "(1,'moved',?,1)", FILES, (values, at, index) => {
			values[at] = Buffer.from(`d/${index}`)
		})
	})
}
