/** The catalogue does not answer, before a request and in the middle of one, in every dialect: an error in time, content old or new and never a part, and all goes on afterwards. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { type TestContext, test } from 'node:test'
import { mariadb, sqlite } from '../catalogue/engines.ts'
import { startMariadb } from '../support/mariadb.ts'
import { standStill } from '../support/stand-still.ts'
import { until } from '../support/until.ts'
import { ANYBODY, ask, type Dialect, dialects, type Sent, type Target } from './dialects.ts'
import { openDoor, type TestDoor } from './door.ts'
import { holdChange } from './held-change.ts'
import { filesBelow } from './left-behind.ts'

const CATALOGUE_TIMEOUT_MS = 400
const ANSWER_MS_MAX = 20 * CATALOGUE_TIMEOUT_MS
const BEFORE = 'as it was before'
const AFTER = 'what comes after'
const LARGE = randomBytes(8_000_000)

interface Ground {
	door: TestDoor
	targets: Array<[Dialect, Target]>
}

async function prepare(t: TestContext, engine = mariadb): Promise<Ground> {
	const door = await openDoor(t, { engine, nodes: 1, listen: ANYBODY, config: { catalogueTimeoutMs: CATALOGUE_TIMEOUT_MS } })
	const targets: Array<[Dialect, Target]> = []
	// On a busy machine the catalogue may be slower than it is given here.
	const prepared = (dialect: Dialect) => dialect.prepare(door, `f-${dialect.name}`, BEFORE).catch(() => undefined)
	for (const dialect of dialects) targets.push([dialect, await until(`${dialect.name} has a file`, () => prepared(dialect))])
	return { door, targets }
}

const away = ({ name }: Dialect) => (name === 'sfss' ? 504 : 503)

async function fails(door: TestDoor, dialect: Dialect, sent: Sent): Promise<void> {
	const startMs = performance.now()
	const answer = await ask(door, sent)
	assert.equal(answer.status, away(dialect), `${dialect.name} ${sent.method} ${sent.target}: ${answer.body}`)
	assert.ok(dialect.reason(answer), `${dialect.name}: ${answer.body}`)
	assert.doesNotMatch(String(answer.body), /mariadb|ECONN|sql/i, 'where the catalogue is, and whose, is nobody\'s business')
	assert.ok(performance.now() - startMs < ANSWER_MS_MAX)
}

/** Old or new, and nothing half; written to again it has that. */
async function goesOn({ door, targets }: Ground): Promise<void> {
	for (const [dialect, { read, write, fresh }] of targets) {
		const content = await until(`${dialect.name}: it is served again`, async () => {
			const answer = await ask(door, read)
			return answer.status === 200 ? answer.body.toString() : undefined
		})
		assert.ok([BEFORE, AFTER].includes(content), `${dialect.name}: ${content}`)
		if (fresh) {
			const { status, body } = await until(`${dialect.name}: it is known whether there is a new one`, async () => {
				const answer = await ask(door, { ...fresh, method: 'GET', target: fresh.target })
				return answer.status < 500 ? answer : undefined
			})
			assert.ok(status === 404 || body.toString() === AFTER, `${dialect.name}: ${status} ${body}`)
		}
		await until(`${dialect.name}: it is written again`, async () => (await ask(door, { ...write, body: AFTER })).status < 300 || undefined)
		await until(`${dialect.name}: it has what was written`, async () => (await ask(door, read)).body.toString() === AFTER || undefined)
	}
	await until('nothing is left of what was given up', () => filesBelow(door.node(1)).every((each) => !each.startsWith('/.cairn/uploads/')) || undefined)
}

async function paused(body: () => Promise<void>): Promise<void> {
	const pid = (await startMariadb()).pid() as number
	await standStill(pid)
	try {
		await body()
	} finally {
		process.kill(pid, 'SIGCONT')
	}
}

test('it hangs', async (t) => {
	const ground = await prepare(t)
	await paused(async () => {
		await Promise.all(
			ground.targets.map(async ([dialect, { read, write, fresh }]) => {
				await fails(ground.door, dialect, read)
				await fails(ground.door, dialect, { ...write, body: AFTER })
				if (fresh) await fails(ground.door, dialect, { ...fresh, body: AFTER })
			}),
		)
	})
	await goesOn(ground)
})

test('it is gone, and comes back', async (t) => {
	const ground = await prepare(t)
	const server = await startMariadb()
	await server.kill()
	await Promise.all(
		ground.targets.map(async ([dialect, { read, write }]) => {
			await fails(ground.door, dialect, read)
			await fails(ground.door, dialect, { ...write, body: AFTER })
		}),
	)
	await server.restart()
	await goesOn(ground)
})

function begin({ url }: TestDoor, { method, target: path, headers = {} }: Sent): ClientRequest {
	const { hostname, port } = new URL(url)
	return request({ hostname, port, method, path, headers, agent: false })
}

test('it hangs while content comes, and while it is sent', async (t) => {
	const ground = await prepare(t)
	const { door, targets } = ground
	await until('a large file is there', async () => (await ask(door, { method: 'PUT', target: '/files/large', body: LARGE })).status < 300 || undefined)
	const reading = begin(door, { method: 'GET', target: '/files/large' })
	reading.end()
	const [large] = (await once(reading, 'response')) as [IncomingMessage]
	const writing = targets.map(([dialect, { write }]) => ({ dialect, asked: begin(door, { ...write, headers: { 'content-length': String(AFTER.length) } }) }))
	for (const { asked } of writing) asked.write(AFTER.slice(0, 5))
	await until('each has begun', async () => (await ask(door, { method: 'GET', target: '/files/' })).status === 200 || undefined)
	await paused(async () => {
		const chunks: Buffer[] = []
		for await (const chunk of large) chunks.push(chunk as Buffer)
		assert.ok(Buffer.concat(chunks).equals(LARGE), 'what is open is read to its end')
		await Promise.all(
			writing.map(async ({ dialect, asked }) => {
				const answered = once(asked, 'response')
				asked.end(AFTER.slice(5))
				const [answer] = (await answered) as [IncomingMessage]
				assert.equal(answer.statusCode, away(dialect), dialect.name)
				answer.resume()
			}),
		)
	})
	await goesOn(ground)
})

test('SQLite: another process holds the lock', async (t) => {
	const ground = await prepare(t, sqlite)
	const letGo = await holdChange(ground.door, [])
	for (const [dialect, { read, write }] of ground.targets) {
		assert.equal((await ask(ground.door, read)).body.toString(), BEFORE, 'reading goes on')
		await fails(ground.door, dialect, { ...write, body: AFTER })
	}
	await letGo()
	await goesOn(ground)
})
