/** Manifests on nodes: that they say all there is, that little is written when little changed, that any end of a run leaves one that counts. */
import assert from 'node:assert/strict'
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { KIND } from '../../core/catalogue/files.ts'
import { makeDirectory, makeSpecial } from '../../core/filesystem/create.ts'
import type { Node } from '../../core/nodes/node.ts'
import { dumpJob } from '../../replicator/manifest/dump-job.ts'
import { changedSince, lookNow } from '../../replicator/manifest/changed.ts'
import { manifest } from '../../replicator/manifest/manifest.ts'
import { parseState } from '../../replicator/manifest/state.ts'
import { type Job, runJob } from '../../replicator/replicator.ts'
import type { Summary } from '../../replicator/run.ts'
import { mariadb, ready } from '../catalogue/engines.ts'
import { at, type Client, type Installation, installation, now, OWNER, writeFile } from '../unit/installation.ts'

const never = new AbortController().signal

async function once({ fs }: Client, job: Job, node = 1): Promise<Summary> {
	const { summary } = await runJob(fs, fs.nodes.get(node) as Node, job, { signal: never })
	assert.ok(summary)
	return summary
}

function stateOf(place: Installation, node = 1) {
	return parseState(readFileSync(place.node(node, '.cairn/manifest/state')))
}

function bytesBelow(path: string): number {
	return readdirSync(path, { recursive: true, encoding: 'utf8' }).reduce((sum, name) => sum + statSync(join(path, name)).size, 0)
}

test('a change in a large directory writes a small file, and no change nothing', async (t) => {
	const place = await installation(t)
	const client = await place.start()
	const directory = now(makeDirectory(client.fs, at('large'), OWNER)).id
	for (let i = 0; i < 5_000; i++) now(makeSpecial(client.fs, at(`f${i}`, directory), OWNER, KIND.fifo, 0))
	await once(client, manifest())
	const folder = place.node(1, '.cairn/manifest')
	const whole = bytesBelow(folder)
	const first = stateOf(place)
	assert.equal(first?.base.records, 5_002)
	assert.equal(first?.base.shards, 3)

	writeFile(client.fs, 'one', 'text', directory)
	assert.deepEqual((await once(client, manifest())).outcomes, { recorded: 2 })
	const second = stateOf(place)
	assert.deepEqual(second?.base, first?.base)
	assert.equal(second?.segments.length, 1)
	assert.ok(bytesBelow(folder) - whole < 2_000)

	const before = readFileSync(join(folder, 'state'))
	assert.deepEqual((await once(client, manifest())).outcomes, {})
	assert.deepEqual(readFileSync(join(folder, 'state')), before)
})

test('segments are merged when they have grown', async (t) => {
	const place = await installation(t)
	const client = await place.start()
	await once(client, manifest())
	const directory = now(makeDirectory(client.fs, at('d'), OWNER)).id
	for (let i = 0; i < 3; i++) {
		writeFile(client.fs, `f${i}`, 'text', directory)
		await once(client, manifest())
	}
	assert.equal(stateOf(place)?.segments.length, 3)
	await once(client, manifest({ full: true }))
	const state = stateOf(place)
	assert.deepEqual(state?.segments, [])
	assert.equal(state?.base.records, 5)
	assert.deepEqual(readdirSync(place.node(1, '.cairn/manifest')).sort(), [state?.base.name, 'state'].sort())
})

test('it is written anew where it is damaged, missing, of another catalogue, or the journal has been pruned past it', async (t) => {
	const place = await installation(t)
	const client = await place.start()
	writeFile(client.fs, 'a', 'text')
	await once(client, manifest())
	const folder = place.node(1, '.cairn/manifest')
	const baseOf = () => stateOf(place)?.base.name as string

	const bytes = readFileSync(join(folder, 'state'))
	bytes[bytes.length - 20] ^= 1
	writeFileSync(join(folder, 'state'), bytes)
	assert.equal(stateOf(place), undefined)
	await once(client, manifest())
	const repaired = baseOf()
	assert.ok(repaired)

	writeFile(client.fs, 'b', 'text')
	writeFile(client.fs, 'c', 'text')
	place.rows('DELETE FROM `change` WHERE seq < (SELECT MAX(seq) FROM `change`) RETURNING seq')
	assert.ok(((await once(client, manifest())).outcomes.recorded ?? 0) >= 4)
	assert.notEqual(baseOf(), repaired)

	place.rows("INSERT INTO setting (name, value) VALUES ('epoch', '99') RETURNING name")
	const others = stateOf(place)
	await once(client, manifest())
	assert.equal(stateOf(place)?.epoch, 99)
	const before = place.node(1, '.cairn/manifest-before/state')
	assert.deepEqual(parseState(readFileSync(before)), others)
})

test('a run that is stopped leaves what there was, and nothing of its own for long', async (t) => {
	const place = await installation(t)
	const client = await place.start()
	writeFile(client.fs, 'a', 'text')
	await once(client, manifest())
	const state = stateOf(place)
	const node = client.fs.nodes.get(1) as Node
	for (const calls of [1, 2]) {
		await assert.rejects(runJob(client.fs, failing(node, calls), manifest({ full: true }), { signal: never }), { code: 'EIO' })
		assert.deepEqual(stateOf(place), state)
	}
	const stop = new AbortController()
	stop.abort()
	await runJob(client.fs, node, manifest({ full: true }), { signal: stop.signal })
	assert.deepEqual(stateOf(place), state)
	writeFileSync(place.node(1, '.cairn/incoming/manifest-left'), 'by a process that was killed')
	await once(client, manifest({ full: true }))
	assert.deepEqual(readdirSync(place.node(1, '.cairn/incoming')), [])
	assert.equal(readdirSync(place.node(1, '.cairn/manifest')).length, 2)
})

