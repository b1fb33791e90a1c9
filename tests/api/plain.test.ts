/** Small content that is put plainly never meets node's HTTP: what is stored, answered and refused is the same as behind the router. */
import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { engines } from '../catalogue/engines.ts'
import { until } from '../support/until.ts'
import { openDoor, type DoorOptions, type TestDoor } from './door.ts'
import { holdChange } from './held-change.ts'
import { type PlainAnswer, type PlainConnection, plainConnection } from './plain-connection.ts'

const LONG = { 'X-Long': 'way' }
const FORM = '--b\r\nContent-Disposition: form-data; name="file"; filename="pic.gif"\r\nContent-Type: image/gif\r\n\r\nimage\r\n--b--\r\n'

/** Requests that node's HTTP has read. */
function countLong(t: TestContext): () => number {
	let many = 0
	const count = () => void many++
	subscribe('http.server.request.start', count)
	t.after(() => unsubscribe('http.server.request.start', count))
	return () => many
}

async function connected(t: TestContext, door: TestDoor, token?: string): Promise<PlainConnection> {
	const connection = await plainConnection(door.url, token)
	t.after(() => connection.socket.destroy())
	return connection
}

async function open(t: TestContext, options: DoorOptions = {}): Promise<{ door: TestDoor; plain: PlainConnection; token: string }> {
	const door = await openDoor(t, { nodes: 1, ...options })
	const token = await door.token('admin')
	return { door, token, plain: await connected(t, door, token) }
}

const comparable = ({ status, headers: { date: _, ...headers }, body }: PlainAnswer) => ({ status, headers, body: body.toString() })

