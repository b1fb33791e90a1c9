/** The dialect of Hercules' gateway: what its clients send and read, on both databases; and what they should not. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import { engines, type Engine, mariadb } from '../catalogue/engines.ts'
import { openPaths } from '../support/descriptors.ts'
import { until } from '../support/until.ts'
import { curl } from './curl.ts'
import { openDoor, type TestDoor } from './door.ts'

const open = (t: TestContext, engine?: Engine) => openDoor(t, { engine, nodes: 1, listen: [{ at: '127.0.0.1:0', parts: ['hercules', 'files'], anybody: 'write' }] })

interface Reply {
	success: boolean
	message: string
	data: Record<string, never> | null
	error?: string
}

async function ask(door: TestDoor, method: string, path: string, body?: object | string): Promise<{ status: number; reply: Reply }> {
	const sent = typeof body === 'object' ? JSON.stringify(body) : body
	const response = await fetch(`${door.url}/api/v1/${path}`, { method, ...(sent === undefined ? {} : { body: sent }) })
	return { status: response.status, reply: (await response.json()) as Reply }
}

for (const engine of engines) {
	test(`${engine.name}: a tree made, written, read, changed and removed`, async (t) => {
		const door = await open(t, engine)
		assert.deepEqual(await ask(door, 'POST', 'mkdir', { path: '/docs/old' }), {
			status: 200, reply: { success: true, message: 'Directory created successfully', data: { path: '/docs/old' } },
		} as never)
		assert.equal((await ask(door, 'POST', 'create', { path: '/docs/a.txt' })).status, 200)
		const write = await ask(door, 'POST', 'write?path=/docs/a.txt&offset=0', 'hello world')
		assert.deepEqual(write.reply, { success: true, message: 'Data written successfully', data: { bytes_written: 11, offset: 0 } } as never)
		assert.deepEqual((await ask(door, 'PUT', 'write?path=/docs/a.txt&offset=6', 'there')).reply.data, { bytes_written: 5, offset: 6 } as never)
		assert.deepEqual((await ask(door, 'POST', 'append?path=docs/a.txt', '!!')).reply.data, { offset: 11, bytes_added: 2 } as never)
		assert.equal(readFileSync(door.node(1, 'docs/a.txt'), 'utf8'), 'hello there!!')
		const read = await fetch(`${door.url}/api/v1/read?path=./docs/a.txt&offset=6&length=5`)
		assert.equal(read.headers.get('content-type'), 'application/octet-stream')
		assert.equal(read.headers.get('x-bytes-read'), '5')
		assert.equal(await read.text(), 'there')
		const { reply } = await ask(door, 'GET', 'fileinfo?path=/docs/a.txt')
		assert.deepEqual(reply, { success: true, message: '', data: { path: '/docs/a.txt', is_dir: false, length: 13, chunks: 1 } } as never)
		const listed = await ask(door, 'GET', 'list?path=/docs')
		assert.deepEqual(listed.reply.data, {
			path: '/docs',
			entries: [
				{ Path: '/docs/a.txt', Name: 'a.txt', IsDir: false, Length: 13, Chunk: 1 },
				{ Path: '/docs/old', Name: 'old', IsDir: true, Length: 0, Chunk: 0 },
			],
		} as never)
		for (const path of ['./', '/', '.', '']) {
			const { data } = (await ask(door, 'GET', `list?path=${path}`)).reply as unknown as { data: { entries: Array<{ Name: string }> } }
			assert.deepEqual(data.entries.map(({ Name }) => Name), ['docs'], path)
		}
		assert.equal((await ask(door, 'POST', 'rename', { source: '/docs/a.txt', target: '/docs/old/b.txt' })).status, 200)
		assert.ok(existsSync(door.node(1, 'docs/old/b.txt')))
		assert.equal((await ask(door, 'DELETE', 'delete', { path: '/docs' })).status, 409, 'it is not empty')
		assert.equal((await ask(door, 'DELETE', 'delete', { path: '/docs/old/b.txt' })).status, 200)
		assert.equal((await ask(door, 'POST', 'delete', { path: '/docs/old' })).status, 200)
		assert.equal((await ask(door, 'GET', 'fileinfo?path=/docs/old/b.txt')).status, 404)
		assert.deepEqual(door.reports, [])
	})

	test(`${engine.name}: many who append to one file: nothing is lost, and each is told where`, async (t) => {
		const door = await open(t, engine)
		await ask(door, 'POST', 'create', { path: 'log' })
		const lines = Array.from({ length: 40 }, (_, index) => `${String(index).padStart(3, '0')} ${'x'.repeat(index)}\n`)
		const offsets = await Promise.all(lines.map(async (line) => Number((await ask(door, 'POST', 'append?path=log', line)).reply.data?.offset)))
		const text = await (await fetch(`${door.url}/files/log`)).text()
		assert.equal(text.length, lines.join('').length)
		for (const [index, line] of lines.entries()) assert.equal(text.slice(offsets[index], offsets[index] + line.length), line)
	})

	test(`${engine.name}: what another door moves meanwhile is gone for who appends, and what it puts there is appended to`, async (t) => {
		const door = await open(t, engine)
		const { addresses: [other] } = await door.second()
		const move = (source: string, target: string) => fetch(`${other}/api/v1/rename`, { method: 'POST', body: JSON.stringify({ source, target }) })
		await ask(door, 'POST', 'create', { path: 'd/log' })
		let appended = 0
		let isOver = false
		const moving = (async () => {
			while (!isOver) for (const [source, target] of [['d', 'e'], ['e', 'd'], ['d/log', 'd/old'], ['d/old', 'd/log']]) assert.equal((await move(source, target)).status, 200)
		})()
		while (appended < 20) {
			const { status, reply } = await ask(door, 'POST', 'append?path=d/log', 'line\n')
			assert.ok(status === 200 || status === 404, `${status} ${JSON.stringify(reply)}`)
			if (status === 200) appended++
		}
		isOver = true
		await moving
		assert.equal(await (await fetch(`${door.url}/files/d/log`)).text(), 'line\n'.repeat(appended))
		await ask(door, 'POST', 'create', { path: 'f' })
		const { hostname, port } = new URL(door.url)
		for (const [between, status] of [[() => fetch(`${other}/files/f`, { method: 'PUT', body: 'new ' }), 200], [() => move('f', 'g'), 404]] as const) {
			const socket = connect(Number(port), hostname)
			let answer = ''
			const closed = once(socket.on('data', (chunk) => (answer += chunk)), 'close')
			socket.write('POST /api/v1/append?path=f HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 6\r\n\r\nhel')
			await fetch(`${door.url}/health`)
			await between()
			socket.write('lo!')
			await closed
			assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `))
		}
		assert.equal(await (await fetch(`${door.url}/files/g`)).text(), 'new hello!')
	})
}

/** What this process has open of a file. */
function descriptorsOf(file: string): number {
	return openPaths().filter((path) => path === file).length
}

