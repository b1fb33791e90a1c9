/** One who stood still between what it decided and the node, and was taken for dead: what is at the place by then is not what it saw. */
import assert from 'node:assert/strict'
import * as disk from 'node:fs'
import { test, type TestContext } from 'node:test'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { link } from '../../core/filesystem/links.ts'
import { settle } from '../../core/filesystem/settle.ts'
import type { Job } from '../../replicator/replicator.ts'
import { replicate } from '../../replicator/replicate/replicate.ts'
import { verify } from '../../replicator/verify/verify.ts'
import { walk } from '../../replicator/walk/walk.ts'
import { at, type Client, installation, now } from '../unit/installation.ts'
import { copiedFile, putCopy, runOn, states } from './copies.ts'
import { standingStill } from './standing-still.ts'

/** The right copy on node 2. One process looks after node 1; once it has decided something it stands still, and `meanwhile` happens. */
async function ground(t: TestContext, meanwhile: (other: Client) => unknown) {
	const place = await installation(t, 2, [{ name: 'two', pattern: '', copies: 2 }])
	const client = await place.start()
	const other = await place.start()
	const id = await copiedFile(place, client, 'f', 'right', [1, 2])
	const stand = standingStill(t)
	const { catalogue, fs } = client
	const { transaction } = catalogue
	const standOnce = (body: never) => {
		const result = transaction.call(catalogue, body)
		if (place.rows('SELECT 1 FROM intent').length === 0) return result
		catalogue.transaction = transaction
		stand.forMs(30_000)
		return Promise.resolve(meanwhile(other)).then(() => result)
	}
	return {
		place,
		client,
		fs,
		id,
		run(job: Job) {
			catalogue.transaction = standOnce as never
			return runOn(fs, 1, job).catch((error: Error) => error)
		},
		read: (path: string) => disk.readFileSync(place.node(1, path), 'utf8'),
		aside: () => disk.readdirSync(place.node(1, '.cairn/conflicts')).map((name) => disk.readFileSync(place.node(1, `.cairn/conflicts/${name}`), 'utf8')),
		intents: () => place.rows('SELECT op, client_id FROM intent').map(({ op, client_id }) => `${op} of ${client_id}`),
	}
}

test('verify does not move the new copy out of the way in place of the bad one', async (t) => {
	let kill = () => {}
	const { place, client, fs, id, run, read, aside } = await ground(t, async (other) => {
		kill()
		for (let times = 0; times < 5; times++) {
			now(settle(other.fs))
			await flushLater(other.fs)
		}
		assert.deepEqual((await runOn(other.fs, 1, replicate())).outcomes, { copied: 1 })
	})
	kill = client.kill
	putCopy(place, fs, { id, node: 1, name: 'f' }, 'wrong')
	await run(verify({ all: true }))
	assert.deepEqual([read('f'), aside(), states(place, id)], ['right', ['wrong'], { 1: REPLICA.good, 2: REPLICA.good }])
})

test('names that verify would bring together are left to whoever settles the node', async (t) => {
	const { place, fs, id, run, read, intents } = await ground(t, () => undefined)
	now(link(fs, id, at('g')))
	await flushLater(fs)
	disk.rmSync(place.node(1, 'g'))
	disk.writeFileSync(place.node(1, 'g'), 'another')
	await run(verify({ all: true }))
	await flushLater(fs)
	assert.deepEqual([read('g'), intents()], ['another', ['rename of null', 'link of null']])
})

test('what a walk would set aside is left to whoever settles the node', async (t) => {
	const { place, fs, run, read, intents } = await ground(t, () => undefined)
	disk.writeFileSync(place.node(1, 'f'), 'edited on the node')
	await run(walk())
	await flushLater(fs)
	assert.deepEqual([read('f'), intents()], ['edited on the node', ['rename of null']])
})
