/** Several doors together send a site no more than one may: by a clock of the test, and as real doors on one catalogue. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { createShares, type Said, type Shares, type ShareTable } from '../../core/off-site/shares.ts'
import { authorizationOf, NO_BODY } from '../../core/off-site/signature.ts'
import { type Clock, createThrottle, pass } from '../../core/off-site/throttle.ts'
import { engines } from '../catalogue/engines.ts'
import { until } from '../support/until.ts'
import { newSite, openKeeper, type TestSite } from './keeper.ts'

const RATE = 1_000_000
const SLICE_BYTES = 8_192
const SITE = 7
const END_MS = 20_000

interface Turns extends Clock {
	/** Until nobody waits any more. */
	play(): Promise<void>
}

function newTurns(): Turns {
	let nowMs = 0
	const waiting: Array<{ atMs: number; wake: () => void }> = []
	return {
		elapsedMs: () => nowMs,
		sleep: (ms) => new Promise<void>((wake) => void waiting.push({ atMs: nowMs + ms, wake })),
		async play() {
			for (;;) {
				await new Promise(setImmediate)
				const next = waiting.sort((a, b) => a.atMs - b.atMs).shift()
				if (!next) return
				nowMs = Math.max(nowMs, next.atMs)
				next.wake()
			}
		},
	}
}

/** What everybody said last, as long as a lease lasts. */
function newTable(clock: Clock): (client: number) => ShareTable {
	const rows = new Map<string, Said & { untilMs: number }>()
	return () => ({
		async exchange(own) {
			for (const said of own) rows.set(`${said.client} ${said.site}`, { ...said, untilMs: clock.elapsedMs() + 4_000 })
			return [...rows.values()].filter(({ untilMs }) => untilMs > clock.elapsedMs())
		},
	})
}

test('two doors and their streams keep to the rate of the site, also when one of them comes later', async () => {
	for (const beginsMs of [[0, 0], [0, 4_321], [0, 10, 9_000]]) {
		const clock = newTurns()
		const table = newTable(clock)
		const { signal } = new AbortController()
		let bytes = 0
		const stream = async (shares: Shares, throttle: ReturnType<typeof createThrottle>) => {
			await shares.ready(SITE)
			const end = shares.begin(SITE)
			while (clock.elapsedMs() < END_MS) {
				await pass(SLICE_BYTES, [{ throttle, rate: RATE / shares.processes(SITE) }], signal, clock)
				if (clock.elapsedMs() < END_MS) bytes += SLICE_BYTES
			}
			end()
		}
		const doors = beginsMs.map(async (beginMs, index) => {
			const shares = createShares(index + 1, table(index + 1), clock.elapsedMs)
			const throttle = createThrottle(clock)
			await clock.sleep(beginMs)
			const streams = Promise.all([stream(shares, throttle), stream(shares, throttle)])
			while (clock.elapsedMs() < END_MS) {
				await clock.sleep(1_000)
				await shares.renew()
			}
			await streams
		})
		await clock.play()
		await Promise.all(doors)
		const rate = bytes / (END_MS / 1_000)
		assert.ok(Math.abs(rate - RATE) < RATE * 0.05, `${beginsMs}: ${Math.round(rate)} bytes/s`)
	}
})

test('one that ended, or could not ask, leaves the others what is theirs', async () => {
	const clock = newTurns()
	const table = newTable(clock)
	const [a, b] = [1, 2].map((client) => createShares(client, table(client), clock.elapsedMs)) as [Shares, Shares]
	await a.ready(SITE)
	const end = a.begin(SITE)
	await b.ready(SITE)
	b.begin(SITE)
	for (const each of [b, a, b]) await each.renew()
	assert.deepEqual([a.processes(SITE), b.processes(SITE), a.streams(SITE), b.streams(SITE)], [2, 2, 2, 2])
	end()
	void clock.sleep(5_000)
	await clock.play()
	await b.renew()
	assert.deepEqual([b.processes(SITE), b.streams(SITE)], [1, 1])
	const alone = createShares(3, { exchange: async () => { throw new Error('away') } }, clock.elapsedMs)
	await alone.ready(SITE)
	alone.begin(SITE)
	assert.equal(alone.processes(SITE), 1)
})

async function begin(site: TestSite, url: string, path: string): Promise<IncomingMessage> {
	const signed = { method: 'GET', target: path, site: site.name, agent: site.agent, time: String(Math.floor(Date.now() / 1000)), nonce: crypto.randomUUID(), body: NO_BODY }
	const sent = get(`${url}${path}`, { headers: { authorization: authorizationOf(site.key, signed) }, agent: false })
	const [answer] = await once(sent, 'response')
	return answer
}

for (const engine of engines) {
	test(`${engine.name}: what one door sends counts at another`, async (t) => {
		const keeper = await openKeeper(t, { engine })
		const attic = await keeper.site('attic', { rates: [{ hours: '', bytesPerSecond: 100_000 }], parallel: 1 })
		for (const name of ['a', 'b']) await keeper.put(name, Buffer.alloc(1_000_000, name))
		await keeper.feed()
		const { body } = await attic.ask('POST', '/backup/v1/lease', { body: {} })
		const [first, second] = body.files.map(({ id, version }: { id: number; version: number }) => `/backup/v1/file/${id}/${version}`)
		const answer = await begin(attic, keeper.url, first)
		t.after(() => answer.destroy())
		const other = newSite((await keeper.second()).addresses[0] as string, 'attic', attic.key, attic.agent)
		await until('the other door knows of it', async () => {
			const refused = await other.ask('GET', second, { headers: { range: 'bytes=0-0' } })
			return refused.status === 429 ? true : undefined
		})
		answer.destroy()
		await until('the other door knows that it ended', async () => {
			const given = await other.ask('GET', second, { headers: { range: 'bytes=0-0' } })
			return given.status === 206 ? true : undefined
		})
	})
}
