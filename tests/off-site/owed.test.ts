/** What there is to be off-site and is not: the same answer wherever it is asked, on both databases. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { run as runStats } from '../../cli/stats.ts'
import { run as runStatus, type Status } from '../../cli/status.ts'
import { run as runRestore } from '../../cli/trash-restore.ts'
import { run as runWhy } from '../../cli/why.ts'
import * as entries from '../../core/catalogue/entries.ts'
import { makeSymlink } from '../../core/filesystem/create.ts'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { unlink } from '../../core/filesystem/remove.ts'
import { ROOT_ID } from '../../core/ids.ts'
import { run } from '../../core/op.ts'
import type { Node } from '../../core/nodes/node.ts'
import { runJob } from '../../replicator/replicator.ts'
import { statsJob } from '../../replicator/stats/stats.ts'
import { engines } from '../catalogue/engines.ts'
import { until } from '../support/until.ts'
import { cairn, type Keeper, openKeeper } from './keeper.ts'

const CLASSES = [{ name: 'others', pattern: '^others/', copies: 1 }, { name: 'pictures', pattern: '', copies: 1, offsite: 2 }]

async function answers(keeper: Keeper): Promise<{ status: string; json: Status; why: string; awaiting: number }> {
	await runJob(keeper.fs, keeper.fs.nodes.get(1) as Node, statsJob, { signal: new AbortController().signal })
	const said = async (verb: Parameters<typeof cairn>[1]) => (await cairn(keeper, verb)).out
	return {
		status: await said((deps) => runStatus({ json: false }, deps)),
		json: JSON.parse(await said((deps) => runStatus({ json: true }, deps))),
		why: await said((deps) => runWhy({ path: '/a', json: false }, deps)),
		awaiting: JSON.parse(await said((deps) => runStats({ rebuild: false, json: true }, deps))).awaitingOffsite.files,
	}
}

for (const engine of engines) {
	test(`${engine.name}: copies that no site is there for are said; a symlink waits for none`, async (t) => {
		const keeper = await openKeeper(t, { engine, config: { classes: CLASSES } })
		await keeper.put('a', 'content')
		await run(makeSymlink(keeper.fs, { parent: ROOT_ID, name: Buffer.from('link') }, Buffer.from('a'), { uid: 0, gid: 0 }))
		const none = await answers(keeper)
		assert.deepEqual([none.awaiting, none.json.classesShortOffsite], [1, ['pictures']])
		assert.match(none.status, /^too few sites for what these classes ask: pictures$/m)
		assert.match(none.status, /^nothing is owed on nodes: every file has the copies its class asks for on nodes$/m)
		assert.match(none.why, /^class pictures: 1 copy and 2 off-site, by default$/m)
		assert.match(none.why, /^2 off-site copies to be made: there is no other site that takes it$/m)

		const attic = await keeper.site('attic')
		await keeper.site('barn', { classes: ['others'] })
		await keeper.feed()
		assert.match((await answers(keeper)).why, /^2 off-site copies to be made: attic fetches it, and no other site takes it$/m)
		await attic.fetchBatch()
		const one = await answers(keeper)
		assert.deepEqual([one.awaiting, one.json.offsiteOwed, one.json.classesShortOffsite], [1, 0, ['pictures']])
		assert.match(one.why, /^1 off-site copy to be made: there is no other site that takes it$/m)

		const cellar = await keeper.site('cellar')
		await keeper.feed()
		assert.match((await answers(keeper)).why, /^1 off-site copy to be made: cellar fetches it$/m)
		await until('the door knows the new site', async () => (await cellar.ask('POST', '/backup/v1/hello', { body: { starting: true } })).status === 200 || undefined)
		await cellar.fetchBatch()
		const two = await answers(keeper)
		assert.deepEqual([two.awaiting, two.json.classesShortOffsite], [0, []])
		assert.match(two.why, /^nothing is owed$/m)
		assert.match(two.status, /^nothing is owed: every file has the copies its class asks for$/m)
	})

	test(`${engine.name}: what is in the trash waits for no site, and does again when it is back`, async (t) => {
		const keeper = await openKeeper(t, { engine, config: { classes: [{ name: 'pictures', pattern: '', copies: 1, offsite: 1, trashDays: 30 }] } })
		await keeper.put('a', 'content')
		await keeper.put('d/b', 'content')
		assert.equal((await answers(keeper)).awaiting, 2)
		const d = await entries.lookup(keeper.fs.catalogue, ROOT_ID, Buffer.from('d'))
		await run(unlink(keeper.fs, { parent: d?.id as number, name: Buffer.from('b') }))
		await flushLater(keeper.fs)
		assert.equal((await answers(keeper)).awaiting, 1)
		assert.equal((await cairn(keeper, (deps) => runRestore({ what: ['d/b'] }, deps))).exitCode, 0)
		assert.equal((await answers(keeper)).awaiting, 2)
	})
}
