/** What comes back does not fit on the nodes. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { run as runRestore } from '../../cli/restore.ts'
import { cairn, openKeeper } from './keeper.ts'

test('a file for which no node has room keeps no other waiting, and comes when there is room', async (t) => {
	let disk = ''
	// Before the directory it is in is removed.
	t.after(() => execFileSync('umount', ['-l', disk]))
	const mount = (path: string) => {
		disk = path
		execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=9m', 'none', path])
	}
	const keeper = await openKeeper(t, { nodes: 1, mount })
	const attic = await keeper.site('attic')
	await keeper.put('large', Buffer.alloc(5_000_000, 'large'))
	await keeper.put('small', 'small')
	await keeper.feed()
	assert.equal((await attic.fetchBatch()).length, 2)
	for (const name of ['large', 'small']) rmSync(keeper.node(1, name))
	writeFileSync(keeper.node(1, '.cairn/filling'), Buffer.alloc(6_000_000))

	async function restored(): Promise<{ exitCode: number; err: string; done: number; failed: object[]; left: number }> {
		let over = false
		const options = { path: '/', from: 'attic', overwrite: false, deleted: false, wait: true, cancel: false, json: true }
		const said = cairn(keeper, (deps) => runRestore(options, deps)).finally(() => {
			over = true
		})
		while (!over) {
			await attic.sendBack({ mayEnd: true })
			await new Promise((resolve) => setTimeout(resolve, 50))
		}
		const { out, err, exitCode } = await said
		return { ...JSON.parse(out), err, exitCode }
	}
	const { exitCode, err, done, failed, left } = await restored()
	assert.deepEqual([exitCode, done, failed, left], [17, 1, [{ path: 'large', detail: 'no node has room for it' }], 0], err)
	assert.equal(readFileSync(keeper.node(1, 'small'), 'utf8'), 'small')
	assert.equal(existsSync(keeper.node(1, '.restore')), false)

	rmSync(keeper.node(1, '.cairn/filling'))
	assert.deepEqual([(await restored()).done, readFileSync(keeper.node(1, 'large')).length], [1, 5_000_000])
})
