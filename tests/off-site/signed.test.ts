/** Who is let in at /backup/v1, and what everybody else learns: nothing. */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import { forgetAgent } from '../../core/off-site/report.ts'
import { engines } from '../catalogue/engines.ts'
import { routesOf } from '../api/routes.ts'
import { type Asked, newSite, openKeeper } from './keeper.ts'

const HELLO = { starting: false }
const now = () => Math.floor(Date.now() / 1000)

for (const engine of engines) {
	test(`${engine.name}: anything altered, old, repeated or of another is refused, and nothing happens`, async (t) => {
		const keeper = await openKeeper(t, { engine })
		const [attic, barn] = [await keeper.site('attic'), await keeper.site('barn')]
		const ask = async (asked: Asked, method = 'POST', path = '/backup/v1/hello') => {
			const answer = await attic.ask(method, path, { body: method === 'POST' ? HELLO : undefined, ...asked })
			return [answer.status, answer.body?.error]
		}
		assert.deepEqual(await ask({}), [200, undefined])
		const wrong: Array<Asked['change']> = [
			{ key: 'wrong' }, { key: barn.key }, { site: 'barn' }, { site: 'nobody' }, { site: 'UPPER' }, { site: '' }, { agent: 'short' }, { method: 'GET' },
			{ target: '/backup/v1/lease' }, { target: '/backup/v1/hello?x=1' }, { body: '0'.repeat(64) }, { body: '' }, { nonce: 'x' }, { nonce: 'x'.repeat(65) },
			{ nonce: 'sixteen chars !!!' }, { time: '' }, { time: 'now' }, { time: '-1' }, { authorization: '' }, { authorization: 'Cairn' }, { authorization: 'Bearer x' },
			{ authorization: `Cairn attic ${'a'.repeat(16)} ${now()} ${'n'.repeat(16)} ${'0'.repeat(64)} ${'z'.repeat(64)}` },
			{ authorization: `Cairn attic ${'a'.repeat(16)} ${now()} ${'n'.repeat(16)} ${'0'.repeat(64)} ${'0'.repeat(63)}` },
			{ authorization: `Cairn attic ${'a'.repeat(16)} ${now()} ${'n'.repeat(16)} ${'0'.repeat(64)} ${'0'.repeat(66)}` },
		]
		for (const change of wrong) assert.deepEqual(await ask({ change }), [401, 'signature'], JSON.stringify(change))
		const clock = await attic.ask('POST', '/backup/v1/hello', { body: HELLO, change: { time: String(now() - 301) } })
		assert.deepEqual([clock.status, clock.body.error, clock.body.windowS], [401, 'clock', 300])
		assert.ok(Math.abs(clock.body.serverAt - now()) < 5 && clock.body.yourAt < clock.body.serverAt)
		assert.deepEqual(await ask({ change: { time: String(now() + 310) } }), [401, 'clock'])
		assert.deepEqual(await ask({ change: { time: String(now() + 200), nonce: 'used-once-0123456789' } }), [200, undefined])
		assert.deepEqual(await ask({ change: { nonce: 'used-once-0123456789' } }), [401, 'replay'])
		// What was signed with the wrong key must not use up a nonce of the site.
		await ask({ change: { nonce: 'not-used-0123456789', key: 'wrong' } })
		assert.deepEqual(await ask({ change: { nonce: 'not-used-0123456789' } }), [200, undefined])
		assert.deepEqual(await ask({ body: undefined }, 'GET', '/backup/v1/nothing'), [404, 'not-found'])
	})
}

test('a second folder is refused until the keeper changes over; then what it has is to be proved anew', async (t) => {
	const keeper = await openKeeper(t)
	const attic = await keeper.site('attic')
	await keeper.put('a', 'content')
	await keeper.feed()
	await attic.fetchBatch()
	await attic.prove()
	const other = newSite(keeper.url, 'attic', attic.key)
	const refused = await other.ask('POST', '/backup/v1/hello', { body: { starting: true } })
	assert.deepEqual([refused.status, refused.body.error], [409, 'other-agent'])
	const [{ id }] = await keeper.driver.all<{ id: number }>('SELECT id FROM site')
	await forgetAgent({ catalogue: keeper.driver, capabilities: keeper.driver.capabilities }, { id })
	await new Promise((resolve) => setTimeout(resolve, 1_100))
	assert.equal((await other.ask('POST', '/backup/v1/hello', { body: { starting: true } })).status, 200)
	assert.equal((await attic.ask('POST', '/backup/v1/hello', { body: HELLO })).status, 409)
	assert.equal((await other.ask('GET', '/backup/v1/challenges')).body.challenges.length, 1)
})

test('two headers, a body that is not the one signed, a body with GET: refused or ignored, never served wrongly', async (t) => {
	const keeper = await openKeeper(t)
	const attic = await keeper.site('attic')
	const altered = await attic.ask('POST', '/backup/v1/hello', { body: { starting: false, version: 'x' }, change: { body: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' } })
	assert.deepEqual([altered.status, altered.body.error], [401, 'signature'])
	const { port } = new URL(keeper.url)
	const status = await new Promise<number | undefined>((resolve) => {
		const sent = request({ port, method: 'POST', path: '/backup/v1/hello', headers: { authorization: ['Cairn a', 'Cairn b'] as unknown as string } }, (answer) => resolve(answer.resume().statusCode))
		sent.end()
	})
	assert.ok(status === 401 || status === 400, `${status}`)
	const large = await attic.ask('POST', '/backup/v1/walk', { body: { files: [{ path64: 'A'.repeat(5_000_000), size: 1 }] } })
	assert.deepEqual([large.status, large.body.error], [413, 'too-large'])
	const broken = await attic.ask('POST', '/backup/v1/hello', { body: Buffer.from('{'), headers: { 'content-type': 'application/json' } })
	assert.deepEqual([broken.status, broken.body.error], [400, 'bad-request'])
})

test('a token of the tree does not open this door, and a key of a site no other', async (t) => {
	const keeper = await openKeeper(t)
	const attic = await keeper.site('attic')
	const own = routesOf(keeper).filter(({ path }) => path.startsWith('/backup/v1'))
	assert.ok(own.length >= 13, `${own.length}`)
	for (const { method, path } of own) assert.equal((await keeper.fetch(path, { method })).status, 401, `${method} ${path}`)
	for (const path of ['/openapi.json', '/files/', '/metrics']) {
		const { status } = await attic.ask('GET', path)
		assert.ok([401, 404].includes(status), `${path}: ${status}`)
	}
})

test('no secret in the site log, the reports, the catalogue or an error', async (t) => {
	const keeper = await openKeeper(t)
	const attic = await keeper.site('attic')
	await attic.ask('POST', '/backup/v1/hello', { body: { starting: true, version: '1' } })
	const refused = await attic.ask('POST', '/backup/v1/hello', { body: HELLO, change: { key: 'wrong' } })
	const everything = JSON.stringify([
		refused.body, keeper.reports, await keeper.driver.all('SELECT * FROM site_log'),
		(await keeper.driver.all<{ sealed_key: Uint8Array }>('SELECT sealed_key, settings, about, agent FROM site')).map((row) => ({ ...row, sealed_key: Buffer.from(row.sealed_key).toString('latin1') })),
	])
	assert.ok(!everything.includes(attic.key) && !everything.includes(attic.key.slice(10)))
})
