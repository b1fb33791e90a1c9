/** One tree through every way in: what is put by one is read by all, through a mount too, and lies as a plain file on a node. A door that is killed leaves nothing of what it was receiving. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { FLAG_HAS_XATTRS } from '../../core/catalogue/files.ts'
import { checkTree } from '../support/check-tree.ts'
import { withHands } from '../support/hands.ts'
import { type Mounted, startUp } from '../support/mount.ts'
import { until } from '../support/until.ts'
import { openDoor } from './door.ts'

const CAIRN = fileURLToPath(new URL('../../cairn', import.meta.url))

interface Served {
	child: ChildProcess
	address: string
	fetch(path: string, init?: RequestInit): Promise<Response>
}

async function serve(t: TestContext, up: Mounted, token: string): Promise<Served> {
	const child = spawn(CAIRN, ['api', '--config', up.config, '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'ignore'] })
	t.after(() => child.kill('SIGKILL'))
	for await (const line of createInterface({ input: child.stdout })) {
		const [, address] = /^ready: (\S+)/.exec(line) ?? []
		if (address) return { child, address, fetch: (path, init = {}) => fetch(address + path, { ...init, headers: { authorization: `Bearer ${token}`, ...init.headers } }) }
	}
	throw new Error('it ended before it was ready')
}

const WAYS: Record<string, (door: Served, name: string, body: string) => Promise<Response>> = {
	rest: (door, name, body) => door.fetch(`/files/${name}`, { method: 'PUT', body }),
	dav: (door, name, body) => door.fetch(`/dav/${name}`, { method: 'PUT', body }),
	tus: (door, name, body) =>
		door.fetch('/uploads', {
			method: 'POST',
			body,
			headers: { 'tus-resumable': '1.0.0', 'upload-length': String(body.length), 'upload-metadata': `path ${Buffer.from(name).toString('base64')}`, 'content-type': 'application/offset+octet-stream' },
		}),
	sfss: (door, name, body) => door.fetch(`/files?path=${name}`, { method: 'POST', body }),
	async hercules(door, name, body) {
		await door.fetch('/api/v1/create', { method: 'POST', body: JSON.stringify({ path: name }) })
		return await door.fetch(`/api/v1/write?path=${name}`, { method: 'POST', body })
	},
}

const READS: Record<string, (name: string) => string> = {
	rest: (name) => `/files/${name}`,
	dav: (name) => `/dav/${name}`,
	sfss: (name) => `/file?path=${name}`,
	hercules: (name) => `/api/v1/read?path=${name}`,
}

test('what comes by one way is there by all, and a door that is killed leaves nothing', async (t) => {
	const up = await startUp({ nodes: 1 })
	t.after(() => up.remove())
	const said = await up.cairn('token', 'add', 'test', '--role', 'write')
	const token = said.stdout.trim()
	const [first, second] = [await serve(t, up, token), await serve(t, up, token)]
	await withHands(async (hands) => {
		for (const [way, put] of Object.entries(WAYS)) {
			const answer = await put(first, way, `content by ${way}`)
			assert.ok(answer.ok, `${way}: ${answer.status} ${await answer.text()}`)
			assert.equal(readFileSync(join(up.nodes[0], way), 'utf8'), `content by ${way}`)
			for (const [other, address] of Object.entries(READS)) assert.equal(await (await second.fetch(address(way))).text(), `content by ${way}`, `${way} read by ${other}`)
			assert.equal(Buffer.from(await hands.do('read', join(up.mountPoint, way))).toString(), `content by ${way}`)
		}
		// An object has a path of its own choice, and its id besides.
		const { fid } = (await (await first.fetch('/dir/assign?collection=c')).json()) as { fid: string }
		await first.fetch(`/${fid.replace(',', '/')}/object`, { method: 'PUT', body: 'content by id' })
		const month = `.blobs/c/${new Date().toISOString().slice(0, 7).replace('-', '/')}`
		const [name] = readdirSync(join(up.nodes[0], month))
		const object = `${month}/${name}`
		for (const [other, address] of Object.entries(READS)) assert.equal(await (await second.fetch(address(object))).text(), 'content by id', other)
		assert.equal(String(await hands.do('read', join(up.mountPoint, object))), 'content by id')
		for (const way of ['rest', 'dav', 'sfss', 'hercules']) {
			assert.ok((await WAYS[way](first, object, `by ${way}:  id`)).ok, way)
			assert.match(await (await second.fetch(`/${fid}`)).text(), new RegExp(`^by ${way}:  id`), `${way} read by its id`)
		}
		await hands.do('write', join(up.mountPoint, 'mount'), 'content by the mount')
		for (const address of Object.values(READS)) assert.equal(await (await second.fetch(address('mount'))).text(), 'content by the mount')
	})

	const uploads = join(up.nodes[0], '.cairn/uploads')
	const left = () => (existsSync(uploads) ? readdirSync(uploads).filter((name) => name !== 'kept').flatMap((name) => readdirSync(join(uploads, name))) : [])
	const { hostname, port } = new URL(first.address)
	const socket = connect(Number(port), hostname).on('error', () => undefined)
	socket.write(`PUT /files/rest HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-length: 9000000\r\n\r\n`)
	socket.write(Buffer.alloc(2_000_000))
	await until('it is being received', () => left().length > 0 || undefined)
	first.child.kill('SIGKILL')
	await once(first.child, 'exit')
	assert.equal(await (await second.fetch('/files/rest')).text(), 'content by rest')
	await until('nothing is left', () => left().length === 0 || undefined)
	second.child.kill('SIGTERM')
	await once(second.child, 'exit')
	await up.stop()
	assert.deepEqual(await checkTree(up.catalogue), [])
})

test('what somebody writes by whichever way runs as whoever runs it, as it does where the kernel writes', async (t) => {
	const door = await openDoor(t, { nodes: 1 })
	const ways: Record<string, [method: string, path: string]> = {
		rest: ['PUT', '/files/program'],
		dav: ['PUT', '/dav/program'],
		sfss: ['PUT', '/file?path=program'],
		'a write': ['POST', '/api/v1/write?path=program'],
		'an append': ['POST', '/api/v1/append?path=program'],
	}
	const capability = Buffer.from('security.capability')
	for (const [way, [method, path]] of Object.entries(ways)) {
		await door.fetch('/files/program', { method: 'PUT', body: 'of root' })
		const [{ id }] = await door.driver.all<{ id: number }>("SELECT file_id AS id FROM entry WHERE name = X'70726f6772616d'")
		await door.driver.change('UPDATE file SET mode = ?, flags = ? WHERE id = ?', [0o6755, FLAG_HAS_XATTRS, id])
		for (const name of [capability, Buffer.from('user.kept')]) await door.driver.change('INSERT INTO xattr (file_id, name, value) VALUES (?, ?, ?)', [id, name, Buffer.from('x')])
		assert.ok((await door.fetch(path, { method, body: 'of somebody' })).ok, way)
		const [{ mode }] = await door.driver.all<{ mode: number }>("SELECT mode FROM file JOIN entry ON file_id = id WHERE name = X'70726f6772616d'")
		const names = await door.driver.all<{ name: Uint8Array }>('SELECT name FROM xattr')
		assert.deepEqual([mode.toString(8), names.map(({ name }) => `${Buffer.from(name)}`)], ['755', ['user.kept']], way)
		await door.fetch('/files/program', { method: 'DELETE' })
	}
})
