/** The daemon: begins what is due and what there is to do, and outlives what is away. */
import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { test } from 'node:test'
import type { Driver } from '../../core/catalogue/driver.ts'
import { Errno } from '../../core/errors.ts'
import type { Replicator } from '../../replicator/replicator.ts'
import { inState } from '../../replicator/service/jobs.ts'
import { installation, setUp } from '../unit/installation.ts'
import { daemon, line, schedule, SELDOM, TICK_MS, work } from './service-ground.ts'

test('what was missed is caught up with, once', async (t) => {
	const place = await installation(t)
	const client = await place.start()
	schedule(client.fs, { verify: SELDOM, walk: '' })
	const [verify, walk] = [work('verify'), work('walk')]
	const begins = verify.begins()
	const first = daemon(t, client, { verify: verify.kind, walk: walk.kind })
	await begins
	await line(first, /verify node1 ended/)
	await first.stop()
	const [row] = place.rows("SELECT state, ended FROM job WHERE name = 'verify:1'")
	assert.equal(row.state, 'done')

	const trim = work('trim')
	schedule(client.fs, { verify: SELDOM, trim: SELDOM })
	const second = daemon(t, client, { verify: verify.kind, trim: trim.kind })
	await line(second, /trim node1 ended/)
	assert.deepEqual([verify.begun(), walk.begun()], [1, 0])
})

test('the schedule starts work, and a new one holds at once', async (t) => {
	const client = await (await installation(t)).start()
	schedule(client.fs, {})
	const walk = work('walk')
	const running = daemon(t, client, { walk: walk.kind })
	schedule(client.fs, { walk: '* * * * * *' })
	const begins = walk.begins()
	running.reschedule()
	await begins
})

test('copies are begun when they are wanted, by whatever happens besides', async (t) => {
	const place = await installation(t, 2)
	const client = await place.start()
	schedule(client.fs, { replicate: SELDOM, verify: SELDOM })
	client.fs.catalogue.change(
		"INSERT INTO job (name, state, started) VALUES ('replicate:1', 'done', 9999999999), ('replicate:2', 'done', 9999999999)",
	)
	const [replicate, verify] = [work('replicate'), work('verify')]
	verify.holdOn()
	const verifying = verify.begins()
	const running = daemon(t, client, { replicate: replicate.when(2), verify: verify.kind })
	await verifying
	const begins = replicate.begins()
	client.fs.catalogue.change('INSERT INTO replica (file_id, node_id, version, state) VALUES (77, 2, 0, 2)')
	const [{ node }] = (await begins) as [Replicator]
	assert.equal(node.name, 'node2')
	client.fs.catalogue.change('DELETE FROM replica')
	assert.ok(running.lines.every((each) => !each.startsWith('verify')))
})

test('a run that could do nothing is not begun again at once, until there is news', async (t) => {
	const place = await installation(t)
	const client = await place.start()
	schedule(client.fs, { replicate: SELDOM })
	let begun = 0
	const told = new EventEmitter()
	const make = () => ({
		what: 'replicate',
		async work({ run }: Replicator) {
			begun++
			run.trouble('x', 'no source')
			told.emit('begun')
		},
	})
	client.fs.catalogue.change("INSERT INTO job (name, state, started) VALUES ('replicate:1', 'done', 9999999999)")
	client.fs.catalogue.change('INSERT INTO replica (file_id, node_id, version, state) VALUES (77, 1, 0, 2)')
	const first = once(told, 'begun')
	const running = daemon(t, client, { replicate: { make, isDue: inState(2), pause: { firstMs: 2_000, mostMs: 60_000 }, isWoken: true } })
	await first
	await line(running, /replicate node1 ended/)
	for (let ticks = 0; ticks < 10; ticks++) await new Promise((resolve) => setTimeout(resolve, TICK_MS))
	assert.equal(begun, 1)
	const second = once(told, 'begun')
	client.fs.onChange({ seq: 0, client_id: 0, op: 'publish', parent_id: null, name: null, file_id: 77, detail: null })
	await second
	assert.equal(begun, 2)
})

test('the same work is not done twice at a time', async (t) => {
	const client = await (await installation(t)).start()
	schedule(client.fs, { walk: '* * * * * *' })
	const walk = work('walk')
	walk.holdOn()
	const begins = walk.begins()
	const running = daemon(t, client, { walk: walk.kind })
	await begins
	await new Promise((resolve) => setTimeout(resolve, 1_500))
	assert.equal(walk.begun(), 1)
	const again = walk.begins()
	walk.go()
	await again
	await running.stop()
})

test('a node that is away is left alone until it is back', async (t) => {
	const client = await (await installation(t, 2)).start()
	schedule(client.fs, { verify: SELDOM })
	setUp(client.fs, 1, false)
	const verify = work('verify')
	const running = daemon(t, client, { verify: verify.kind })
	await line(running, /verify node2 ended/)
	for (let ticks = 0; ticks < 5; ticks++) await new Promise((resolve) => setTimeout(resolve, TICK_MS))
	assert.equal(verify.begun(), 1)
	setUp(client.fs, 1, true)
	await line(running, /verify node1 ended/)
})

/** A catalogue that can be away. */
function unsteady(): { wrap(driver: Driver): Driver; away(is: boolean): void } {
	let isAway = false
	const asked = ['get', 'all', 'read', 'transaction'] as const
	return {
		away(is) {
			isAway = is
		},
		wrap(driver) {
			const guarded = Object.fromEntries(
				asked.map((name) => [
					name,
					(...words: never[]) => {
						if (isAway) throw new Errno('EIO', 'the catalogue does not answer')
						return (driver[name] as (...words: never[]) => unknown).apply(driver, words)
					},
				]),
			)
			return Object.assign(Object.create(driver) as Driver, guarded)
		},
	}
}

test('a catalogue that is away for a while is waited for', async (t) => {
	const catalogue = unsteady()
	const place = await installation(t)
	const client = await place.start({ wrap: catalogue.wrap })
	schedule(client.fs, { replicate: SELDOM })
	const replicate = work('replicate')
	const begins = replicate.begins()
	const running = daemon(t, client, { replicate: replicate.when(2) })
	await begins
	await line(running, /replicate node1 ended/)
	catalogue.away(true)
	await line(running, /catalogue: .*does not answer/)
	catalogue.away(false)
	const again = replicate.begins()
	client.fs.catalogue.change('INSERT INTO replica (file_id, node_id, version, state) VALUES (77, 1, 0, 2)')
	await again
	await running.stop()
})

test('a job that fails says why, and is not begun again at once', async (t) => {
	const place = await installation(t)
	const client = await place.start()
	schedule(client.fs, { walk: SELDOM })
	let begun = 0
	const make = () => ({
		what: 'walk',
		async work() {
			begun++
			throw new Errno('EIO', 'the disk is odd')
		},
	})
	const running = daemon(t, client, { walk: { make } })
	await line(running, /walk node1 failed: the disk is odd/)
	for (let ticks = 0; ticks < 10; ticks++) await new Promise((resolve) => setTimeout(resolve, TICK_MS))
	assert.equal(begun, 1)
	const [row] = place.rows("SELECT state FROM job WHERE name = 'walk:1'")
	assert.equal(row.state, 'failed')
})
