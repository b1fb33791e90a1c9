/** The daemon: when work begins, what is caught up with, what it does about others and about trouble. */
import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { type TestContext, test } from 'node:test'
import type { Driver } from '../../core/catalogue/driver.ts'
import type { JobRow } from '../../core/catalogue/jobs.ts'
import { Errno } from '../../core/errors.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { refreshNodes } from '../../core/filesystem/nodes.ts'
import type { Job, Replicator } from '../../replicator/replicator.ts'
import { nextDue, previousDue, wrongWith } from '../../replicator/service/due.ts'
import { inState, type JobName } from '../../replicator/service/jobs.ts'
import { isMissed } from '../../replicator/service/node-service.ts'
import { createPause } from '../../replicator/service/pause.ts'
import { createRepeats } from '../../replicator/service/repeats.ts'
import { type Service, startService } from '../../replicator/service/service.ts'
import { type Client, installation, now, setUp } from '../unit/installation.ts'

const TICK_MS = 5

/** Work that tells when it begins and goes on until it is let go or stopped. */
function work(what: string, ofTree = false) {
	const told = new EventEmitter()
	let begun = 0
	let hold = false
	const job: Job = {
		what,
		ofTree,
		async work(replicator: Replicator) {
			begun++
			told.emit('begun', replicator)
			if (hold && !replicator.run.signal.aborted) await Promise.race([once(told, 'go'), once(replicator.run.signal, 'abort')])
			replicator.run.done('seen', 0)
		},
	}
	return {
		kind: { make: () => job },
		/** Begun when a row of table replica is in that state, besides. */
		when: (state: number) => ({ make: () => job, isDue: inState(state), pause: { firstMs: 2_000, mostMs: 60_000 }, isWoken: true }),
		begins: () => once(told, 'begun'),
		begun: () => begun,
		holdOn() {
			hold = true
		},
		go: () => told.emit('go'),
	}
}

interface Daemon {
	lines: string[]
	said: EventEmitter
	stop(): Promise<void>
	ended: Promise<void>
	reschedule(): void
}

function daemon(test: TestContext, { fs }: Client, kinds: Service['kinds']): Daemon {
	const lines: string[] = []
	const said = new EventEmitter()
	const say = (line: string) => {
		lines.push(line)
		said.emit('line', line)
	}
	const stopping = new AbortController()
	const started = startService({
		fs,
		isOurs: () => true,
		signal: stopping.signal,
		report: say,
		show: (job, node) => ({
			watcher: {},
			end: () => say(`${job} ${node.name} ended`),
			elsewhere: (holder) => say(`${job} ${node.name} elsewhere: ${holder}`),
			failed: (error) => say(`${job} ${node.name} failed: ${error.message}`),
		}),
		kinds,
		tickMs: TICK_MS,
		renewMs: TICK_MS,
	})
	const stop = async () => {
		stopping.abort()
		await started.ended
	}
	test.after(stop)
	return { lines, said, stop, ended: started.ended, reschedule: started.reschedule }
}

function schedule(fs: Filesystem, expressions: Partial<Record<JobName, string>>): void {
	const never = { replicate: '', walk: '', verify: '', trim: '', manifest: '', dump: '', trash: '' }
	fs.config.replicator.schedule = { ...never, ...expressions }
}

/** Once a year, not today. */
const SELDOM = `0 0 ${new Date().getDate() === 1 ? 2 : 1} ${((new Date().getMonth() + 6) % 12) + 1} *`

async function line(from: Daemon, pattern: RegExp): Promise<void> {
	while (!from.lines.some((each) => pattern.test(each))) await once(from.said, 'line')
}

test('a schedule is due next and was due last', () => {
	const now = new Date(2026, 4, 14, 12, 30, 30) // a Thursday
	const last = (expression: string) => previousDue(expression, now)
	assert.deepEqual(last('* * * * *'), new Date(2026, 4, 14, 12, 30, 0))
	assert.deepEqual(last('*/5 * * * * *'), new Date(2026, 4, 14, 12, 30, 30))
	assert.deepEqual(last('17 1 * * *'), new Date(2026, 4, 14, 1, 17))
	assert.deepEqual(last('17 13 * * *'), new Date(2026, 4, 13, 13, 17))
	assert.deepEqual(last('31 12 * * *'), new Date(2026, 4, 13, 12, 31))
	assert.deepEqual(last('0 4 * * 0'), new Date(2026, 4, 10, 4))
	assert.deepEqual(last('0 4 31 * *'), new Date(2026, 2, 31, 4))
	assert.deepEqual(last('0 0 29 2 *'), new Date(2024, 1, 29))
	assert.ok(nextDue('* * * * *').getTime() - Date.now() <= 60_000)
	assert.ok(nextDue('0 4 * * *') > new Date())
	assert.equal(wrongWith('*/5 * * * *'), undefined)
	assert.match(wrongWith('99 * * * *') ?? '', /minute/)
})

test('missed: due while nothing ran, or not come to its end; by the clock that wrote the row down', () => {
	const here = new Date(2026, 4, 14, 12, 30)
	const row = (started: number, state: JobRow['state'] = 'done'): JobRow => ({
		name: 'x',
		state,
		started,
		ended: 0,
		position: null,
		summary: '{}',
	})
	const clocks = { database: 1_000_000, here }
	const sinceDue = (12 * 60 + 30 - (60 + 17)) * 60
	assert.equal(isMissed('17 1 * * *', row(1_000_000 - sinceDue - 1), clocks), true)
	assert.equal(isMissed('17 1 * * *', row(1_000_000 - sinceDue), clocks), false)
	assert.equal(isMissed('17 1 * * *', undefined, clocks), true)
	assert.equal(isMissed('17 1 * * *', row(999_999, 'paused'), clocks), true)
	assert.equal(isMissed('17 1 * * *', row(999_999, 'running'), clocks), true)
	assert.equal(isMissed('', row(0, 'failed'), clocks), false)
})

test('a pause grows up to its limit and ends with news', () => {
	let ms = 0
	const pause = createPause({ firstMs: 10, mostMs: 40 }, () => ms)
	assert.equal(pause.isOver(), true)
	for (const length of [10, 20, 40, 40]) {
		pause.longer()
		ms += length - 1
		assert.equal(pause.isOver(), false)
		ms += 1
		assert.equal(pause.isOver(), true)
	}
	pause.longer()
	pause.end()
	assert.equal(pause.isOver(), true)
	pause.longer()
	ms += 10
	assert.equal(pause.isOver(), true)
})

test('the same line is said once an hour', () => {
	let ms = 0
	const repeats = createRepeats(() => ms)
	assert.deepEqual([repeats.isNews('a'), repeats.isNews('a'), repeats.isNews('b')], [true, false, true])
	ms = 3_600_000
	assert.deepEqual([repeats.isNews('a'), repeats.isNews('a')], [true, false])
})

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
