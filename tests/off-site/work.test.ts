/** What sites are given to fetch, what becomes of it, and how it is proved: through the door, on both databases. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rename } from '../../core/filesystem/rename.ts'
import { unlink } from '../../core/filesystem/remove.ts'
import * as entries from '../../core/catalogue/entries.ts'
import { ROOT_ID } from '../../core/ids.ts'
import { hashOf } from '../../core/off-site/signature.ts'
import { run } from '../../core/op.ts'
import { engines } from '../catalogue/engines.ts'
import { run as runStatus, type Status } from '../../cli/status.ts'
import { cairn, type Keeper, openKeeper, type TestSite } from './keeper.ts'

const CLASSES = [
	{ name: 'full', pattern: '\\.jpg$', copies: 1, offsite: 2 },
	{ name: 'thumbs', pattern: '\\.png$', copies: 1, offsite: 1 },
	{ name: 'others', pattern: '', copies: 1 },
]

async function states(keeper: Keeper, id: number): Promise<Array<[number, number, number]>> {
	const rows = await keeper.driver.all<{ site_id: number; state: number; version: number }>(
		'SELECT site_id, state, version FROM backup WHERE file_id = ? ORDER BY site_id',
		[id],
	)
	return rows.map((row) => [row.site_id, row.state, row.version])
}

async function lease(site: TestSite, body: object = {}): Promise<string[]> {
	const answer = await site.ask('POST', '/backup/v1/lease', { body })
	assert.equal(answer.status, 200, JSON.stringify(answer.body))
	return answer.body.files.map((file: { path: string }) => file.path)
}

for (const engine of engines) {
	test(`${engine.name}: files reach the number of sites their class asks for, and are proved`, async (t) => {
		const keeper = await openKeeper(t, { engine, config: { classes: CLASSES } })
		const [attic, barn, cellar] = [await keeper.site('attic'), await keeper.site('barn'), await keeper.site('cellar', { classes: ['full'] })]
		const odd = Buffer.concat([Buffer.from('a/\xff\n"% '), Buffer.from([0xff]), Buffer.from('.jpg')])
		const jpg = await keeper.put(odd, 'one')
		const png = await keeper.put('a/b/two.png', 'two'.repeat(200_000))
		const txt = await keeper.put('three.txt', 'three')
		const empty = await keeper.put('empty.jpg', '')
		await keeper.feed()
		assert.deepEqual(await states(keeper, jpg), [[1, 1, 0], [2, 1, 0], [3, 1, 0]])
		assert.deepEqual(await states(keeper, png), [[1, 1, 0], [2, 1, 0]])
		assert.deepEqual(await states(keeper, txt), [])

		const owed = async () => (JSON.parse((await cairn(keeper, (deps) => runStatus({ json: true }, deps))).out) as Status).offsiteOwed
		assert.equal(await owed(), 5)
		assert.deepEqual((await attic.fetchBatch()).sort(), [jpg, png, empty].sort())
		assert.equal(await owed(), 2)
		assert.equal(attic.held.get(png)?.toString(), 'two'.repeat(200_000))
		assert.deepEqual(await states(keeper, jpg), [[1, 3, 1], [2, 1, 0], [3, 1, 0]])
		// One site is enough for it: it is spare for the other.
		assert.deepEqual(await states(keeper, png), [[1, 3, 1], [2, 2, 0]])
		assert.deepEqual(await lease(attic), [])
		assert.deepEqual((await barn.fetchBatch()).sort(), [jpg, empty].sort())
		assert.deepEqual(await states(keeper, jpg), [[1, 3, 1], [2, 3, 1], [3, 2, 0]])
		assert.deepEqual(await lease(cellar), [])
		assert.deepEqual((await cellar.fetchBatch('full')).sort(), [jpg, empty].sort())
		assert.deepEqual(await barn.fetchBatch('full'), [png])

		assert.deepEqual(await attic.prove(), ['proved', 'proved', 'proved'])
		assert.deepEqual((await attic.ask('GET', '/backup/v1/challenges')).body.challenges, [])
		barn.held.set(jpg, Buffer.from('lie'))
		assert.deepEqual((await barn.prove()).sort(), ['failed', 'proved', 'proved'])
		assert.deepEqual(await states(keeper, jpg), [[1, 4, 1], [2, 2, 0], [3, 3, 1]])
		assert.ok(keeper.reports.some((line) => line.includes('barn') && line.includes('could not be proved')))
	})

	test(`${engine.name}: what changes is fetched again, what goes is told, what replaces something is not told as gone`, async (t) => {
		const keeper = await openKeeper(t, { engine })
		const attic = await keeper.site('attic')
		const [changing, going, replaced] = [await keeper.put('changing', 'one'), await keeper.put('going', 'two'), await keeper.put('replaced', 'three')]
		await keeper.feed()
		assert.equal((await attic.fetchBatch()).length, 3)
		await keeper.put('changing', 'another')
		await run(unlink(keeper.fs, { parent: ROOT_ID, name: Buffer.from('going') }))
		const other = await keeper.put('new', 'four')
		const place = (name: string) => ({ parent: ROOT_ID, name: Buffer.from(name) })
		await run(rename(keeper.fs, place('new'), place('replaced'), 'replace'))
		await keeper.feed()
		assert.deepEqual(await states(keeper, going), [])
		assert.deepEqual(await states(keeper, replaced), [])
		assert.deepEqual((await attic.fetchBatch()).sort(), [changing, other].sort())
		assert.equal(attic.held.get(changing)?.toString(), 'another')
		const { body } = await attic.ask('GET', '/backup/v1/notices?after=0')
		assert.deepEqual(body.notices.map(({ kind, path }: { kind: string; path: string }) => [kind, path]), [['deleted', 'going']])
		assert.equal(body.more, false)
		const { seq } = body.notices[0]
		assert.deepEqual((await attic.ask('GET', `/backup/v1/notices?after=${seq}`)).body.notices, [])
		assert.deepEqual((await attic.ask('GET', '/backup/v1/notices?after=0')).body.notices, [])
		const past = await keeper.driver.all<{ path: Uint8Array }>('SELECT path FROM backup_past ORDER BY path')
		assert.deepEqual(past.map(({ path }) => Buffer.from(path).toString()), ['changing', 'going', 'replaced'])
	})

	test(`${engine.name}: a site is told where what it holds is now, by its newest path; no number is given twice`, async (t) => {
		const keeper = await openKeeper(t, { engine })
		const [attic, barn] = [await keeper.site('attic'), await keeper.site('barn', { paths: ['/old'] })]
		const [a, b] = [await keeper.put('old/a', 'one'), await keeper.put('old/b', 'two')]
		await keeper.feed()
		for (const site of [attic, barn]) await site.fetchBatch('full')
		const ask = async (site: TestSite, after: number) => (await site.ask('GET', `/backup/v1/notices?after=${after}`)).body.notices
		const directory = (name: string) => ({ parent: ROOT_ID, name: Buffer.from(name) })
		await run(rename(keeper.fs, directory('old'), directory('new'), 'noreplace'))
		await keeper.feed()
		await run(rename(keeper.fs, directory('new'), directory('newest'), 'noreplace'))
		await keeper.feed()
		const told = await ask(attic, 0)
		assert.deepEqual(told.map(({ kind, path, to, id }: Record<string, unknown>) => [kind, path, to, id]).sort(), [['moved', 'old/a', 'newest/a', a], ['moved', 'old/b', 'newest/b', b]])
		// It does not take what is there.
		assert.deepEqual(await ask(barn, 0), [])

		const files = told.map(({ to64, size, id }: { to64: string; size: number; id: number }) => ({ path64: to64, size, hash: hashOf(attic.held.get(id) as Buffer) }))
		const { body } = await attic.ask('POST', '/backup/v1/walk', { body: { files } })
		assert.deepEqual(body.results.map(({ result }: { result: string }) => result), ['current', 'current'])
		const last = told.at(-1).seq
		assert.deepEqual(await ask(attic, last), [])
		assert.deepEqual((await attic.ask('POST', '/backup/v1/lease', { body: {} })).body.files, [])
		assert.deepEqual(await keeper.driver.all('SELECT id FROM backup_notice WHERE site_id > 0'), [])
		await run(unlink(keeper.fs, { parent: (await entries.lookup(keeper.driver, ROOT_ID, Buffer.from('newest')))?.id as number, name: Buffer.from('a') }))
		await keeper.feed()
		const [deleted] = await ask(attic, last)
		assert.deepEqual([deleted.kind, deleted.path, deleted.seq > last], ['deleted', 'newest/a', true])
	})

	test(`${engine.name}: no file is in two leases; they end, are kept, given back, and taken from an agent that starts anew`, async (t) => {
		const keeper = await openKeeper(t, { engine, config: { classes: [{ name: 'all', pattern: '', copies: 1, offsite: 5 }], backup: { leaseSeconds: 10 } } })
		const sites = await Promise.all(['a', 'b', 'c', 'd'].map((name) => keeper.site(name)))
		for (let n = 0; n < 40; n++) await keeper.put(`d/${n}`, String(n))
		await keeper.feed()
		const leased = await Promise.all(sites.map((site) => lease(site, { files: 10 })))
		const all = leased.flat()
		assert.equal(new Set(all).size, all.length)
		const [a, b] = sites
		assert.equal((await a.ask('POST', '/backup/v1/hello', { body: { starting: true } })).status, 200)
		const { body } = await b.ask('POST', '/backup/v1/lease', { body: { files: 3 } })
		assert.equal((await b.ask('POST', `/backup/v1/lease/${body.lease}/renew`, { body: {} })).status, 200)
		assert.equal((await a.ask('POST', `/backup/v1/lease/${body.lease}/renew`, { body: {} })).status, 404)
		assert.equal((await a.ask('DELETE', `/backup/v1/lease/${body.lease}`)).status, 404)
		assert.equal((await b.ask('DELETE', `/backup/v1/lease/${body.lease}`)).status, 200)
		assert.equal((await b.ask('DELETE', `/backup/v1/lease/${body.lease}`)).status, 404)
		const { id, version } = body.files[0]
		assert.equal((await b.ask('GET', `/backup/v1/file/${id}/${version}`)).body.error, 'not-leased')
		for (let n = 1; n < 4; n++) await lease(b, { files: 1 })
		const fifth = await b.ask('POST', '/backup/v1/lease', { body: { files: 1 } })
		assert.deepEqual([fifth.status, fifth.body.error], [429, 'slow-down'])
		// As if their time had passed.
		await keeper.driver.change('UPDATE backup_lease SET until_at = 1')
		const again = await lease(a, { files: 40 })
		assert.equal(again.length, 40)
	})
}

test('asked again because the answer was lost: a lease takes the place of one the site does not know of, a report counts once', async (t) => {
	const keeper = await openKeeper(t, { config: { classes: [{ name: 'all', pattern: '', copies: 1, offsite: 1 }] } })
	const site = await keeper.site('attic')
	const id = await keeper.put('a', 'one')
	await keeper.put('b', 'two')
	await keeper.feed()
	const first = await site.ask('POST', '/backup/v1/lease', { body: { files: 1 } })
	assert.deepEqual(await lease(site), ['b'])
	const again = await site.ask('POST', '/backup/v1/lease', { body: { files: 1, holding: [] } })
	assert.deepEqual(again.body.files, first.body.files)
	assert.deepEqual(await lease(site, { holding: [again.body.lease] }), ['b'])
	const files = [{ id, version: 1, size: 3, hash: hashOf(Buffer.from('one')) }]
	for (let n = 0; n < 2; n++) assert.equal((await site.ask('POST', '/backup/v1/report', { body: { files } })).body.results[0].result, 'claimed')
	const { sites } = JSON.parse((await cairn(keeper, (deps) => runStatus({ json: true }, deps))).out) as Status
	assert.deepEqual(sites.map(({ claimed, today }) => [claimed, today.files]), [[1, 1]])
})

test('limits of a batch; the newest change first; failures wait', async (t) => {
	const keeper = await openKeeper(t)
	const attic = await keeper.site('attic')
	for (const name of ['a', 'b', 'c', 'd']) await keeper.put(name, name.repeat(1_000))
	await keeper.feed()
	await keeper.driver.change("UPDATE backup SET since = since + 100 WHERE file_id = (SELECT file_id FROM entry WHERE name = ?)", [Buffer.from('c')])
	const give = async (paths: string[]) => {
		await attic.ask('POST', '/backup/v1/hello', { body: { starting: true } })
		return paths
	}
	assert.deepEqual(await give(await lease(attic, { bytes: 2_500 })), ['a', 'b'])
	assert.deepEqual(await give(await lease(attic, { bytes: 10 })), ['a'])
	assert.deepEqual(await give(await lease(attic, { files: 1, mode: 'recent' })), ['c'])
	const { id, version } = (await attic.ask('POST', '/backup/v1/lease', { body: {} })).body.files[0]
	const said = await attic.ask('POST', '/backup/v1/report', { body: { files: [{ id, version, error: 'no-space', text: 'disk\nfull' }] } })
	assert.deepEqual(said.body.results, [{ id, result: 'failed' }])
	await give([])
	assert.deepEqual(await give(await lease(attic)), ['b', 'c', 'd'])
	await keeper.driver.change('UPDATE backup SET since = 1 WHERE state = 5')
	assert.deepEqual((await lease(attic)).sort(), ['a', 'b', 'c', 'd'])
	const lines = await keeper.driver.all<{ detail: string }>("SELECT detail FROM site_log WHERE what = 'failed'")
	assert.match(lines[0].detail, /no-space: disk full$/)
})

test('what is there already is adopted, and what it is not is told', async (t) => {
	const keeper = await openKeeper(t, { config: { classes: CLASSES } })
	const attic = await keeper.site('attic', { paths: ['photos'] })
	const id = await keeper.put('photos/a.jpg', 'content')
	await keeper.put('elsewhere/a.jpg', 'content')
	const { createHash } = await import('node:crypto')
	const hash = createHash('sha256').update('content').digest('hex')
	const path64 = (path: string) => Buffer.from(path).toString('base64')
	const walk = async (files: object[]) => (await attic.ask('POST', '/backup/v1/walk', { body: { files } })).body
	assert.deepEqual((await walk([{ path64: path64('photos/a.jpg'), size: 7 }])).results, [{ result: 'hash' }])
	const { results } = await walk([
		{ path64: path64('photos/a.jpg'), size: 7, hash },
		{ path64: path64('photos/a.jpg'), size: 8, hash },
		{ path64: path64('elsewhere/a.jpg'), size: 7, hash },
		{ path64: path64('photos/none.jpg'), size: 7, hash },
		{ path64: path64('photos'), size: 7, hash },
	])
	assert.deepEqual(results, [{ result: 'current', id, version: 1 }, { result: 'differs' }, { result: 'unknown' }, { result: 'unknown' }, { result: 'unknown' }])
	attic.held.set(id, Buffer.from('content'))
	assert.deepEqual(await attic.prove(), ['proved'])
	for (const wrong of ['..', '../a', '/etc/passwd', 'a//b', 'a/../b', './a', 'a\0b', 'a/', 'x'.repeat(300)]) {
		const answer = await attic.ask('POST', '/backup/v1/walk', { body: { files: [{ path64: path64(wrong), size: 1 }] } })
		assert.equal(answer.status, 400, wrong)
	}
	assert.equal((await entries.lookup(keeper.driver, ROOT_ID, Buffer.from('none.jpg'))), undefined)
})
