/** `cairn put`, `cairn get` and `cairn bench http` against a door: whole files, what was broken off, what is refused. */
import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { bench } from '../../cli/bench.ts'
import type { BenchResult } from '../../cli/bench-http.ts'
import { ask } from '../../cli/door-request.ts'
import { tryLock } from '../../core/libc.ts'
import { get } from '../../cli/get.ts'
import { put } from '../../cli/put.ts'
import { typed } from '../cli/typed.ts'
import { mountFailingDisk } from '../failure/failing-disk.ts'
import { openDoor, type TestDoor } from './door.ts'

const cairn = typed('none', put, get, bench)
const CAIRN = fileURLToPath(new URL('../../cairn', import.meta.url))

async function open(t: TestContext): Promise<TestDoor & { local(name: string, content?: Buffer): string }> {
	const door = await openDoor(t, { nodes: 1, listen: [{ at: '127.0.0.1:0', anybody: 'write' }] })
	mkdirSync(join(door.directory, 'local'))
	return Object.assign(door, {
		local(name: string, content?: Buffer) {
			const path = join(door.directory, 'local', name)
			if (content) writeFileSync(path, content)
			return path
		},
	})
}

/** Between the two: breaks off each answer after so many bytes, the first few times. */
async function breaking(t: TestContext, door: TestDoor, times: number): Promise<string> {
	const to = new URL(door.url)
	const server = createServer((asked, answer) => {
		const passed = request({ host: to.hostname, port: to.port, method: asked.method, path: asked.url, headers: asked.headers }, (response) => {
			answer.writeHead(response.statusCode ?? 0, response.headers)
			let bytes = 0
			response.on('data', (chunk: Buffer) => {
				bytes += chunk.length
				answer.write(chunk)
				if (bytes > 200_000 && times > 0) {
					times--
					answer.destroy()
					passed.destroy()
				}
			})
			response.on('end', () => answer.end()).on('error', () => undefined)
		})
		passed.on('error', () => answer.destroy())
		asked.pipe(passed)
	})
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
	t.after(() => server.close())
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('files go in and come out, with their times; what is there is not sent again', async (t) => {
	const door = await open(t)
	const [one, two] = [door.local('one', randomBytes(300_000)), door.local('two ü.txt', Buffer.from('two'))]
	utimesSync(one, 1_000_000_000, 1_000_000_000)
	const said = await cairn('put', one, two, '/in/', '--door', door.url)
	assert.equal(said.code, 0, said.stderr)
	assert.match(said.stdout, /^put: 2 put; /)
	assert.ok(readFileSync(door.node(1, 'in/one')).equals(readFileSync(one)))
	assert.equal(Math.floor(statSync(door.node(1, 'in/one')).mtimeMs / 1000), 1_000_000_000)
	assert.match((await cairn('put', one, two, '/in/', '--door', door.url)).stdout, /2 known/)
	assert.match((await cairn('put', two, 'in/one', '--door', door.url)).stdout, /1 put/)
	assert.equal(readFileSync(door.node(1, 'in/one'), 'utf8'), 'two')
	const back = door.local('back')
	assert.equal((await cairn('get', '/in/two ü.txt', back, '--door', door.url)).code, 0)
	assert.equal(readFileSync(back, 'utf8'), 'two')
	assert.equal((await cairn('get', 'in/one', join(door.directory, 'local'), '--door', door.url)).code, 0)
	assert.equal(readFileSync(one, 'utf8'), 'two')
	const device = door.local('device')
	spawnSync('mkfifo', [device])
	assert.match((await cairn('get', 'in/one', device, '--door', door.url)).stderr, /device is no regular file, and would be replaced/)
	assert.ok(statSync(device).isFIFO())
	const long = 'ü'.repeat(127)
	assert.equal((await cairn('put', two, `in/${long}`, '--door', door.url)).code, 0)
	assert.equal((await cairn('get', `in/${long}`, join(door.directory, 'local'), '--door', door.url)).code, 0, 'as long as a name may be')
	assert.equal(readFileSync(door.local(long), 'utf8'), 'two')
	const events = (await cairn('get', 'in/one', back, '--door', door.url, '--json')).stdout.trim().split('\n').map((line) => JSON.parse(line).event)
	assert.deepEqual([events[0], events.at(-1)], ['start', 'summary'])
})

test('a download that is broken off goes on where it was', async (t) => {
	const door = await open(t)
	const content = randomBytes(3_000_000)
	await door.fetch('/files/large', { method: 'PUT', body: new Uint8Array(content) })
	const between = await breaking(t, door, 3)
	const back = door.local('back')
	const said = await cairn('get', 'large', back, '--door', between)
	assert.equal(said.code, 0, said.stderr)
	assert.ok(readFileSync(back).equals(content))
	assert.deepEqual(readdirSync(join(door.directory, 'local')), ['back'], 'no part is left')
	const hopeless = await cairn('get', 'large', door.local('other'), '--door', await breaking(t, door, 100))
	assert.equal(hopeless.code, 17)
	assert.ok(!existsSync(door.local('other')), 'not half a file under its name')
	assert.equal((await cairn('get', 'large', door.local('other'), '--door', door.url)).code, 0)
	assert.ok(readFileSync(door.local('other')).equals(content), 'the next run went on')
})

test('two who fetch one file to one place do not write into each other', async (t) => {
	const door = await open(t)
	const content = randomBytes(300_000)
	const answer = await door.fetch('/files/f', { method: 'PUT', body: new Uint8Array(content) })
	const end = createHash('sha256').update(answer.headers.get('etag') ?? '').digest('hex').slice(0, 12)
	const back = door.local('back')
	const other = openSync(`${back}.${end}.part`, 'wx')
	assert.ok(tryLock(other))
	const said = await cairn('get', 'f', back, '--door', door.url)
	assert.deepEqual([said.code, existsSync(back), fstatSync(other).size], [17, false, 0])
	assert.match(said.stderr, /another cairn get is fetching it/)
	closeSync(other)
	assert.equal((await cairn('get', 'f', back, '--door', door.url)).code, 0)
	assert.ok(readFileSync(back).equals(content))
	assert.deepEqual(readdirSync(join(door.directory, 'local')), ['back'])
})

test('what the disk does not take has no name, and is not gone on with', async (t) => {
	const door = await open(t)
	await door.fetch('/files/f', { method: 'PUT', body: new Uint8Array(randomBytes(300_000)) })
	const failing = mountFailingDisk(door.local('disk'))
	try {
		failing.fail()
		for (const _ of ['the first time', 'and the next']) {
			const said = await cairn('get', 'f', door.local('disk/f'), '--door', door.url)
			assert.equal(said.code, 17)
			// Where the kernel has tried to write by itself before it is asked to, the memory is given up and the hash is another.
			assert.match(said.stderr, /f: EIO|what came is not what it should be/)
			assert.deepEqual(readdirSync(door.local('disk')), ['lost+found'])
		}
	} finally {
		failing.end()
	}
})

test('what cannot be done is said in a line', async (t) => {
	const door = await open(t)
	const file = door.local('file', Buffer.from('x'))
	const closed = await openDoor(t)
	for (const [words, code, line] of [
		[['put', file, '--door', door.url], 2, /put what, and where/],
		[['put', file, file, 'target', '--door', door.url], 2, /ends in \//],
		[['put', file, 'a/../b', '--door', door.url], 2, /no '\.\.'/],
		[['put', door.local('none'), 'x', '--door', door.url], 17, /is not there/],
		[['get', 'none', door.local('x'), '--door', door.url], 17, /404/],
		[['get', '/', door.local('x'), '--door', door.url], 17, /get: \/: is not a file/],
		[['put', file, 'x', '--door', closed.url], 17, /401/],
		[['put', file, 'x', '--door', 'nonsense'], 2, /is not http/],
		[['put', file, 'x', '--door', door.url, '--token-file', '/none'], 2, /cannot be read/],
		[['bench', 'http', '--door', closed.url, '--seconds', '1'], 17, /401/],
	] as Array<[string[], number, RegExp]>) {
		const said = await cairn(...words)
		assert.equal(said.code, code, `${words.join(' ')}: ${said.stderr}`)
		assert.match(said.stderr, line)
	}
})

test('where no door answers that is said', async () => {
	const url = new URL('http://127.0.0.1:1')
	const asked = { method: 'GET', path: '/' }
	await assert.rejects(ask({ url, socketPath: undefined, token: '' }, asked), { message: 'no door answers at 127.0.0.1:1: does cairn api run there?' })
	await assert.rejects(ask({ url, socketPath: '/none', token: '' }, asked), /^Error: no door answers at \/none:/)
})

test('bench http counts what was answered', async (t) => {
	const door = await open(t)
	for (const work of ['objects', 'put', 'get']) {
		const said = await cairn('bench', 'http', '--door', door.url, '--seconds', '0.3', '--connections', '4', '--work', work, '--json')
		assert.equal(said.code, 0, said.stderr)
		const { failures, steps, perSecond } = JSON.parse(said.stdout) as BenchResult
		assert.equal(failures, 0)
		assert.ok(perSecond > 0)
		for (const { requests, p50, p99, max } of Object.values(steps)) assert.ok(requests > 0 && p50 <= p99 && p99 <= max)
	}
	const [{ objects }] = await door.driver.all('SELECT COUNT(*) AS objects FROM object')
	assert.ok(Number(objects) > 0)
})

test('names that are no UTF-8, two that read alike too', async (t) => {
	const door = await open(t)
	const [one, other] = [0xfe, 0xff].map((last) => Buffer.concat([Buffer.from(door.local('name')), Buffer.from([last])]))
	writeFileSync(one, 'one')
	writeFileSync(other, 'other')
	const typed = async (line: string) => (await promisify(execFile)('sh', ['-c', `cd '${door.local('.')}'; ${CAIRN} ${line} --door ${door.url} || true`])).stderr
	assert.equal(await typed('put -q name* /d/'), '')
	assert.deepEqual([await (await door.fetch('/files/d/name%FE')).text(), await (await door.fetch('/files/d/name%FF')).text()], ['one', 'other'])
	assert.equal(await typed(`get -q "/d/$(printf 'name\\377')" came`), '')
	assert.equal(readFileSync(door.local('came'), 'utf8'), 'other')
	assert.match(await typed(`get -q "/d/$(printf 'name\\377')"`), /name\\xff is no text: name the file it is to become here/)
	assert.match(await typed('get -q /d/name -'), /into which file\?/)
})
