/** Who runs a kind of work on a node: one at a time, and who it is can be said. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Driver } from '../../core/catalogue/driver.ts'
import { takeLease } from '../../replicator/replicator.ts'
import { installation, now } from '../unit/installation.ts'

const NAME = 'trim:1'

test('one that ends while it is asked who it is leaves its place', async (t) => {
	const { start, rows } = await installation(t)
	const { fs: first } = await start({ what: 'trim' })
	let ends = false
	const wrap = (driver: Driver): Driver => ({
		...driver,
		get: ((sql: string, params: number[]) => {
			if (ends && sql.startsWith('SELECT client_id FROM lease')) rows('DELETE FROM lease')
			return driver.get(sql, params)
		}) as Driver['get'],
	})
	const { fs: second } = await start({ wrap })
	assert.equal(now(takeLease(first, NAME)), undefined)
	assert.match(now(takeLease(second, NAME)) ?? '', /^trim, process \d+ on /)
	ends = true
	assert.equal(now(takeLease(second, NAME)), undefined)
})