for (const engine of engines) {
	test(`${engine.name}: a file that is put plainly is answered as by the long way, well or ill`, async (t) => {
		const [{ door, plain }, other] = [await open(t, { engine }), await open(t, { engine })]
		const cases: Array<[path: string, body: string]> = [
			['/files/a', 'content'],
			['/files/a', 'other content'],
			['/files/empty', ''],
			['/files/d/e/f.html', 'below'],
			['/files/%c3%a4%20%ff', 'bytes'],
			['/files//d//g', 'slashes'],
			['/files/d', 'a directory'],
			['/files/d/', 'a slash'],
			['/files/', 'the root'],
			['/files/a/b', 'through a file'],
			['/files/../x', 'above'],
			['/files/%2e%2e/x', 'above'],
			['/files/x%00y', 'a NUL'],
			['/files/x%zz', 'no byte'],
			['/files/.cairn/x', 'not of the tree'],
			[`/files/${'n'.repeat(256)}`, 'too long'],
			['/1,zz', 'no id'],
			['/1,01000000', 'too short'],
			['/1,0100000000', 'never assigned'],
		]
		const long = countLong(t)
		for (const [path, body] of cases) {
			const before = long()
			const own = await plain.ask(path, { method: 'PUT', body })
			assert.equal(long(), before, `${path} went the long way`)
			assert.deepEqual(comparable(own), comparable(await other.plain.ask(path, { method: 'PUT', body, headers: LONG })), path)
			assert.equal(long(), before + 1)
		}
		assert.equal(await (await door.fetch('/files/a')).text(), 'other content')
		assert.equal(readFileSync(door.node(1, 'd/e/f.html'), 'utf8'), 'below')
		assert.equal(existsSync(door.node(1, 'x')), false)
		assert.deepEqual([door.reports, other.door.reports], [[], []])
	})

	test(`${engine.name}: an object is assigned and uploaded plainly`, async (t) => {
		const { door, plain, token } = await open(t, { engine })
		const long = countLong(t)
		const host = new URL(door.url).host
		const assignedTo = async (connection: PlainConnection) => {
			const { fid, ...rest } = JSON.parse((await connection.ask('/dir/assign')).body.toString())
			assert.deepEqual(rest, { url: host, publicUrl: host, count: 1 })
			return String(fid)
		}
		const assign = () => assignedTo(plain)
		const [first, second] = [await assign(), await assign()]
		const uploaded = await plain.ask(`/${first}.jpg`, { method: 'PUT', body: 'image', headers: { 'Content-Type': 'image/png' } })
		assert.equal((await plain.ask(`/${first}`, { method: 'POST', body: 'other' })).status, 201)
		assert.equal((await plain.ask(`/${first.slice(0, -1)}${first.endsWith('0') ? 1 : 0}`, { method: 'PUT', body: 'x' })).status, 400)
		assert.equal(long(), 0)
		const slowly = await plain.ask(`/${second}.jpg`, { method: 'PUT', body: 'image', headers: { 'Content-Type': 'image/png', ...LONG } })
		assert.deepEqual(comparable(uploaded), comparable(slowly))
		assert.equal(uploaded.status, 201)
		const forms: Array<[form: string, boundary: string]> = [
			[FORM, 'b'],
			[FORM.replaceAll('--b', '--with space'), '"with space"'],
			[`preamble\r\n${FORM}`, 'b'],
			[FORM.replace('Content-Type: image/gif', 'Content-MD5: AAAAAAAAAAAAAAAAAAAAAA=='), 'b'],
			[FORM.slice(0, -6), 'b'],
			['no form', 'b'],
			[FORM, ''],
		]
		for (const [form, boundary] of forms) {
			const [short, other] = [await connected(t, door, token), await connected(t, door, token)]
			const send = async (connection: PlainConnection, headers: Record<string, string>) =>
				connection.ask(`/${await assignedTo(short)}.png`, { method: 'POST', body: form, headers: { 'Content-Type': `multipart/form-data; boundary=${boundary}`, ...headers } })
			const before = long()
			const own = await send(short, {})
			assert.equal(long(), before, form)
			assert.deepEqual(comparable(own), comparable(await send(other, LONG)), form)
		}
		for (const [body, type, status] of [['raw', 'image/png', 201], [FORM, 'multipart/form-data; boundary=b', 201], ['no form', 'multipart/form-data; boundary=b', 400]] as const) {
			const [short, other] = [await connected(t, door, token), await connected(t, door, token)]
			const before = long()
			const send = (connection: PlainConnection, headers: Record<string, string>) => connection.ask('/submit', { method: 'POST', body, headers: { 'Content-Type': type, ...headers } })
			const own = await send(short, {})
			assert.equal(long(), before)
			const nameless = (said: PlainAnswer) => ({ ...comparable(said), body: said.body.toString().replaceAll(/1,[0-9a-f]+/g, 'FID') })
			assert.deepEqual(nameless(own), nameless(await send(other, LONG)))
			assert.equal(own.status, status)
			if (status === 201) assert.equal(await (await door.fetch(`/${JSON.parse(own.body.toString()).fid}`)).text(), body === FORM ? 'image' : body)
		}
		const inForm = await assign()
		await plain.ask(`/${inForm}`, { method: 'PUT', body: FORM, headers: { 'Content-Type': 'multipart/form-data; boundary=b' } })
		const found = await door.fetch(`/${inForm}`)
		assert.deepEqual([await found.text(), found.headers.get('content-type'), found.headers.get('content-disposition')], ['image', 'image/gif', 'inline; filename="pic.gif"'])
		const got = await door.fetch(`/${first}`)
		assert.deepEqual([await got.text(), (await door.fetch(`/${second}`)).headers.get('content-type')], ['other', 'image/png'])
	})
}

test('who may not, or not so often, is told so; what is asked is counted and written down', async (t) => {
	const directory = mkdtempSync(join(tmpdir(), 'cairn-plain-'))
	t.after(() => rmSync(directory, { recursive: true, force: true }))
	const log = join(directory, 'log')
	const { door, plain } = await open(t, { api: { requestLog: log } })
	const put = async (token: string | undefined, path: string) => (await (await connected(t, door, token)).ask(path, { method: 'PUT', body: 'x' })).status
	const scoped = await door.token('write', { paths: ['own'], name: 'scoped' })
	assert.deepEqual(
		[await put(undefined, '/files/a'), await put('cairn_nobody', '/files/a'), await put(await door.token('read'), '/files/a'), await put(scoped, '/files/a'), await put(scoped, '/files/own/a')],
		[401, 401, 403, 403, 201],
	)
	const seldom = await connected(t, door, await door.token('write', { perMinute: 2 }))
	const statuses = []
	for (let time = 0; time < 3; time++) statuses.push((await seldom.ask(`/files/s${time}`, { method: 'PUT', body: 'x' })).status)
	assert.deepEqual(statuses, [201, 201, 429])
	const counted = async (status: string) => Number(new RegExp(`cairn_http_seconds_count\\{.*part="files",status="${status}"\\} (\\d+)`).exec(await (await door.fetch('/metrics')).text())?.[1] ?? 0)
	await plain.ask('/files/b', { method: 'PUT', body: 'x' })
	const before = [await counted('2xx'), await counted('4xx')]
	await plain.ask('/files/b', { method: 'PUT', body: 'x' })
	await plain.ask('/files/b/c', { method: 'PUT', body: 'x' })
	assert.deepEqual([await counted('2xx'), await counted('4xx')], [before[0] + 1, before[1] + 1])
	const line = await until('it is written down', () => readFileSync(log, 'utf8').split('\n').find((each) => each.includes('"/files/own/a"')))
	const { at: _, ms: __, ...said } = JSON.parse(line)
	assert.deepEqual(said, { from: '127.0.0.1', who: 'scoped', method: 'PUT', url: '/files/own/a', status: 201 })
})

