/** Downloads that are under way when the keeper stops them, or when the day's bytes come to their end. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { setState } from '../../cli/site-pause.ts'
import { run as runRemove } from '../../cli/site-remove.ts'
import { run as runRotate } from '../../cli/site-rotate-key.ts'
import { authorizationOf, NO_BODY } from '../../core/off-site/signature.ts'
import { cairn, type Keeper, openKeeper, type TestSite } from './keeper.ts'

async function lease(site: TestSite): Promise<string> {
	const { body } = await site.ask('POST', '/backup/v1/lease', { body: { files: 1 } })
	const [{ id, version }] = body.files
	return `/backup/v1/file/${id}/${version}`
}

async function begin(keeper: Keeper, site: TestSite, target: string): Promise<IncomingMessage> {
	const signed = { method: 'GET', target, site: site.name, agent: site.agent, time: String(Math.floor(Date.now() / 1000)), nonce: crypto.randomUUID(), body: NO_BODY }
	const sent = get(`${keeper.url}${target}`, { headers: { authorization: authorizationOf(site.key, signed) }, agent: false })
	const [answer] = await once(sent, 'response')
	return answer
}

/** What came until it ended, or was cut. */
async function bytesOf(answer: IncomingMessage): Promise<number> {
	let bytes = 0
	if (answer.statusCode !== 200) return bytes
	try {
		for await (const chunk of answer) bytes += (chunk as Buffer).length
	} catch (error) {
		assert.equal((error as NodeJS.ErrnoException).code, 'ECONNRESET')
	}
	return bytes
}

test('a download ends when its site is paused, removed, or gets another key', async (t) => {
	const keeper = await openKeeper(t)
	const rates = [{ hours: '0-24', bytesPerSecond: 100_000 }]
	const sites = await Promise.all(['attic', 'barn', 'cellar'].map((name) => keeper.site(name, { rates })))
	for (const { name } of sites) await keeper.put(name, Buffer.alloc(600_000, name))
	await keeper.feed()
	const answers: IncomingMessage[] = []
	for (const site of sites) answers.push(await begin(keeper, site, await lease(site)))
	const said = [
		await cairn(keeper, (deps) => setState({ name: 'attic' }, deps, 'paused')),
		await cairn(keeper, (deps) => runRemove({ name: 'barn', force: true } as never, deps)),
		await cairn(keeper, (deps) => runRotate({ name: 'cellar' } as never, deps)),
	]
	assert.deepEqual(said.map(({ exitCode, err }) => [exitCode, err]), [[0, ''], [0, ''], [0, '']])
	for (const bytes of await Promise.all(answers.map(bytesOf))) assert.ok(bytes < 600_000, `${bytes}`)
})

test('several downloads at once take no byte more than the day has', async (t) => {
	const keeper = await openKeeper(t)
	const site = await keeper.site('attic', { bytesPerDay: 720_001, parallel: 4, rates: [{ hours: '0-24', bytesPerSecond: 1_000_000 }] })
	for (let n = 0; n < 4; n++) await keeper.put(`f${n}`, Buffer.alloc(3_000_000, n))
	await keeper.feed()
	const targets: string[] = []
	for (let n = 0; n < 4; n++) targets.push(await lease(site))
	// One that may have nothing at all is cut before its head.
	const came = async (target: string) => begin(keeper, site, target).then(bytesOf, () => 0)
	const bytes = (await Promise.all(targets.map(came))).reduce((sum, each) => sum + each, 0)
	assert.ok(bytes > 0 && bytes <= 720_001, `${bytes}`)
})