test('whoever is gone before what he asked for was opened leaves nothing open', async (t) => {
	const door = await open(t, mariadb)
	assert.equal((await fetch(`${door.url}/files/f`, { method: 'PUT', body: Buffer.alloc(1_000_000) })).status, 201)
	const { pathname, searchParams, username } = new URL(door.config.catalogue)
	const other = await createConnection({ user: username, socketPath: searchParams.get('socketPath') ?? '', database: pathname.slice(1) })
	await other.query('LOCK TABLES entry WRITE')
	const { hostname, port } = new URL(door.url)
	const sockets = Array.from({ length: 4 }, () => connect(Number(port), hostname))
	for (const socket of sockets) socket.write('GET /api/v1/read?path=f&length=1000000 HTTP/1.1\r\nhost: x\r\n\r\n')
	await until('they are asked for', async () => (await other.query<RowDataPacket[]>('SHOW PROCESSLIST'))[0].filter(({ State }) => /lock/i.test(State ?? '')).length >= 4 || undefined)
	for (const socket of sockets) socket.destroy()
	await fetch(`${door.url}/health`)
	await other.query('UNLOCK TABLES')
	await other.end()
	assert.equal((await fetch(`${door.url}/api/v1/read?path=f`)).status, 200)
	await until('it is closed', () => descriptorsOf(door.node(1, 'f')) === 0 || undefined)
})

test('with curl, which says that JSON is a form', async (t) => {
	const door = await open(t)
	const ask = async (...options: string[]) => JSON.parse((await curl(...options)).text)
	assert.equal((await ask(`${door.url}/health`)).status, 'ok')
	assert.equal((await ask('-X', 'POST', '-d', '{"path":"/a/b"}', `${door.url}/api/v1/create`)).success, true)
	assert.equal((await ask('-X', 'POST', '--data-binary', 'content', `${door.url}/api/v1/write?path=/a/b`)).data.bytes_written, 7)
	assert.equal((await curl(`${door.url}/api/v1/read?path=/a/b`)).text, 'content')
	assert.equal((await ask(`${door.url}/api/v1/list?path=./`)).data.entries[0].Name, 'a')
})

