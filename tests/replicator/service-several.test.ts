/** Several daemons, several nodes: whose they are, and what is done once. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refreshNodes } from '../../core/filesystem/nodes.ts'
import { type Client, installation, now, setUp } from '../unit/installation.ts'
import { daemon, line, schedule, SELDOM, work } from './service-ground.ts'

test('a second daemon of the same node says so and ends', async (t) => {
	const place = await installation(t, 2)
	const [a, b] = [await place.start(), await place.start()]
	schedule(a.fs, { verify: SELDOM })
	schedule(b.fs, { verify: SELDOM })
	const [first, second] = [work('verify'), work('verify')]
	const begins = first.begins()
	daemon(t, a, { verify: first.kind })
	await begins
	const late = daemon(t, b, { verify: second.kind })
	await late.ended
	assert.equal(late.lines.length, 1)
	assert.match(late.lines[0], /^node1, node2: looked after already \(test, process \d+ on /)
	assert.equal(second.begun(), 0)
})

test('the nodes of a daemon that was killed are taken over', async (t) => {
	const place = await installation(t)
	const [a, b] = [await place.start(), await place.start()]
	schedule(a.fs, {})
	schedule(b.fs, { verify: SELDOM })
	const first = daemon(t, a, {})
	while (place.rows('SELECT 1 FROM lease').length === 0) await new Promise((resolve) => setImmediate(resolve))
	a.kill()
	const verify = work('verify')
	const begins = verify.begins()
	daemon(t, b, { verify: verify.kind })
	await begins
	assert.deepEqual(first.lines, [])
})

test('told to end, it lets runs end at their next file and the next one goes on with them', async (t) => {
	const place = await installation(t)
	const client = await place.start()
	schedule(client.fs, { walk: SELDOM })
	const walk = work('walk')
	walk.holdOn()
	const begins = walk.begins()
	const running = daemon(t, client, { walk: walk.kind })
	await begins
	await running.stop()
	assert.deepEqual(running.lines, ['walk node1 ended'])
	assert.deepEqual(place.rows('SELECT name FROM lease'), [])
	const [row] = place.rows("SELECT state FROM job WHERE name = 'walk:1'")
	assert.equal(row.state, 'paused')
	const again = walk.begins()
	daemon(t, client, { walk: walk.kind })
	await again
})

test('large work is done for one node after the other', async (t) => {
	const client = await (await installation(t, 3)).start()
	schedule(client.fs, { dump: SELDOM, verify: SELDOM })
	const [dump, verify] = [work('dump'), work('verify')]
	dump.holdOn()
	const running = daemon(t, client, { dump: { ...dump.kind, isLarge: true }, verify: verify.kind })
	for (const node of ['node1', 'node2', 'node3']) await line(running, new RegExp(`verify ${node} ended`))
	for (const many of [1, 2, 3]) {
		assert.equal(dump.begun(), many)
		const next = many < 3 ? dump.begins() : line(running, /dump node3 ended/)
		dump.go()
		await next
	}
})

test('what belongs to no node is done once, whatever the number of nodes', async (t) => {
	const place = await installation(t, 3)
	const client = await place.start()
	schedule(client.fs, { trash: SELDOM, verify: SELDOM })
	const [trash, verify] = [work('trash', true), work('verify')]
	const running = daemon(t, client, { trash: trash.kind, verify: verify.kind })
	for (const node of ['node1', 'node2', 'node3']) await line(running, new RegExp(`verify ${node} ended`))
	await line(running, /trash node1 ended/)
	assert.equal(trash.begun(), 1)
	assert.equal(place.rows("SELECT name FROM job WHERE name LIKE 'trash%'")[0].name, 'trash')
})

test('what belongs to no node goes on when the first of them is away, given up or removed', { timeout: 20_000 }, async (t) => {
	const place = await installation(t, 3)
	const client = await place.start()
	const { fs } = client
	schedule(fs, {})
	const level = work('level', true)
	const kind = { ...level.kind, isDue: async () => true, pause: { firstMs: 1, mostMs: 1 } }
	const running = daemon(t, client, { level: kind })
	await line(running, /^level node1 ended/)
	setUp(fs, 1, false)
	await line(running, /^level node2 ended/)
	fs.catalogue.change("UPDATE node SET state = 'dead' WHERE id = 2")
	now(refreshNodes(fs))
	setUp(fs, 1, false)
	await line(running, /^level node3 ended/)
	fs.nodes.delete(1)
	fs.nodes.delete(2)
	const before = level.begun()
	while (level.begun() < before + 3) await level.begins()
	assert.equal(running.lines.at(-1), 'level node3 ended')
})

test('one that stood still for long notices that another has taken over', async (t) => {
	const place = await installation(t)
	const [a, b] = [await place.start(), await place.start()]
	schedule(a.fs, { walk: SELDOM })
	const walk = work('walk')
	walk.holdOn()
	const begins = walk.begins()
	const running = daemon(t, a, { walk: walk.kind })
	await begins
	a.fs.catalogue.change("UPDATE lease SET client_id = ? WHERE name = 'replicator:1'", [b.fs.client])
	await line(running, /^node1: test, process \d+ on .* has taken over$/)
	await line(running, /walk node1 ended/)
	assert.equal(place.rows("SELECT client_id FROM lease WHERE name = 'replicator:1'")[0].client_id, b.fs.client)
})

test('a node that is added later is looked after too', async (t) => {
	const place = await installation(t)
	const { fs } = await place.start()
	schedule(fs, { verify: SELDOM })
	const verify = work('verify')
	const running = daemon(t, { fs } as Client, { verify: verify.kind })
	await line(running, /verify node1 ended/)
	await place.addNode(2)
	now(refreshNodes(fs))
	await line(running, /verify node2 ended/)
})
