/** Orders that are taken back or forgotten with some of their bytes here, and commands that were cut off when they had taken theirs. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { run as runRestore } from '../../cli/restore.ts'
import { takeOut } from '../../cli/restore-out.ts'
import { findSite } from '../../cli/site-set.ts'
import * as orders from '../../core/catalogue/backup-orders.ts'
import { createFeeder, feed } from '../../core/off-site/feed.ts'
import { jobOf, place } from '../../core/off-site/order.ts'
import { wantedBack } from '../../core/off-site/wanted-back.ts'
import { engines } from '../catalogue/engines.ts'
import { until } from '../support/until.ts'
import { cairn, type Keeper, openKeeper, type Said, type TestSite } from './keeper.ts'

function restore(keeper: Keeper, options: Partial<Parameters<typeof runRestore>[0]>): Promise<Said> {
	const all = { path: undefined, from: 'attic', overwrite: false, deleted: false, wait: false, cancel: false, json: true, ...options }
	return cairn(keeper, (deps) => runRestore(all, deps))
}

/** Lost on its only node, asked for, and half of it has come. */
async function halfBack(keeper: Keeper, attic: TestSite, path: string): Promise<number> {
	rmSync(keeper.node(1, path), { force: true })
	await restore(keeper, { path })
	const [{ order }] = (await attic.ask('GET', '/backup/v1/orders')).body.orders
	assert.equal((await attic.ask('PUT', `/backup/v1/orders/${order}?offset=0`, { body: Buffer.alloc(3_000) })).status, 200)
	return order
}

async function scratches({ driver }: Keeper): Promise<unknown[]> {
	return await driver.all('SELECT e.name FROM entry e JOIN entry d ON d.file_id = e.parent_id WHERE d.name = ?', [Buffer.from('.restore')])
}

for (const engine of engines) {
	test(`${engine.name}: what had come of an order that is taken back is gone with it`, async (t) => {
		const keeper = await openKeeper(t, { engine, nodes: 1 })
		const attic = await keeper.site('attic')
		await keeper.put('large', 'l'.repeat(5_000))
		await keeper.feed()
		await attic.fetchBatch()
		await halfBack(keeper, attic, 'large')
		assert.match((await restore(keeper, { cancel: true })).out, /^1 order taken back/)
		assert.deepEqual(await scratches(keeper), [])
		await halfBack(keeper, attic, 'large')
		// As a load does, and the removal of a site.
		await keeper.driver.change('DELETE FROM backup_order')
		await keeper.driver.change("DELETE FROM lease WHERE name = 'offsite'")
		await feed(keeper.fs, createFeeder())
		assert.deepEqual(await scratches(keeper), [])
	})

	test(`${engine.name}: what had come of an order that is forgotten is no part of another that gets its number`, async (t) => {
		const keeper = await openKeeper(t, { engine, nodes: 1 })
		const attic = await keeper.site('attic')
		for (const [path, content] of [['large', 'l'.repeat(5_000)], ['small', 'small'], ['unknown', 'u'.repeat(4_000)]]) await keeper.put(path, content)
		await keeper.feed()
		await attic.fetchBatch()
		for (const path of ['small', 'unknown']) {
			const number = await halfBack(keeper, attic, 'large')
			await keeper.driver.change('DELETE FROM backup_order')
			rmSync(keeper.node(1, path))
			await restore(keeper, { path })
			await keeper.driver.change('UPDATE backup_order SET id = ?', [number])
			const content = [...attic.held.values()].find((bytes) => bytes[0] === path.charCodeAt(0)) as Buffer
			if (path === 'unknown') await keeper.driver.change('UPDATE backup_order SET hash = NULL')
			const answer = await attic.ask('PUT', `/backup/v1/orders/${number}?offset=0`, { body: content })
			assert.deepEqual([answer.status, answer.body.done], [200, true])
			assert.deepEqual(readFileSync(keeper.node(1, path)), content)
		}
	})
}

test('a command that was cut off when it had taken a file, and one beside it, find that it is there', async (t) => {
	const keeper = await openKeeper(t, { nodes: 1 })
	const attic = await keeper.site('attic')
	const name = 'n'.repeat(255)
	await keeper.put(name, 'content')
	await keeper.feed()
	await attic.fetchBatch()
	const { id: site } = await findSite(keeper.driver, 'attic')
	const out = join(keeper.directory, 'out')
	const job = jobOf('restore', site, name, undefined, undefined, out)
	const arrived = async () => {
		const wanted = await wantedBack(keeper.fs, { site, path: Buffer.from(name), className: undefined, at: undefined, deleted: false })
		await place(keeper.fs, wanted, { site, job, elsewhere: true, overwrite: false })
		await attic.sendBack()
		await until('nobody writes it any more', async () => (await keeper.driver.all('SELECT file_id FROM writer')).length === 0 || undefined)
		return (await orders.ofJob(keeper.driver, job, 'arrived', 1))[0]
	}
	await takeOut(keeper.fs, await arrived(), out)
	const again = await restore(keeper, { path: name, to: out, wait: true })
	assert.deepEqual([again.exitCode, JSON.parse(again.out).done, again.err], [0, 1, ''])
	assert.deepEqual([readdirSync(out), readFileSync(join(out, name), 'utf8'), await scratches(keeper)], [[name], 'content', []])

	const order = await arrived()
	await restore(keeper, { path: name, to: out, wait: true })
	// One that was beside it, and late.
	await assert.rejects(takeOut(keeper.fs, order, out), /what came back is gone/)
	await keeper.driver.transaction(function* (tx) {
		orders.setTaken(tx, order.id, { state: 'failed', detail: '' }, keeper.driver.capabilities)
	})
	assert.deepEqual((await orders.totals(keeper.driver, job)).map(({ state }) => state), ['done'])
})
