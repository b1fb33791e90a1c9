/** Who waits for a connection in vain: told so, and free to wait on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { outcomeOf } from '../../core/catalogue/mysql-errors.ts'
import { openPool } from '../../core/catalogue/mysql-pool.ts'
import { freshToken, type Session } from '../../core/catalogue/mysql-session.ts'

const session: Session = { alive: true, token: freshToken(), send: async () => [], end: async () => undefined, destroy: () => undefined }

test('all connections are busy: whoever has to know what became of a COMMIT asks again, for nothing is wrong but the time', async () => {
	const pool = openPool(async () => session, 1)
	const taken = await pool.take(0)
	await assert.rejects(pool.take(0), (error: Error) => /busy/.test(error.message) && outcomeOf(error) === 'lost')
	pool.give(taken)
	assert.equal(await pool.take(0), session)
	await pool.close()
	await assert.rejects(pool.take(0), (error: Error) => /closed/.test(error.message) && outcomeOf(error) === 'final')
})
