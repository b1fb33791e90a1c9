/** Files by their path, through a real door on both databases. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { test } from 'node:test'
import { link } from '../../core/filesystem/links.ts'
import { resolve } from '../../core/filesystem/resolve.ts'
import { type FileId, ROOT_ID } from '../../core/ids.ts'
import { engines } from '../catalogue/engines.ts'
import { until } from '../support/until.ts'
import { openDoor, type TestDoor } from './door.ts'
import { knownToken } from './known-token.ts'
import { inTree, symlinkInTree } from './symlink.ts'

const LARGE = randomBytes(2_500_000)

const put = (door: TestDoor, path: string, body: string | Buffer, headers: Record<string, string> = {}) => door.fetch(path, { method: 'PUT', body, headers })
const text = async (door: TestDoor, path: string, headers: Record<string, string> = {}) => (await door.fetch(path, { headers })).text()

function leftOf(door: TestDoor): string[] {
	return [1, 2].flatMap((number) => {
		const folder = door.node(number, '.cairn/uploads')
		return existsSync(folder) ? readdirSync(folder).flatMap((each) => readdirSync(`${folder}/${each}`)) : []
	})
}

for (const engine of engines) {
	test(`${engine.name}: a file is put, read, listed, moved, copied, removed`, async (t) => {
		const door = await openDoor(t, { engine, nodes: 1 })
		const made = await put(door, '/files/a/b/file.txt', 'content')
		assert.equal(made.status, 201)
		const hash = createHash('sha256').update('content').digest('hex')
		assert.deepEqual([made.headers.get('etag'), made.headers.get('location')], [`"${hash}"`, '/files/a/b/file.txt'])
		assert.deepEqual(await made.json(), { path: '/a/b/file.txt', href: '/files/a/b/file.txt', size: 7, sha256: hash })
		assert.equal(readFileSync(door.node(1, 'a/b/file.txt'), 'utf8'), 'content')

		const read = await door.fetch('/files/a/b/file.txt?dl')
		assert.equal(await read.text(), 'content')
		const { headers } = read
		assert.deepEqual(
			[headers.get('content-type'), headers.get('content-length'), headers.get('etag'), headers.get('content-disposition'), headers.get('repr-digest')],
			['text/plain; charset=utf-8', '7', `"${hash}"`, 'attachment; filename="file.txt"', `sha-256=:${Buffer.from(hash, 'hex').toString('base64')}:`],
		)
		assert.equal((await put(door, '/files/a/b/file.txt', LARGE)).status, 200)
		const whole = await door.fetch('/files/a/b/file.txt')
		assert.deepEqual(Buffer.from(await whole.arrayBuffer()), LARGE)
		const head = await door.fetch('/files/a/b/file.txt', { method: 'HEAD' })
		assert.equal(head.headers.get('content-length'), String(LARGE.length))

		assert.equal((await door.fetch('/files/d', { method: 'MKCOL' })).status, 201)
		assert.equal((await door.fetch('/files/d', { method: 'MKCOL' })).status, 409)
		assert.equal((await door.fetch('/files/d/e/f', { method: 'MKCOL' })).status, 409)
		const destination = (to: string, more = {}) => ({ headers: { destination: to, ...more } })
		assert.equal((await door.fetch('/files/a', { method: 'COPY', ...destination('/files/copy') })).status, 201)
		assert.equal((await door.fetch('/files/a/b/file.txt', { method: 'MOVE', ...destination(`${door.url}/files/d/moved`) })).status, 201)
		assert.equal((await door.fetch('/files/copy/b/file.txt', { method: 'COPY', ...destination('/files/d/moved', { overwrite: 'F' }) })).status, 412)
		assert.equal((await door.fetch('/files/copy/b/file.txt', { method: 'COPY', ...destination('/files/d/moved') })).status, 204)
		assert.equal((await door.fetch('/files/copy', { method: 'COPY', ...destination('/files/copy/b/inside') })).status, 403)
		assert.deepEqual(Buffer.from(await (await door.fetch('/files/d/moved')).arrayBuffer()), LARGE)
		assert.equal((await door.fetch('/files/a/b/file.txt')).status, 404)

		const listing = (await (await door.fetch('/files/')).json()) as { entries: Array<{ name: string; type: string; href: string }> }
		assert.deepEqual(listing.entries.map(({ name, type, href }) => [name, type, href]), [
			['a', 'directory', '/files/a/'],
			['copy', 'directory', '/files/copy/'],
			['d', 'directory', '/files/d/'],
		])
		assert.equal((await door.fetch('/files/copy', { method: 'DELETE' })).status, 409)
		assert.equal((await door.fetch('/files/copy?recursive', { method: 'DELETE' })).status, 204)
		assert.equal((await door.fetch('/files/d/moved', { method: 'DELETE' })).status, 204)
		assert.equal((await door.fetch('/files/d/moved', { method: 'DELETE' })).status, 404)
		assert.deepEqual(leftOf(door), [])
	})

	test(`${engine.name}: conditions`, async (t) => {
		const door = await openDoor(t, { engine })
		const path = '/files/f'
		const first = (await put(door, path, 'one', { 'if-none-match': '*' })).headers.get('etag') as string
		assert.equal((await put(door, path, 'two', { 'if-none-match': '*' })).status, 412)
		assert.equal((await put(door, path, 'two', { 'if-match': '"other"' })).status, 412)
		assert.equal((await put(door, '/files/none', 'two', { 'if-match': '*' })).status, 412)
		assert.equal((await put(door, path, 'two', { 'if-match': `"x", ${first}` })).status, 200)
		const now = await door.fetch(path)
		const [etag, modified] = [now.headers.get('etag') as string, now.headers.get('last-modified') as string]
		const status = async (headers: Record<string, string>, method = 'GET') => (await door.fetch(path, { method, headers })).status
		assert.equal(await status({ 'if-none-match': etag }), 304)
		assert.equal(await status({ 'if-none-match': `W/${etag}` }), 304)
		assert.equal(await status({ 'if-none-match': first }), 200)
		assert.equal(await status({ 'if-match': first }), 412)
		assert.equal(await status({ 'if-match': `W/${etag}` }), 412)
		assert.equal(await status({ 'if-modified-since': modified }), 304)
		assert.equal(await status({ 'if-modified-since': modified, 'if-none-match': first }), 200)
		assert.equal(await status({ 'if-modified-since': 'yesterday' }), 200)
		assert.equal(await status({ 'if-unmodified-since': 'Thu, 01 Jan 1970 00:00:00 GMT' }), 412)
		// The oldest form of a date names no zone, and does not mean that of the door.
		const { TZ } = process.env
		for (const zone of ['America/New_York', 'Asia/Tokyo']) {
			process.env.TZ = zone
			const asctime = modified.replace(/^(\w+), (\d+) (\w+) (\d+) (.*) GMT$/, (_, day, date, month, year, time) => `${day} ${month} ${String(Number(date)).padStart(2)} ${time} ${year}`)
			assert.deepEqual([await status({ 'if-modified-since': asctime }), await status({ 'if-unmodified-since': asctime })], [304, 200], zone)
		}
		process.env.TZ = TZ ?? 'UTC'
		assert.equal(await status({ 'if-match': first }, 'DELETE'), 412)
		const range = { range: 'bytes=1-' }
		assert.equal(await status({ ...range, 'if-range': etag }), 206)
		assert.equal(await status({ ...range, 'if-range': first }), 200)
		assert.equal(await status({ ...range, 'if-range': modified }), 200, 'it may have been other content in that second')
		const writes = await Promise.all(['a', 'b', 'c', 'd'].map(async (body) => (await put(door, '/files/race', body, { 'if-none-match': '*' })).status))
		assert.deepEqual(writes.sort(), [201, 412, 412, 412])
	})

	test(`${engine.name}: pages of a directory, by names as bytes`, async (t) => {
		const door = await openDoor(t, { engine })
		const names = ['%FF%FE', 'a=b&c', 'caf%C3%A9', 'plus+', 'space%20x', '%25', '%3F%23', 'x%0Ay', '%22%3Cb%3E', 'invoice%E2%80%AEfdp.exe']
		for (const name of names) assert.equal((await put(door, `/files/odd/${name}`, name)).status, 201, name)
		const seen: string[] = []
		for (let next: string | undefined = '/files/odd?limit=2'; next; ) {
			const page = (await (await door.fetch(next)).json()) as { entries: Array<{ href: string }>; next?: string }
			seen.push(...page.entries.map(({ href }) => href))
			next = page.next
		}
		assert.equal(seen.length, names.length)
		const contents = await Promise.all(seen.map((href) => text(door, href)))
		assert.deepEqual(contents.sort(), [...names].sort())
		const html = await text(door, '/files/odd', { accept: 'text/html' })
		assert.match(html, /&quot;&lt;b&gt;/)
		assert.match(html, />invoice\ufffdfdp\.exe</, 'what turns the line around is not on the page')
		assert.doesNotMatch(html, /<b>/)
	})
}

test('ranges', async (t) => {
	const door = await openDoor(t)
	await put(door, '/files/f.txt', '0123456789')
	await put(door, '/files/large', LARGE)
	await put(door, '/files/empty', '')
	const ask = async (range: string, path = '/files/f.txt') => {
		const answer = await door.fetch(path, { headers: { range } })
		return [answer.status, answer.headers.get('content-range'), Buffer.from(await answer.arrayBuffer()).toString('latin1')]
	}
	assert.deepEqual(await ask('bytes=0-0'), [206, 'bytes 0-0/10', '0'])
	assert.deepEqual(await ask('bytes=7-'), [206, 'bytes 7-9/10', '789'])
	assert.deepEqual(await ask('bytes=-3'), [206, 'bytes 7-9/10', '789'])
	assert.deepEqual(await ask('bytes=5-500'), [206, 'bytes 5-9/10', '56789'])
	assert.deepEqual((await ask('bytes=10-')).slice(0, 2), [416, 'bytes */10'])
	assert.deepEqual((await ask('bytes=-0')).slice(0, 2), [416, 'bytes */10'])
	assert.deepEqual((await ask('bytes=0-', '/files/empty')).slice(0, 2), [416, 'bytes */0'])
	for (const odd of ['bytes=5-2', 'bytes=x', 'lines=1-2', 'bytes=', `bytes=${'0-1,'.repeat(100)}`, 'bytes=0-9,0-9']) assert.equal((await ask(odd))[0], 200, odd)
	const large = await door.fetch('/files/large', { headers: { range: 'bytes=100-2000099' } })
	assert.deepEqual(Buffer.from(await large.arrayBuffer()), LARGE.subarray(100, 2_000_100))
	const several = await door.fetch('/files/f.txt', { headers: { range: 'bytes=0-1, 4-5,-1' } })
	assert.equal(several.status, 206)
	const [, boundary] = /^multipart\/byteranges; boundary=(\w+)$/.exec(several.headers.get('content-type') as string) as RegExpExecArray
	const part = (range: string, body: string) => `\r\n--${boundary}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-range: bytes ${range}/10\r\n\r\n${body}`
	assert.equal(await several.text(), `${part('0-1', '01')}${part('4-5', '45')}${part('9-9', '9')}\r\n--${boundary}--\r\n`)
})