test('what is not whole, not alone or not plain is stored all the same, and in turn', async (t) => {
	const { door, token } = await open(t)
	const head = (path: string, body: string, more = '') => `PUT ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n${more}Content-Length: ${body.length}\r\n\r\n`
	const whole = head('/files/a', 'first') + 'first'
	const get = `GET /files/a HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`
	const cases: Record<string, { parts: string[]; statuses: number[] }> = {
		'the body after the head': { parts: [head('/files/a', 'split'), 'split'], statuses: [201] },
		'two at once': { parts: [whole + head('/files/b', 'second') + 'second'], statuses: [201, 201] },
		'read while it is stored': { parts: [whole, get], statuses: [201, 200] },
		'a condition': { parts: [whole, `${head('/files/a', 'x', 'If-None-Match: *\r\n')}x`, get], statuses: [201, 412, 200] },
		'a wrong hash': { parts: [`${head('/files/a', 'x', 'Content-MD5: rL0Y20zC+Fzt72VPzMSk2A==\r\n')}x`], statuses: [400] },
		'asked first': { parts: [head('/files/a', 'later', 'Expect: 100-continue\r\n'), 'later'], statuses: [100, 201] },
		'no length': { parts: [whole.replace(/Content-Length.*\r\n/, 'Transfer-Encoding: chunked\r\n').replace(/first$/, '3\r\nabc\r\n0\r\n\r\n')], statuses: [201] },
		'two lengths': { parts: [whole.replace('Content-Length', 'Content-Length: 5\r\nContent-Length')], statuses: [400] },
		'a signed length': { parts: [whole.replace(': 5', ': +5')], statuses: [400] },
	}
	for (const [what, { parts, statuses }] of Object.entries(cases)) {
		const connection = await connected(t, door)
		for (const part of parts) connection.send(part)
		const got = []
		for (let count = 0; count < statuses.length; count++) got.push((await connection.answer({ hasBody: statuses[count] !== 100 })).status)
		assert.deepEqual(got, statuses, what)
		await door.fetch('/files/a', { method: 'DELETE' })
		await door.fetch('/files/b', { method: 'DELETE' })
	}
	const ending = await connected(t, door)
	ending.socket.end(whole)
	assert.equal((await ending.answer()).status, 201, 'who says no more is answered')
})

test('a door that ends answers what it has begun to store, and a catalogue that is held up is waited for', async (t) => {
	const { door, plain } = await open(t)
	assert.equal((await plain.ask('/files/a', { method: 'PUT', body: 'first' })).status, 201)
	const letGo = await holdChange(door, [])
	const answer = plain.ask('/files/a', { method: 'PUT', body: 'second' })
	const begun = () => readdirSync(door.node(1, '.cairn/uploads'), { recursive: true, withFileTypes: true }).some((entry) => entry.isFile())
	await until('it waits for the catalogue', () => begun() || undefined)
	const closed = new Promise((resolve) => plain.socket.on('close', resolve))
	const stopped = door.stop()
	await letGo()
	assert.equal((await answer).status, 200)
	await Promise.all([stopped, closed])
	assert.equal(readFileSync(door.node(1, 'a'), 'utf8'), 'second')
})