/** From the `calls`th file that is to reach the disk the node does nothing any more, as if the process had been killed. */
function failing(node: Node, calls: number): Node {
	const dead = () => {
		throw Object.assign(new Error('dead'), { code: 'EIO' })
	}
	let left = calls
	const operations = {
		...node.operations,
		sync: (fd: number, dataOnly: boolean) => (--left > 0 ? node.operations.sync(fd, dataOnly) : dead()),
		unlink: (path: Buffer) => (left > 0 ? node.operations.unlink(path) : dead()),
	}
	return { ...node, operations }
}

test('one that stood still while its manifest reached the disk leaves that of the next in place', async (t) => {
	const place = await installation(t)
	const [client, next] = [await place.start(), await place.start()]
	writeFile(client.fs, 'a', 'text')
	await once(client, manifest())
	writeFile(client.fs, 'b', 'text')
	const node = client.fs.nodes.get(1) as Node
	// A segment, then what names it.
	let left = 2
	async function sync(fd: number, dataOnly: boolean) {
		await node.operations.sync(fd, dataOnly)
		if (--left > 0) return
		place.rows("UPDATE lease SET until_at = 0 WHERE name LIKE 'manifest:%' RETURNING name")
		writeFile(next.fs, 'c', 'text')
		await once(next, manifest({ full: true }))
	}
	await assert.rejects(runJob(client.fs, { ...node, operations: { ...node.operations, sync } }, manifest(), { signal: never }), { code: 'ECANCELED' })
	const state = stateOf(place)
	assert.deepEqual([state?.base.records, state?.segments], [4, []])
	assert.ok(readdirSync(place.node(1, '.cairn/manifest')).includes(state?.base.name ?? ''), 'what it names is there')
})

test('everything of ours on a node is for its owner alone', async (t) => {
	const place = await installation(t)
	const client = await place.start()
	await once(client, manifest())
	await once(client, dumpJob)
	for (const name of readdirSync(place.node(1, '.cairn'), { recursive: true, encoding: 'utf8' })) {
		const stat = statSync(place.node(1, `.cairn/${name}`))
		if (name.startsWith('manifest') || name.startsWith('dumps')) assert.equal(stat.mode & 0o077, 0, name)
	}
})

test('a dump that is told to stop is no failure, and leaves nothing', async (t) => {
	const place = await installation(t)
	const { fs } = await place.start()
	const { summary } = await runJob(fs, fs.nodes.get(1) as Node, dumpJob, { signal: AbortSignal.abort() })
	assert.equal(summary?.stopped, true)
	assert.deepEqual(summary?.outcomes, {})
	assert.equal(existsSync(place.node(1, '.cairn/dumps')) && readdirSync(place.node(1, '.cairn/dumps')).length > 0, false)
	assert.deepEqual(readdirSync(place.node(1, '.cairn/incoming')), [])
	assert.equal((await once({ fs } as Client, dumpJob)).outcomes.written, 1)
})

test('a dump each night, and no more than are to be kept', async (t) => {
	const place = await installation(t)
	const client = await place.start()
	await once(client, dumpJob)
	const folder = place.node(1, '.cairn/dumps')
	const [first] = readdirSync(folder)
	assert.match(first, /^catalogue-\d{8}T\d{6}\.jsonl\.gz$/)
	for (let day = 10; day < 20; day++) writeFileSync(join(folder, `catalogue-200001${day}T000000.jsonl.gz`), '')
	writeFileSync(join(folder, 'of somebody else'), '')
	chmodSync(folder, 0o700)
	await once(client, dumpJob)
	const left = readdirSync(folder).filter((name) => name.startsWith('catalogue-'))
	assert.equal(left.length, client.fs.config.replicator.dumpsKept)
	assert.ok(left.includes(first))
	assert.ok(existsSync(join(folder, 'of somebody else')))
})

test('a change that is committed late, with a lower number, is not missed', async (t) => {
	const { driver } = await ready(t, mariadb)
	await driver.change("INSERT INTO `change` (seq, at, client_id, op, file_id) VALUES (5, 1, 1, 'publish', 50), (10, UNIX_TIMESTAMP(), 1, 'publish', 100)")
	const first = await lookNow(driver, driver.capabilities)
	assert.deepEqual([first.seq, first.readFrom], [10, 5])
	await driver.change("INSERT INTO `change` (seq, at, client_id, op, file_id) VALUES (9, UNIX_TIMESTAMP(), 2, 'publish', 90)")
	const state = { ...first, format: '', version: 1, date: '', node: '', base: { name: '', seq: 5, shards: 0, records: 0 }, segments: [] }
	assert.deepEqual(await changedSince(driver, state, await lookNow(driver, driver.capabilities)), new Set([90, 100]))
	// What is left when all older lines are pruned is no reason to begin anew.
	await driver.change('DELETE FROM `change` WHERE seq < 9')
	const young = await lookNow(driver, driver.capabilities)
	assert.deepEqual(await changedSince(driver, { ...state, ...young }, young), new Set([90, 100]))
})

test('others get their turn while it is written', async (t) => {
	const place = await installation(t)
	const client = await place.start()
	const directory = now(makeDirectory(client.fs, at('d'), OWNER)).id
	for (let i = 0; i < 2_000; i++) now(makeSpecial(client.fs, at(`f${i}`, directory), OWNER, KIND.fifo, 0))
	let turns = 0
	let running = true
	const turn = () => {
		turns++
		if (running) setImmediate(turn)
	}
	t.after(() => {
		running = false
	})
	setImmediate(turn)
	await once(client, manifest())
	assert.ok(turns >= 5, `${turns}`)
})
