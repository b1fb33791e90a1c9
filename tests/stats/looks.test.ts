/** A look at where things stand costs what there is to be read, not its square; what takes long is not asked for each time. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { kept } from '../../api/stats/kept.ts'
import { insertMany } from '../../core/catalogue/bulk.ts'
import type { Driver, Row, Transaction, Value } from '../../core/catalogue/driver.ts'
import { run } from '../../core/op.ts'
import { dailyFigures } from '../../core/stats/days.ts'
import { overview } from '../../core/stats/overview.ts'
import { ready, sqlite } from '../catalogue/engines.ts'

const DAYS = 700
const OPS = 10
const CLASSES = 60
const NODES = 30
const SITES = 40

test('an answer is kept for a while that is many times as long as it took', async () => {
	let nowMs = 0
	let asked = 0
	const answer = kept(async () => {
		nowMs += 100
		if (++asked === 2) throw new Error('away')
		return asked
	}, () => nowMs)
	assert.deepEqual(await Promise.all([answer(), answer()]), [1, 1])
	nowMs += 2_900
	assert.equal(await answer(), 1)
	nowMs += 200
	await assert.rejects(answer(), /away/)
	assert.equal(await answer(), 3)
})

test('the history of years is looked at a few times a row', async (t) => {
	const { driver, touched } = await looked(t, (tx) => {
		const today = Math.floor(Date.now() / 86_400_000)
		put(tx, 'stat_activity (day, op, many)', DAYS * OPS, (index) => [today - Math.floor(index / OPS), `op${index % OPS}`, 1])
		put(tx, 'stat_day (day, series, files, bytes)', DAYS, (index) => [today - index, '1@0', 1, 1])
	})
	const found = await run(dailyFigures(driver, { days: DAYS }))
	assert.deepEqual([found.length, Object.keys(found[0].changes).length], [DAYS, OPS])
	assert.ok(touched() < 10 * DAYS * (OPS + 1), `${touched()} values were looked at`)
})

test('so are figures of many classes, nodes and sites', async (t) => {
	const { driver, touched } = await looked(t, (tx) => {
		put(tx, 'class (id, name, position, pattern, copies, offsite)', CLASSES, (index) => [index + 100, `c${index}`, index + 100, `^c${index}/`, 2, 1])
		put(tx, 'node (id, name, path, uuid)', NODES, (index) => [index + 1, `n${index}`, '/n', `u${index}`])
		put(tx, 'site (id, name, sealed_key, created)', SITES, (index) => [index + 1, `s${index}`, Buffer.alloc(1), 1])
		put(tx, 'stat_copies (class_id, copies, files, bytes)', CLASSES, (index) => [index + 100, 2, 1, 1])
		put(tx, 'stat_node (node_id, class_id, state, files, bytes)', CLASSES * NODES, (index) => [1 + (index % NODES), 100 + Math.floor(index / NODES), 1, 1, 1])
		put(tx, 'stat_site (site_id, class_id, state, files, bytes)', CLASSES * SITES, (index) => [1 + (index % SITES), 100 + Math.floor(index / SITES), 4, 1, 1])
		put(tx, 'stat_offsite (class_id, sites, files, bytes)', CLASSES, (index) => [100 + index, 1, 1, 1])
	})
	const found = await run(overview(driver))
	assert.deepEqual([found.offsite.length, found.nodes.length, found.nodes[0].good.files], [CLASSES * SITES, NODES, CLASSES])
	const rows = CLASSES * (NODES + SITES + 3) + NODES + SITES
	assert.ok(touched() < 30 * rows, `${touched()} values of ${rows} rows were looked at`)
})

function put(tx: Transaction, into: string, many: number, valuesOf: (index: number) => Value[]): void {
	const row = `(${valuesOf(0).map(() => '?').join()})`
	insertMany(tx, `INSERT INTO ${into}`, row, many, (values, at, index) => {
		for (const [column, value] of valuesOf(index).entries()) values[at + column] = value
	})
}

/** A catalogue that counts how often a value of a row is looked at. */
async function looked(t: TestContext, fill: (tx: Transaction) => void): Promise<{ driver: Driver; touched(): number }> {
	const { driver } = await ready(t, sqlite)
	await driver.transaction(function* (tx) {
		fill(tx)
	})
	let many = 0
	const watched = (row: Row) => new Proxy(row, { get: (target, column) => (many++, target[column]) })
	const read: Driver['read'] = (...queries) => (driver.read(...queries) as Row[][]).map((rows) => rows.map(watched))
	return { driver: { ...driver, read }, touched: () => many }
}
