/** What the tree moves on while an agent moves it: it counts where the agent has it, and is neither asked for nor fetched elsewhere. */
import assert from 'node:assert/strict'
import { mkdirSync, renameSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { rename } from '../../core/filesystem/rename.ts'
import { ROOT_ID } from '../../core/ids.ts'
import { run } from '../../core/op.ts'
import { placeAgent } from '../backup/agent.ts'
import { openKeeper } from './keeper.ts'

test('a directory that is renamed twice while it is moved at a site', async (t) => {
	const keeper = await openKeeper(t)
	const { key } = await keeper.site('attic')
	for (const path of ['old/a', 'old/b']) await keeper.put(path, `content of ${path}`)
	const place = (name: string) => ({ parent: ROOT_ID, name: Buffer.from(name) })
	const move = async (from: string, to: string) => {
		await run(rename(keeper.fs, place(from), place(to), 'noreplace'))
		await keeper.feed()
		await keeper.feed()
	}
	await keeper.feed()
	let before = async () => {}
	const agent = await placeAgent(await openWay(t, keeper.url, (path) => (path.endsWith('/walk') ? before() : undefined)), { key })
	t.after(() => agent.remove())
	assert.equal((await agent.run('-a', 'replicate')).code, 0)

	await move('old', 'new')
	before = () => {
		before = async () => {}
		return move('new', 'newest')
	}
	assert.deepEqual(await agent.run('-a', 'replicate'), { code: 0, out: '', err: '' })
	assert.deepEqual(await agent.run('-a', 'replicate'), { code: 0, out: '', err: '' })
	assert.deepEqual(agent.paths().filter((path) => path.includes('/')), ['newest/a', 'newest/b'])
	const rows = await keeper.driver.all<{ state: number; path: Uint8Array }>('SELECT state, path FROM backup ORDER BY path')
	assert.deepEqual(rows.map(({ state, path }) => `${state} ${Buffer.from(path)}`), ['4 newest/a', '4 newest/b'])
	assert.deepEqual(await keeper.driver.all('SELECT files, failed FROM site_day'), [{ files: 6, failed: 0 }], 'twice fetched, four times moved')
})

test('what is not where it is to be moved from is no copy any more: as after a kill in the middle of a move, and another move since', async (t) => {
	const keeper = await openKeeper(t)
	const { key } = await keeper.site('attic')
	for (const path of ['old/a', 'old/b']) await keeper.put(path, `content of ${path}`)
	await keeper.feed()
	const agent = await placeAgent(keeper.url, { key })
	t.after(() => agent.remove())
	assert.equal((await agent.run('-a', 'replicate')).code, 0)
	mkdirSync(join(agent.folder, 'between'))
	renameSync(join(agent.folder, 'old/a'), join(agent.folder, 'between/a'))
	await run(rename(keeper.fs, { parent: ROOT_ID, name: Buffer.from('old') }, { parent: ROOT_ID, name: Buffer.from('new') }, 'noreplace'))
	await keeper.feed()
	await keeper.feed()
	assert.deepEqual(await agent.run('-a', 'replicate'), { code: 0, out: '', err: '' })
	assert.deepEqual(['new/a', 'new/b'].map((path) => agent.content(path)), ['content of old/a', 'content of old/b'])
	const rows = await keeper.driver.all<{ state: number; path: Uint8Array }>('SELECT state, path FROM backup ORDER BY path')
	assert.deepEqual(rows.map(({ state, path }) => `${state} ${Buffer.from(path)}`), ['4 new/a', '4 new/b'])
	assert.equal((await agent.run('-a', 'verify')).code, 0)
})

/** Between an agent and its door: the address, for a moment before each request. */
async function openWay(t: TestContext, url: string, before: (path: string) => Promise<void> | undefined): Promise<string> {
	const server = createServer(async (request, response) => {
		const path = request.url ?? ''
		await before(path)
		const { method = 'GET', headers } = request
		const body = await bytesOf(request)
		const answer = await fetch(`${url}${path}`, { method, headers: { authorization: headers.authorization ?? '', 'content-type': headers['content-type'] ?? '' }, body: body.length > 0 ? body : undefined })
		response.writeHead(answer.status, Object.fromEntries(answer.headers))
		response.end(Buffer.from(await answer.arrayBuffer()))
	}).listen(0, '127.0.0.1')
	await new Promise((resolve) => server.once('listening', resolve))
	t.after(() => server.close().closeAllConnections())
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function bytesOf(request: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
	const parts: Buffer[] = []
	for await (const part of request) parts.push(part as Buffer)
	return new Uint8Array(Buffer.concat(parts))
}
