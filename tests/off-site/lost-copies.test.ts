/** Copies that sites say they have no more: of what the tree has now they are fetched again, of what it had they stay wanted back. */
import assert from 'node:assert/strict'
import { readFileSync, rmSync } from 'node:fs'
import { test } from 'node:test'
import { run as runRestore } from '../../cli/restore.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { ROOT_ID } from '../../core/ids.ts'
import { run } from '../../core/op.ts'
import { engines } from '../catalogue/engines.ts'
import { cairn, type Keeper, openKeeper } from './keeper.ts'

async function states(keeper: Keeper, id: number): Promise<Array<[number, number]>> {
	const rows = await keeper.driver.all<{ state: number; version: number }>('SELECT state, version FROM backup WHERE file_id = ?', [id])
	return rows.map((row) => [row.state, row.version])
}

/** How many files the keeper asks back. */
async function ordered(keeper: Keeper, path: string): Promise<number> {
	const options = { path, from: 'attic', overwrite: false, deleted: false, wait: false, cancel: false, json: true }
	const { out, err } = await cairn(keeper, (deps) => runRestore(options, deps))
	assert.equal(err, '')
	return JSON.parse(out).ordered
}

for (const engine of engines) {
	test(`${engine.name}: what a site finds to be missing or damaged counts no more and is fetched again`, async (t) => {
		const keeper = await openKeeper(t, { engine })
		const attic = await keeper.site('attic')
		const id = await keeper.put('a', 'one')
		await keeper.feed()
		for (const error of ['gone', 'mismatch', 'io']) {
			assert.deepEqual(await attic.fetchBatch(), [id], error)
			assert.deepEqual(await attic.prove(), ['proved'])
			await attic.ask('POST', '/backup/v1/report', { body: { files: [{ id, version: 1, error }] } })
			assert.notDeepEqual(await states(keeper, id), [[4, 1]], error)
			await keeper.driver.change('UPDATE backup SET since = 1 WHERE state = 5')
		}
	})

	test(`${engine.name}: of a file without any other copy, what a site could not show is asked for all the same: it may have set it aside`, async (t) => {
		const keeper = await openKeeper(t, { engine, nodes: 1 })
		const attic = await keeper.site('attic')
		const [told, asked] = [await keeper.put('told', 'one'), await keeper.put('asked', 'two')]
		await keeper.feed()
		assert.equal((await attic.fetchBatch()).length, 2)
		await attic.ask('POST', '/backup/v1/report', { body: { files: [{ id: told, version: 1, error: 'mismatch' }] } })
		await attic.ask('GET', '/backup/v1/challenges')
		const { body } = await attic.ask('POST', '/backup/v1/challenges', { body: { answers: [{ challenge: asked, error: 'differs' }] } })
		assert.equal(body.results[0].result, 'failed')
		for (const path of ['told', 'asked']) {
			rmSync(keeper.node(1, path))
			assert.equal(await ordered(keeper, path), 1, path)
		}
		assert.equal(await attic.sendBack(), 2)
		for (const path of ['told', 'asked']) assert.equal(readFileSync(keeper.node(1, path), 'utf8'), path === 'told' ? 'one' : 'two')
	})

	test(`${engine.name}: a question about what was saved over is void; what the site had is known`, async (t) => {
		const keeper = await openKeeper(t, { engine })
		const attic = await keeper.site('attic')
		const id = await keeper.put('a', 'one')
		await keeper.feed()
		await attic.fetchBatch()
		assert.equal((await attic.ask('GET', '/backup/v1/challenges')).body.challenges.length, 1)
		await keeper.put('a.tmp', 'another')
		const place = (name: string) => ({ parent: ROOT_ID, name: Buffer.from(name) })
		await run(rename(keeper.fs, place('a.tmp'), place('a'), 'replace'))
		const { body } = await attic.ask('POST', '/backup/v1/challenges', { body: { answers: [{ challenge: id, error: 'differs' }] } })
		assert.deepEqual(body.results, [{ challenge: id, result: 'void' }])
		await keeper.feed()
		const past = await keeper.driver.all<{ path: Uint8Array }>('SELECT path FROM backup_past')
		assert.deepEqual(past.map(({ path }) => Buffer.from(path).toString()), ['a'])
	})
}
