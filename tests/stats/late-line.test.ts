/** A line of the journal that comes late, behind very many others: on a server numbers are given before the commit. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countedOf, type Counted, toPosition } from '../../core/stats/lines.ts'
import { isBehind } from '../../replicator/stats/stats.ts'
import { engines } from '../catalogue/engines.ts'
import { place } from './place.ts'

/** More than there is room for beside a job, one by one. */
const LINES = 9_000
/** The column is a BLOB. */
const POSITION_BYTES_MAX = 65_535

const server = engines.find(({ name }) => name === 'MariaDB')
if (!server) throw new Error('no server')

test('MariaDB: a number is missing, and many lines come after it', async (t) => {
	const { driver, count } = await place(t, server)
	await count()
	const lines = (from: number, to: number, at = 'UNIX_TIMESTAMP()') =>
		driver.change(`INSERT INTO \`change\` (seq, at, client_id, op) SELECT 1000000 + seq, ${at}, 0, 'counted' FROM seq_${from}_to_${to}`)
	// What is missing before it is so old that nothing comes there.
	await lines(1, 1, '0')
	await lines(3, LINES)
	await count()
	assert.equal(await counted(), LINES - 1)
	assert.equal(await isBehind(driver), true, 'the number that is missing may still come')
	await lines(2, 2)
	await count()
	assert.equal(await counted(), LINES)
	assert.equal(await isBehind(driver), false)

	async function counted(): Promise<number | undefined> {
		return (await driver.get<{ many: number }>("SELECT SUM(many) AS many FROM stat_activity WHERE op = 'counted'"))?.many
	}
})

test('a position is what it was, and short where numbers are far apart too', () => {
	const numbers = (many: number, step: number) => Array.from({ length: many }, (_, index) => 4_000_000_000 + index * step)
	const positions: Counted[] = [
		{ low: 0, above: [] },
		{ low: 7, above: [9] },
		{ low: 7, above: [9, 10, 12, 13, 14, 20, 23, 26, 27] },
		{ low: 7, above: numbers(20_000, 1) },
		// A cluster of three gives each server every third number.
		{ low: 7, above: numbers(20_000, 3) },
	]
	for (const position of positions) {
		const stored = toPosition(position)
		assert.ok(stored.length < POSITION_BYTES_MAX)
		assert.deepEqual(countedOf({ position: stored }), position)
	}
	assert.deepEqual(countedOf({ position: Buffer.from('{"low":3,"above":[5,6]}') }), { low: 3, above: [5, 6] }, 'as it was written before')
})
