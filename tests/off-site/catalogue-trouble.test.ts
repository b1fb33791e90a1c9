/** The catalogue fails while files come back: that speaks of none of them, and what came is not asked for again. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Deps } from '../../cli/verb.ts'
import { waitForOrders } from '../../cli/restore-wait.ts'
import { CatalogueError } from '../../core/errors.ts'
import { place } from '../../core/off-site/order.ts'
import { wantedBack } from '../../core/off-site/wanted-back.ts'
import { type Engine, mariadb, sqlite } from '../catalogue/engines.ts'
import { type Keeper, openKeeper, type TestSite } from './keeper.ts'

const JOB = 'out'

/** A file that a site was asked to send, for a directory outside the tree. */
async function asked(t: TestContext, engine: Engine): Promise<{ keeper: Keeper; attic: TestSite }> {
	const keeper = await openKeeper(t, { engine, nodes: 1 })
	const attic = await keeper.site('attic')
	await keeper.put('a', 'content')
	await keeper.feed()
	await attic.fetchBatch()
	const wish = { site: 1, path: Buffer.alloc(0), className: undefined, at: undefined, deleted: false }
	await place(keeper.fs, wantedBack(keeper.fs, wish), { site: 1, job: JOB, elsewhere: true, overwrite: false })
	return { keeper, attic }
}

test('a file that came is taken out, and the catalogue does not answer', async (t) => {
	const { keeper, attic } = await asked(t, sqlite)
	await attic.sendBack()
	const waiting = (each: () => Promise<void>) => waitForOrders(keeper.fs, JOB, { deps: {} as Deps, quiet: true, signal: new AbortController().signal, each })
	await assert.rejects(waiting(async () => Promise.reject(new CatalogueError('EIO', 'the catalogue does not answer'))), CatalogueError)
	const { done, failed, left } = await waiting(async () => undefined)
	assert.deepEqual({ done, failed, left }, { done: 1, failed: [], left: 0 })
})

test('a part of a file comes, and the catalogue is full', async (t) => {
	const { keeper, attic } = await asked(t, mariadb)
	await keeper.driver.script(`CREATE TRIGGER full BEFORE UPDATE ON backup_order FOR EACH ROW
		IF NEW.received <> OLD.received THEN SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1114, MESSAGE_TEXT = 'The table is full'; END IF`)
	const { body } = await attic.ask('GET', '/backup/v1/orders')
	const answer = await attic.ask('PUT', `/backup/v1/orders/${body.orders[0].order}?offset=0`, { body: Buffer.from('con') })
	assert.equal(answer.status, 503, answer.bytes.toString())
	const [{ state }] = await keeper.driver.all<{ state: string }>('SELECT state FROM backup_order')
	assert.equal(state, 'asked')
})
