/** What a volunteer sees: copies that come, are kept, proved and given back. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { hashOf } from '../../core/off-site/signature.ts'
import { agent, server } from './ground.ts'

test('no verb: says that everything is in place, and changes nothing', async () => {
	const { code, out, err } = await agent.run()
	assert.deepEqual({ code, err }, { code: 0, err: '' })
	assert.match(out, /everything is in place/)
	assert.deepEqual(agent.paths(), [])
	assert.deepEqual(server.requests, ['POST /backup/v1/hello'])
})

test('replicate: files come under their paths, with their times; cron hears nothing', async () => {
	server.offer('a/b/c.jpg', 'picture', { mtimeS: 1_234_567_890 })
	server.offer('a/empty', '')
	server.offer('top', 'x'.repeat(3_000_000))
	assert.deepEqual(await agent.run('-a', 'replicate'), { code: 0, out: '', err: '' })
	assert.deepEqual(agent.paths(), ['a', 'a/b', 'a/b/c.jpg', 'a/empty', 'top'])
	assert.equal(agent.content('a/b/c.jpg'), 'picture')
	assert.equal(statSync(join(agent.folder, 'a/b/c.jpg')).mtimeMs, 1_234_567_890_000)
	assert.equal(server.claimed.size, 3)
})

test('replicate: a changed file comes again, what stood there is kept; what is deleted stays', async () => {
	const file = server.offer('f', 'one')
	await agent.run('-a', 'replicate')
	for (const [version, content] of [[2, 'two'], [3, 'three']] as const) {
		server.files.set(file.id, { ...file, version, content: Buffer.from(content) })
		await agent.run('-a', 'replicate')
	}
	server.files.clear()
	server.notices.push({ seq: 8, kind: 'deleted', path: Buffer.from('f') })
	assert.equal((await agent.run('-a', 'replicate')).code, 0)
	assert.deepEqual(agent.paths().map((path) => [path, agent.content(path)]), [['f', 'three'], ['f.old', 'one'], ['f.old1', 'two']])
	assert.match(readFileSync(join(agent.folder, '.cairn-backup/notices.log'), 'utf8'), /^2026-11-27T\S+ deleted f\n$/)
	server.requests.length = 0
	await agent.run('-a', 'replicate')
	assert.ok(server.requests.includes('GET /backup/v1/notices?after=8&limit=500'))
})

test('replicate: a right file that is there already is not fetched, and gets its time; a wrong one is kept aside', async () => {
	server.offer('right', 'content', { mtimeS: 1_234_567_890 })
	server.offer('wrong', 'content')
	writeFileSync(join(agent.folder, 'right'), 'content')
	writeFileSync(join(agent.folder, 'wrong'), 'CONTENT')
	assert.equal((await agent.run('-a', 'replicate')).code, 0)
	assert.equal(server.ranges.length, 1)
	assert.deepEqual(agent.paths(), ['right', 'wrong', 'wrong.old'])
	assert.equal(agent.content('wrong.old'), 'CONTENT')
	assert.equal(statSync(join(agent.folder, 'right')).mtimeMs, 1_234_567_890_000)
	assert.equal(server.claimed.size, 2)
})

test('walk: adopts what is right, tells what is not', async () => {
	server.offer('d/right', 'content')
	server.offer('d/other', 'content')
	server.offer('elsewhere', 'content')
	mkdirSync(join(agent.folder, 'd'))
	writeFileSync(join(agent.folder, 'd/right'), 'content')
	writeFileSync(join(agent.folder, 'd/other'), 'CONTENT')
	writeFileSync(join(agent.folder, 'd/unknown'), 'content')
	writeFileSync(join(agent.folder, 'elsewhere'), 'content')
	const { code, err } = await agent.run('-a', 'walk', '-p', 'd', '-v')
	assert.equal(code, 0)
	assert.match(err, /1 files are copies from now on, 1 have other content in the archive, 1 it does not know/)
	assert.deepEqual([...server.claimed.keys()], [1])
	assert.equal((await agent.run('-a', 'walk')).code, 0)
	assert.deepEqual([...server.claimed.keys()], [1, 3])
	assert.equal(agent.content('d/other'), 'CONTENT')
})

test('proof: ranges of what is here; what is missing or other says so', async () => {
	server.offer('f', 'hello world')
	server.offer('gone', 'hello world')
	server.offer('short', 'hello world')
	server.offer('empty', '')
	await agent.run('-a', 'replicate')
	writeFileSync(join(agent.folder, 'short'), 'hello')
	writeFileSync(join(agent.folder, 'gone.new'), '')
	rmSync(join(agent.folder, 'gone'))
	const key = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'
	for (const id of [1, 2, 3]) server.challenges.push({ challenge: id, id, key, ranges: [[6, 3], [0, 3]] })
	server.challenges.push({ challenge: 4, id: 4, key, ranges: [] })
	const { code, err } = await agent.run('-a', 'replicate')
	assert.equal(code, 1)
	assert.match(err, /gone: is not what it should be/)
	assert.deepEqual(server.challenges.map(({ result }) => result), ['proved', 'missing', 'differs', 'proved'])
})

test('verify: what rotted or went is told and comes again', async () => {
	for (const name of ['good', 'rotten', 'gone']) server.offer(name, `content of ${name}`)
	await agent.run('-a', 'replicate')
	writeFileSync(join(agent.folder, 'rotten'), 'CONTENT of rotten')
	rmSync(join(agent.folder, 'gone'))
	const { code, err } = await agent.run('-a', 'verify')
	assert.equal(code, 1)
	assert.match(err, /gone: is missing/)
	assert.deepEqual(server.failed.map(({ id, error }) => [id, error]).sort(), [[2, 'mismatch'], [3, 'gone']])
	server.failed.length = 0
	server.claimed.delete(2)
	server.claimed.delete(3)
	assert.equal((await agent.run('-a', 'replicate')).code, 0)
	assert.equal((await agent.run('-a', 'verify')).code, 0)
	assert.equal(agent.content('rotten.old'), 'CONTENT of rotten')
})

test('orders: files go back in parts, also one that was set aside; what is not here is said', async () => {
	const large = Buffer.alloc(20_000_000, 'large')
	server.offer('large', large)
	server.offer('empty', '')
	const file = server.offer('f', 'before')
	await agent.run('-a', 'replicate')
	server.files.set(file.id, { ...file, version: 2, content: Buffer.from('after') })
	const order = (number: number, path: string, content: Buffer, received = Buffer.alloc(0)) =>
		server.orders.push({ order: number, path: Buffer.from(path), hash: hashOf(content), size: content.length, received })
	await agent.run('-a', 'replicate')
	order(1, 'large', large, large.subarray(0, 5_000_000))
	order(2, 'f', Buffer.from('before'))
	order(3, 'empty', Buffer.alloc(0))
	order(4, 'nothing', Buffer.from('nothing'))
	order(5, 'f', Buffer.from('neither'))
	const { code } = await agent.run('-a', 'replicate')
	assert.equal(code, 1)
	assert.deepEqual(server.orders.map(({ done, failed }) => failed ?? done), [true, true, true, 'missing', 'mismatch'])
	assert.equal(server.requests.filter((request) => request.startsWith('PUT /backup/v1/orders/1')).length, 2)
})

test('restore: plain files in another directory, by hash; needs no server; again it only adds what is missing', async () => {
	server.offer('d/one', 'one')
	server.offer('d/two', 'two')
	server.offer('three', 'three')
	await agent.run('-a', 'replicate')
	writeFileSync(join(agent.folder, 'd/two'), 'TWO')
	agent.environment['CAIRN_BACKUP_SERVER'] = 'http://127.0.0.1:9'
	const to = join(agent.base, 'to')
	const { code, err } = await agent.run('-a', 'restore', '--to', to)
	assert.equal(code, 1)
	assert.match(err, /d\/two: is missing, or not what it was/)
	writeFileSync(join(agent.folder, 'd/two'), 'two')
	assert.equal((await agent.run('-a', 'restore', '--to', to, '-p', 'd')).code, 0)
	assert.deepEqual(['d/one', 'd/two', 'three'].map((path) => readFileSync(join(to, path), 'utf8')), ['one', 'two', 'three'])
	assert.equal((await agent.run('-a', 'restore', '--to', join(agent.folder, 'within'))).code, 2)
})

test('status: what is here, the last run, and what the keeper set', async () => {
	server.offer('f', 'content')
	await agent.run('-a', 'replicate')
	const { code, out } = await agent.run('-a', 'status')
	assert.equal(code, 0)
	assert.match(out, /copies: 1 files, 7 B/)
	assert.match(out, /last run: \S+ replicate, ended with 0: 1 file came/)
})

test('a clock that is wrong is set by the server; a paused site ends in order; a wrong key does not', async () => {
	server.offer('f', 'content')
	server.clockAheadS = -90_000
	assert.equal((await agent.run('-a', 'replicate')).code, 0)
	assert.equal(server.claimed.size, 1)
	server.hello.paused = true
	const paused = await agent.run('-a', 'replicate', '-v')
	assert.equal(paused.code, 0)
	assert.match(paused.err, /the keeper has paused this site; to come back in 10 minutes/)
	agent.environment['CAIRN_BACKUP_KEY'] = 'another'
	assert.deepEqual(await agent.run('-a', 'replicate'), { code: 5, out: '', err: 'cairn-backup: the server says: not signed rightly\n' })
})

test('direct: from where the server says, if the owner allows it; what is missing or wrong there comes from the server', async () => {
	const asked: string[] = []
	const other = createServer((request, response) => {
		asked.push(request.url as string)
		const content = { '/pre/d/a%20b': 'right', '/pre/wrong': 'WRONG', '/pre/older': 'old' }[request.url as string]
		// As nginx and Apache have it, of size and time.
		response.setHeader('etag', '"6925d0b1-5"').writeHead(content ? 200 : 404, { 'content-length': content?.length ?? 0 }).end(content)
	}).listen(0, '127.0.0.1')
	await once(other, 'listening')
	server.hello.direct = `http://127.0.0.1:${(other.address() as AddressInfo).port}/pre/`
	server.offer('d/a b', 'right')
	server.offer('absent', 'content')
	assert.equal((await agent.run('-a', 'replicate')).code, 0)
	assert.deepEqual([asked, server.ranges.length], [[], 2])
	server.offer('wrong', 'wrong')
	server.offer('older', 'newer')
	for (const file of server.files.values()) file.version = 2
	agent.environment['CAIRN_BACKUP_DIRECT'] = 'yes'
	agent.folder = join(agent.base, 'another')
	mkdirSync(agent.folder)
	assert.deepEqual(await agent.run('-a', 'replicate'), { code: 0, out: '', err: '' })
	assert.deepEqual(asked.sort(), ['/pre/absent', '/pre/d/a%20b', '/pre/older', '/pre/wrong'])
	assert.equal(server.ranges.length, 5)
	assert.deepEqual(['d/a b', 'absent', 'wrong', 'older'].map(agent.content), ['right', 'content', 'wrong', 'newer'])
	assert.deepEqual(server.failed, [])
	other.close()
})

test('direct: it holds itself back to the rate of the site', async () => {
	const content = 'x'.repeat(1_000_000)
	const other = createServer((_, response) => void response.end(content)).listen(0, '127.0.0.1')
	await once(other, 'listening')
	server.hello = { direct: `http://127.0.0.1:${(other.address() as AddressInfo).port}/`, bytesPerSecond: 800_000 }
	server.offer('a', content)
	server.offer('b', content)
	agent.environment['CAIRN_BACKUP_DIRECT'] = 'yes'
	const startedMs = performance.now()
	assert.equal((await agent.run('-a', 'replicate')).code, 0)
	assert.deepEqual([server.claimed.size, server.ranges.length], [2, 0])
	// However loaded the machine is, it may be slower and never faster: a quarter of a second is given as credit.
	assert.ok(performance.now() - startedMs > 2_100, `${performance.now() - startedMs} ms`)
	other.close()
})