test('a large directory is listed whole', async (t) => {
	const door = await open(t)
	await ask(door, 'POST', 'mkdir', { path: 'd' })
	const [{ file_id: directory }] = await door.driver.all("SELECT file_id FROM entry WHERE name = ?", [Buffer.from('d')])
	await door.driver.transaction(function* (tx) {
		for (let index = 0; index < 2_500; index++) {
			tx.write('INSERT INTO file (id, kind, mode, uid, gid, nlink, atime, atime_ns, mtime, mtime_ns, ctime, ctime_ns, version) VALUES (?, 1, 420, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1)', [100_000 + index])
			tx.write('INSERT INTO entry (parent_id, name, file_id) VALUES (?, ?, ?)', [directory, Buffer.from(`f${index}`), 100_000 + index])
		}
	})
	const { data } = (await ask(door, 'GET', 'list?path=d')).reply as unknown as { data: { entries: object[] } }
	assert.equal(data.entries.length, 2_500)
})

test('what is wrong with a request is said in its shape, and nothing changed', async (t) => {
	const door = await open(t)
	await ask(door, 'POST', 'create', { path: 'file' })
	await ask(door, 'POST', 'mkdir', { path: 'directory' })
	for (const [method, path, expected, body] of [
		['POST', 'mkdir', 409, { path: 'directory' }], ['POST', 'mkdir', 404, { path: 'file/below' }], ['POST', 'create', 409, { path: 'file' }], ['POST', 'create', 409, { path: './' }],
		['POST', 'mkdir', 400, { path: '' }], ['POST', 'mkdir', 400, {}], ['POST', 'mkdir', 400, 'no json'], ['POST', 'mkdir', 400, { path: 'a/../b' }],
		['POST', 'mkdir', 400, { path: 'a\0b' }], ['POST', 'mkdir', 400, { path: 'x'.repeat(256) }], ['POST', 'mkdir', 403, { path: '.cairn/x' }],
		['POST', 'rename', 404, { source: 'none', target: 'x' }], ['POST', 'rename', 409, { source: 'file', target: 'directory' }], ['POST', 'rename', 400, { source: 'file' }],
		['DELETE', 'delete', 404, { path: 'none' }], ['DELETE', 'delete', 409, { path: '/' }], ['GET', 'list?path=none', 404], ['GET', 'list?path=file', 404],
		['GET', 'list?path=%ff', 400], ['GET', 'fileinfo', 400], ['GET', 'read?path=directory', 409], ['GET', 'read?path=none', 404], ['POST', 'write?path=none', 404, 'x'],
		['POST', 'write?path=directory', 409, 'x'], ['POST', 'append', 400, 'x'], ['GET', 'nothing', 404],
	] as Array<[string, string, number, (object | string)?]>) {
		const { status, reply } = await ask(door, method, path, body)
		assert.equal(status, expected, `${method} ${path}: ${JSON.stringify(reply)}`)
		if (path !== 'nothing') assert.equal(reply.success, false)
	}
	for (const text of ['no json', '', '{"path":']) assert.equal((await ask(door, 'POST', 'mkdir', text)).reply.error, 'the body is not JSON')
	const read = await fetch(`${door.url}/api/v1/read?path=file&offset=100&length=5`)
	assert.equal(read.status, 200)
	assert.equal(read.headers.get('x-bytes-read'), '0')
	for (const [offset, status] of [['-1', 400], ['9007199254740993', 413], ['1000000000000000', 413], ['9'.repeat(400), 413]] as const) {
		assert.equal((await ask(door, 'POST', `write?path=file&offset=${offset}`, 'x')).status, status, offset)
		assert.equal((await fetch(`${door.url}/api/v1/read?path=file&offset=${offset}`)).status, status === 400 ? 400 : 200, offset)
	}
	assert.equal((await fetch(`${door.url}/api/v1/append?path=file`, { method: 'POST', body: new Uint8Array(16 * 1024 * 1024 + 1) })).status, 413)
	const socket = connect(Number(new URL(door.url).port), '127.0.0.1')
	socket.on('error', () => undefined).write(`POST /api/v1/append?path=file HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n${'x'.repeat(500)}`)
	await ask(door, 'GET', 'fileinfo?path=file')
	socket.destroy()
	const { length } = (await ask(door, 'GET', 'fileinfo?path=file')).reply.data as unknown as { length: number }
	assert.equal(length, 0, 'nothing of what was cut off or too large')
	assert.deepEqual(door.reports, [])
})

test('large content in pieces', async (t) => {
	const door = await open(t)
	await ask(door, 'POST', 'create', { path: 'large' })
	const content = randomBytes(3_000_000)
	for (let at = 0; at < content.length; at += 1_000_000) {
		await fetch(`${door.url}/api/v1/write?path=large&offset=${at}`, { method: 'PUT', body: new Uint8Array(content.subarray(at, at + 1_000_000)) })
	}
	const read = await fetch(`${door.url}/api/v1/read?path=large&length=9999999999`)
	assert.ok(Buffer.from(await read.arrayBuffer()).equals(content))
	assert.equal((await fetch(`${door.url}/api/v1/read?path=large`)).headers.get('x-bytes-read'), '4096')
})
