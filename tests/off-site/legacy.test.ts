/** Agents of the system before this one are served as they were, and nobody else is. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { legacySignature } from '../../api/off-site/legacy/signature.ts'
import { addSite } from '../../cli/site-add.ts'
import { prune } from '../../core/catalogue/site-records.ts'
import { engines } from '../catalogue/engines.ts'
import { type Keeper, openKeeper } from './keeper.ts'

const SECRET = 's3cret'
const YEAR_SECONDS = 365 * 86_400
const BACKUP = { legacy: true, legacyDocroot: '/mnt/combined', legacyServers: ['http://one.example', 'http://two.example'] }

function sign(text: string, secret = SECRET): string {
	return `${text}&sig=${createHmac('md5', secret).update(text).digest('hex')}`
}

// biome-ignore lint/suspicious/noExplicitAny: what the old protocol answers has no form of its own
async function ask(keeper: Keeper, query: string, form?: Record<string, string>): Promise<any> {
	const body = form && new URLSearchParams(form)
	const answer = await fetch(`${keeper.url}/filesystem-api.php?${query}`, body ? { method: 'POST', body } : {})
	assert.equal(answer.status, 200)
	return await answer.json()
}

async function open(t: Parameters<typeof openKeeper>[0], engine = engines[0]): Promise<Keeper> {
	const keeper = await openKeeper(t, { engine, config: { backup: BACKUP } })
	const { keyFile } = keeper.config.backup
	await addSite(keeper.driver, { name: 'dwo', key: SECRET, settings: { legacy: true }, keyFile })
	await addSite(keeper.driver, { name: 'new', key: SECRET, settings: {}, keyFile })
	return keeper
}

let number = 0

test('the known vector', () => {
	assert.equal(legacySignature(SECRET, 'ident=dwo&command=filelist&mode=recent&r=42').toString('hex'), 'ae6ce247e9f257acae9a7f0dfbc1982f')
})

for (const engine of engines) {
	test(`${engine.name}: work is given out, taken for done when it is said, given up, and every value is a text`, async (t) => {
		const keeper = await open(t, engine)
		const id = await keeper.put('a folder/x.jpg', 'content')
		await keeper.put('y.jpg', 'other')
		await keeper.feed()
		const query = (command: string) => sign(`ident=dwo&command=${command}&r=${number++}`)
		const work = await ask(keeper, query('filelist&mode=full'))
		assert.deepEqual([work.docroot, work.server, work.sleep], ['/mnt/combined', BACKUP.legacyServers, '0'])
		const row = work.rows.find(({ file_id }: { file_id: string }) => file_id === String(id))
		assert.ok(/^\d+$/.test(row.modified))
		assert.deepEqual({ ...row, modified: '' }, { file_id: String(id), filename: '/mnt/combined/a folder/x.jpg', backups: '0', size: '7', md5sum: '', modified: '', replica_count: '1' })
		const folder = await ask(keeper, query(`filelist&folder=${encodeURIComponent('/mnt/combined/a folder')}`))
		assert.deepEqual(folder.rows.map(({ filename }: { filename: string }) => filename), ['/mnt/combined/a folder/x.jpg'])
		assert.deepEqual(await ask(keeper, query('filelist&folder=/etc')), { error: 'Unknown folder' })
		assert.deepEqual(await ask(keeper, query('notify'), { file_ids: `${id} 99999 x` }), { ids_received: '2', files_affected: '1' })
		assert.equal((await ask(keeper, query('filelist&mode=backfill'))).rows.length, 1)
		assert.deepEqual(await ask(keeper, query('drain'), { file_ids: String(id) }), { ids_received: '1', files_affected: '1' })
		assert.equal((await ask(keeper, query('filelist&mode=recent'))).rows.length, 2)
		const all = work.rows.map(({ file_id }: { file_id: string }) => file_id).join(' ')
		await ask(keeper, query('notify'), { file_ids: all })
		assert.deepEqual(await ask(keeper, query('filelist&mode=partial')), { error: 'No tasks right now' })
		assert.deepEqual(await ask(keeper, query('failures'), { notes: '["md5,a,b,c"]' }), { ok: '1' })
		assert.deepEqual(await ask(keeper, query('failures'), { notes: '{' }), { error: 'Invalid notes' })
		assert.deepEqual(await ask(keeper, query('log'), { message: 'hello\nworld' }), { ok: '1' })
		assert.deepEqual(await ask(keeper, query('reboot')), { error: 'Unknown command' })
	})
}

test('what changed since it was given out is not taken for fetched', async (t) => {
	const keeper = await open(t)
	const id = await keeper.put('x.jpg', 'content')
	await keeper.feed()
	const query = (command: string) => sign(`ident=dwo&command=${command}&r=${number++}`)
	assert.equal((await ask(keeper, query('filelist&mode=full'))).rows.length, 1)
	await keeper.put('x.jpg', 'another')
	assert.deepEqual(await ask(keeper, query('notify'), { file_ids: String(id) }), { ids_received: '1', files_affected: '0' })
	assert.equal((await ask(keeper, query('filelist&mode=full'))).rows.length, 1)
})

test('defect 1: what nobody signed is refused, however it is asked', async (t) => {
	const keeper = await open(t)
	await keeper.put('x.jpg', 'content')
	await keeper.feed()
	const text = () => `ident=dwo&command=filelist&mode=full&r=${number++}`
	const once = sign(text())
	assert.equal((await ask(keeper, once)).rows.length, 1)
	const refused = [
		'', text(), `${text()}&zauth=1`, sign(`${text()}&zauth=1`), `${sign(text())}&zauth=1`, once, `${text()}&sig=`, `${text()}&sig=${'0'.repeat(32)}`, `${text()}&sig=zz`,
		sign(text(), 'wrong'), sign(text()).replace('mode=full', 'mode=recent'), sign('ident=new&command=filelist&mode=full&r=1'), sign('ident=nobody&command=filelist&r=1'),
		sign('command=filelist&r=1'), `${sign(text())}&sig=${'0'.repeat(32)}`,
	]
	for (const query of refused) assert.deepEqual(await ask(keeper, query), { error: 'Invalid signature' }, query)
	assert.deepEqual((await fetch(`${keeper.url}/backup/v1/notices`)).status, 401)
})

test('what was signed once is used once, however long ago: no time is in it', async (t) => {
	const keeper = await open(t)
	const asked = sign(`ident=dwo&command=notify&r=${number++}`)
	assert.deepEqual(await ask(keeper, asked, { file_ids: '' }), { ids_received: '0', files_affected: '0' })
	await keeper.driver.change('UPDATE site_nonce SET at = at - ?', [YEAR_SECONDS])
	await prune(keeper.driver)
	assert.deepEqual(await ask(keeper, asked, { file_ids: '1' }), { error: 'Invalid signature' })
})

test('it is off unless it is enabled', async (t) => {
	const keeper = await openKeeper(t)
	assert.equal((await fetch(`${keeper.url}/filesystem-api.php?${sign('ident=dwo&command=filelist&mode=full&r=1')}`)).status, 404)
})