test('what is put is checked, and what is not right leaves nothing', async (t) => {
	const door = await openDoor(t)
	const status = async (headers: Record<string, string>, path = '/files/new/f') => (await put(door, path, 'content', headers)).status
	const md5 = createHash('md5').update('content').digest('base64')
	const sha256 = createHash('sha256').update('content').digest('base64')
	const wrong = createHash('sha256').update('other').digest('base64')
	const sha512 = (of: string) => createHash('sha512').update(of).digest('base64')
	assert.equal(await status({ 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' }), 400)
	assert.equal(await status({ 'content-md5': 'short' }), 400)
	assert.equal(await status({ digest: `sha-256=${wrong}` }), 400)
	assert.equal(await status({ 'repr-digest': `sha-256=:${wrong}:` }), 400)
	assert.equal(await status({ 'content-digest': 'nonsense' }), 400)
	assert.equal(await status({ 'repr-digest': `sha-512=:${sha512('other')}:` }), 400)
	assert.equal(await status({ digest: `SHA-512=${sha512('other')}` }), 400)
	assert.equal(await status({ 'content-digest': `sha-256=:${wrong}:`, 'repr-digest': `sha-256=:${sha256}:` }), 400, 'each has to hold')
	assert.equal(await status({ 'content-range': 'bytes 0-6/7' }), 400)
	assert.equal((await door.fetch('/files/new/f')).status, 404)
	assert.equal(await status({ 'content-md5': md5, digest: `unixsum=5, SHA-256=${sha256}`, 'repr-digest': `sha-256=:${sha256}:, sha-512=:${sha512('content')}:` }), 201)
	assert.deepEqual(leftOf(door), [])
})

test('of what the Finder sends in chunks all has to come', async (t) => {
	const door = await openDoor(t)
	const send = async (path: string, announced: string) => {
		const body = new ReadableStream({ start: (controller) => (controller.enqueue(Buffer.from('content')), controller.close()) })
		return (await door.fetch(path, { method: 'PUT', body, duplex: 'half', headers: { 'x-expected-entity-length': announced } } as RequestInit)).status
	}
	for (const prefix of ['/files/', '/dav/']) {
		assert.deepEqual([await send(`${prefix}f`, '8'), await send(`${prefix}f`, '6')], [400, 400])
		assert.equal((await door.fetch('/files/f')).status, 404)
		assert.ok((await send(`${prefix}f`, '7')) < 300)
		assert.equal((await door.fetch('/files/f', { method: 'DELETE' })).status, 204)
	}
	assert.deepEqual(leftOf(door), [])
})

test('bad input: the right status, in one shape', async (t) => {
	const door = await openDoor(t)
	await put(door, '/files/dir/file', 'x')
	const cases: Array<[method: string, path: string, status: number]> = [
		['GET', '/files/../etc/passwd', 400],
		['GET', '/files/%2e%2e/etc/passwd', 400],
		['GET', '/files/dir/%2e%2e/%2e%2e/x', 400],
		['GET', '/files/dir/..%2ffile', 400],
		['GET', '/files/a%00b', 400],
		['GET', '/files/%zz', 400],
		['GET', '/files/%', 400],
		['GET', `/files/${'n'.repeat(256)}`, 400],
		['GET', '/files/.cairn/node.json', 403],
		['GET', '/files/dir/file/below', 404],
		['GET', '/files/nothing', 404],
		['GET', '/files/dir?limit=0', 400],
		['GET', '/files/dir?limit=x', 400],
		['PUT', '/files/dir', 409],
		['PUT', '/files/', 409],
		['PUT', '/files/dir/file/below', 409],
		['PUT', '/files/.cairn/uploads/x', 403],
		['PUT', '/files/a%00b', 400],
		['PUT', `/files/${'n'.repeat(256)}`, 400],
		['POST', '/files/dir', 415],
		['DELETE', '/files/', 403],
		['MOVE', '/files/dir', 400],
		['COPY', '/files/dir', 400],
	]
	const token = await knownToken(door, 'admin')
	for (const [method, path, status] of cases) {
		const answer = await raw(door, method, path, token)
		assert.equal(answer.status, status, `${method} ${path}: ${answer.body}`)
		assert.match(answer.type, /^application\/json/, `${method} ${path}`)
		const { error } = JSON.parse(answer.body)
		assert.deepEqual(Object.keys(error), ['code', 'message'])
	}
	assert.equal(await text(door, '/files/dir/file'), 'x')
	assert.deepEqual(leftOf(door), [])
})

/** Without what `fetch` makes of an address. */
async function raw(door: TestDoor, method: string, path: string, token: string): Promise<{ status: number; type: string; body: string }> {
	const { hostname, port } = new URL(door.url)
	return await new Promise((resolve, reject) => {
		const asked = httpRequest({ hostname, port, method, path, headers: { authorization: `Bearer ${token}` } }, (answer) => {
			let body = ''
			answer.on('data', (chunk) => (body += chunk)).on('end', () => resolve({ status: answer.statusCode ?? 0, type: answer.headers['content-type'] ?? '', body }))
		})
		asked.on('error', reject).end()
	})
}

test('a body that is cut off leaves nothing', async (t) => {
	const door = await openDoor(t)
	await put(door, '/files/f', 'before')
	const token = await knownToken(door, 'admin')
	const { hostname, port } = new URL(door.url)
	const socket = connect(Number(port), hostname)
	socket.write(`PUT /files/f HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-length: 5000000\r\n\r\n`)
	socket.write(Buffer.alloc(1_000_000))
	await until('it is being written', () => leftOf(door).length === 1 || undefined)
	socket.destroy()
	await until('it is gone', () => leftOf(door).length === 0 || undefined)
	assert.equal(await text(door, '/files/f'), 'before')
	await new Promise<void>((resolve) => {
		const other = connect(Number(port), hostname).on('close', () => resolve()).on('error', () => resolve()).resume()
		other.write(`PUT /files/f HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nZZ\r\n`)
	})
	assert.equal(await text(door, '/files/f'), 'before')
	await until('it is gone', () => leftOf(door).length === 0 || undefined)
})

test('who may go where: by the path that is asked for and by where it really leads', async (t) => {
	const door = await openDoor(t, { api: { publicPaths: ['public'] } })
	await put(door, '/files/public/f', 'public')
	await put(door, '/files/private/f', 'private')
	await symlinkInTree(door, 'public/way-out', '../private/f')
	const token = await knownToken(door, 'write', { paths: ['public'] })
	const as = async (path: string, init: RequestInit = {}, who: string | undefined = token) =>
		(await fetch(`${door.url}${path}`, { ...init, headers: { ...(who ? { authorization: `Bearer ${who}` } : {}), ...init.headers } })).status
	assert.equal(await as('/files/public/f', {}, ''), 200)
	assert.equal(await as('/files/private/f', {}, ''), 401)
	assert.equal(await as('/files/public/way-out', {}, ''), 401)
	assert.equal(await as('/files/public/new', { method: 'PUT', body: 'x' }, ''), 401)
	assert.equal(await as('/files/public/new', { method: 'PUT', body: 'x' }), 201)
	assert.equal(await as('/files/private/new', { method: 'PUT', body: 'x' }), 403)
	assert.equal(await as('/files/public/way-out'), 403)
	assert.equal(await as('/files/public/way-out', { method: 'PUT', body: 'x' }), 403)
	assert.equal(await as('/files/public/new', { method: 'MOVE', headers: { destination: '/files/private/new' } }), 403)
	assert.equal(await as('/files/private/f', { method: 'COPY', headers: { destination: '/files/public/got' } }), 403)
	assert.equal(await as('/files/', { method: 'DELETE' }), 403)
	assert.equal(await text(door, '/files/private/f'), 'private')
})

test('a form of a browser puts a file into a directory', async (t) => {
	const door = await openDoor(t)
	await door.fetch('/files/d', { method: 'MKCOL' })
	const form = () => {
		const made = new FormData()
		made.append('comment', 'x')
		made.append('file', new Blob([LARGE]), 'naïve name.bin')
		return made
	}
	const answer = await door.fetch('/files/d/', { method: 'POST', body: form() })
	assert.equal(answer.status, 201)
	const { href, size } = (await answer.json()) as { href: string; size: number }
	assert.deepEqual([href, size], ['/files/d/na%C3%AFve%20name.bin', LARGE.length])
	assert.deepEqual(Buffer.from(await (await door.fetch(href)).arrayBuffer()), LARGE)
	const page = await door.fetch('/files/d/', { method: 'POST', body: form(), headers: { accept: 'text/html' }, redirect: 'manual' })
	assert.deepEqual([page.status, page.headers.get('location')], [303, '/files/d/'])
	// One that would be passed over in silence is said to be too much.
	const fresh = new FormData()
	for (const name of ['first', 'second']) fresh.append('file', new Blob([name]), name)
	assert.equal((await door.fetch('/files/d/', { method: 'POST', body: fresh })).status, 400)
	for (const name of ['first', 'second']) assert.equal((await door.fetch(`/files/d/${name}`)).status, 404)
})

test('a file that is moved to another of its names has lost the first', async (t) => {
	const door = await openDoor(t, { nodes: 1 })
	for (const prefix of ['files', 'dav']) {
		await put(door, `/${prefix}/a`, 'content')
		await inTree(door, function* (fs) {
			const { row } = yield* resolve(fs, Buffer.from('a'))
			yield* link(fs, row?.id as FileId, { parent: ROOT_ID, name: Buffer.from('b') })
		})
		const moved = await door.fetch(`/${prefix}/a`, { method: 'MOVE', headers: { destination: `/${prefix}/b` } })
		assert.equal(moved.status, 204)
		assert.equal((await door.fetch('/files/a')).status, 404)
		assert.equal(await text(door, '/files/b'), 'content')
		assert.equal(readFileSync(door.node(1, 'b'), 'utf8'), 'content')
		await door.fetch('/files/b', { method: 'DELETE' })
	}
})

test('others are served while a directory is removed with all that is in it', async (t) => {
	const door = await openDoor(t, { nodes: 1 })
	const names = Array.from({ length: 400 }, (_, index) => String(index).padStart(3, '0'))
	await Promise.all(names.map((name) => put(door, `/files/d/${name}`, name)))
	let isOver = false
	const removing = door.fetch('/files/d?recursive', { method: 'DELETE' }).finally(() => (isOver = true))
	const seen = new Set<string | undefined>()
	while (!isOver) {
		const listed = await door.fetch('/files/d/?limit=1')
		if (listed.ok) seen.add(((await listed.json()) as { entries: Array<{ name: string }> }).entries[0]?.name)
	}
	assert.equal((await removing).status, 204)
	assert.ok(seen.difference(new Set(['000', undefined])).size > 0, 'somebody saw some of it gone')
})
