/** Objects whose time is over, and keys nobody used: removed by a job, once, and nothing else with them. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { test, type TestContext } from 'node:test'
import { openCatalogue } from '../../core/catalogue/open.ts'
import { keepAlive, startFilesystem, stopFilesystem } from '../../core/filesystem/start.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import type { Node } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { expire, isExpireDue } from '../../replicator/expire/expire.ts'
import { runJob } from '../../replicator/replicator.ts'
import { engines } from '../catalogue/engines.ts'
import { openDoor, type TestDoor } from './door.ts'

const ANYBODY = [{ at: '127.0.0.1:0', anybody: 'write' as const }]

/** Another process beside the door. */
async function beside(t: TestContext, { config }: TestDoor): Promise<Filesystem> {
	const catalogue = await openCatalogue(config)
	const fs = await run(startFilesystem({ config: structuredClone(config), catalogue, what: 'replicator', report: () => undefined }))
	const quiet = keepAlive(fs)
	t.after(async () => {
		quiet()
		await stopFilesystem(fs)
		await catalogue.close()
	})
	return fs
}

async function expired(fs: Filesystem, here?: () => number): Promise<{ outcomes: Record<string, unknown>; troubles: number }> {
	const { summary } = await runJob(fs, [...fs.nodes.values()][0] as Node, expire(here && { here }), { signal: new AbortController().signal })
	assert.ok(summary)
	return summary as never
}

async function put(door: TestDoor, query: string, content: string): Promise<string> {
	const { fid } = (await (await fetch(`${door.url}/dir/assign${query}`)).json()) as { fid: string }
	assert.equal((await fetch(`${door.url}/${fid}`, { method: 'PUT', body: content })).status, 201)
	return fid
}

for (const engine of engines) {
	test(`${engine.name}: what is over goes, the rest stays`, async (t) => {
		const door = await openDoor(t, { engine, nodes: 1, listen: ANYBODY })
		const fs = await beside(t, door)
		const over = await put(door, '?ttl=1m&collection=over', 'over')
		const living = await put(door, '?ttl=1h', 'living')
		const forEver = await put(door, '', 'for ever')
		await fetch(`${door.url}/dir/assign?count=5`)
		assert.equal(await isExpireDue(fs), false)
		assert.deepEqual((await expired(fs)).outcomes, {})
		const key = Number.parseInt(over.slice(over.indexOf(',') + 1, -8), 16)
		await door.driver.change('UPDATE object SET expires = 1 WHERE id = ?', [key])
		await door.driver.change('UPDATE object_reservation SET expires = 1')
		assert.equal(await isExpireDue(fs), true)
		assert.equal((await expired(fs, () => 0)).troubles, 1, 'not with a clock that is wrong')
		assert.equal((await door.driver.all('SELECT id FROM object')).length, 3)
		const { outcomes } = await expired(fs)
		assert.deepEqual(Object.keys(outcomes).sort(), ['expired', 'unused'])
		assert.equal(await isExpireDue(fs), false)
		assert.equal((await door.driver.all('SELECT id FROM object')).length, 2)
		assert.deepEqual(await door.driver.all('SELECT id FROM object_reservation'), [])
		assert.deepEqual(readdirSync(door.node(1, '.blobs/over'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()), [])
		for (const fid of [living, forEver]) assert.equal((await fetch(`${door.url}/${fid}`)).status, 200)
		assert.equal((await fetch(`${door.url}/${over}`)).status, 404)
	})
}

test('where its class keeps what is removed it goes to the trash, and is an object no longer', async (t) => {
	const classes = [{ name: 'kept', pattern: '', copies: 1, trashDays: 7 }]
	const door = await openDoor(t, { nodes: 1, listen: ANYBODY, config: { classes } })
	const fs = await beside(t, door)
	const fid = await put(door, '?ttl=1m', 'kept')
	const removed = await put(door, '', 'removed')
	assert.equal((await fetch(`${door.url}/${removed}`, { method: 'DELETE' })).status, 202)
	assert.equal((await fetch(`${door.url}/${removed}`)).status, 404, 'what is in the trash is not there')
	await door.driver.change('UPDATE object SET expires = 1 WHERE expires IS NOT NULL')
	await expired(fs)
	assert.equal((await fetch(`${door.url}/${fid}`)).status, 404)
	assert.equal(await isExpireDue(fs), false)
	assert.ok(existsSync(door.node(1, '.trash')))
	assert.equal(readdirSync(door.node(1, '.trash'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length, 2)
})

test('many at a time', async (t) => {
	const door = await openDoor(t, { nodes: 1, listen: ANYBODY })
	const fs = await beside(t, door)
	await Promise.all(Array.from({ length: 600 }, () => put(door, '?ttl=1m', 'x')))
	await door.driver.change('UPDATE object SET expires = 1')
	await expired(fs)
	assert.deepEqual(await door.driver.all('SELECT id FROM object'), [])
	assert.deepEqual(await door.driver.all('SELECT id FROM file WHERE kind = 8'), [])
})
