/** A server that means ill: whatever it says, nothing outside of the folder changes, the rest goes on, and memory is bounded. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { treeOf } from '../support/tree.ts'
import { type Agent, placeAgent } from './agent.ts'
import { type FakeServer, startFakeServer } from './fake-server.ts'

const MEMORY_MIB_MAX = 250

let server: FakeServer
let agent: Agent
let canary: string
let before: unknown

beforeEach(async () => {
	server = await startFakeServer()
	agent = await placeAgent(server.url)
	canary = join(agent.base, 'canary')
	mkdirSync(canary)
	writeFileSync(join(canary, 'passwd'), 'untouched')
	before = outside()
	server.offer('good/one', 'one')
})

afterEach(async () => {
	await server.stop()
	assert.deepEqual(outside(), before, 'something outside of the folder changed')
	agent.remove()
})

function outside(): unknown {
	return Object.fromEntries(Object.entries(treeOf(agent.base)).filter(([path]) => path !== '' && !path.startsWith('/folder')))
}

/** The good files came, the others are named. */
async function refuses(names: readonly (string | Buffer)[], pattern: RegExp): Promise<void> {
	for (const name of names) server.offer(name, 'evil')
	server.offer('good/two', 'two')
	const { code, err } = await agent.run('-a', 'replicate')
	assert.equal(code, 1, err)
	assert.equal(err.match(new RegExp(pattern, 'g'))?.length, names.length, err)
	assert.deepEqual([agent.content('good/one'), agent.content('good/two')], ['one', 'two'])
	assert.equal(server.failed.length, names.length)
}

test('paths that lead out, or are none', async () => {
	const deep = Buffer.from('../'.repeat(40) + 'x')
	await refuses(
		['../../x', '/etc/cron.d/x', 'a/../../x', '..', '.', 'a/./b', 'a//b', 'a/', '', 'x\0y', 'n'.repeat(300), deep, 'p/'.repeat(9_000)],
		/refused: /,
	)
	assert.deepEqual(agent.paths(), ['good', 'good/one', 'good/two'])
})

test('a file is moved within the folder only, over no directory, and only where it is the file that is meant', async () => {
	const one = server.files.get(1) as { id: number; version: number }
	server.offer('other', 'other')
	assert.equal((await agent.run('-a', 'replicate')).code, 0)
	symlinkSync(canary, join(agent.folder, 'link'))
	mkdirSync(join(agent.folder, 'directory'))
	const targets = ['../../x', '/etc/cron.d/x', '..', 'link/passwd', 'directory', 'good/one/below', 'n'.repeat(300)]
	const more = (to: string | Buffer, rest: object = {}) => ({ to64: Buffer.from(to).toString('base64'), id: one.id, version: one.version, size: 3, hash: null, ...rest })
	const notices = [
		...targets.map((to) => ({ path: 'good/one', more: more(to) })),
		{ path: 'link/passwd', more: more('stolen', { size: 9 }) },
		{ path: '../canary/passwd', more: more('stolen', { size: 9 }) },
		// It is another file, which the record knows.
		{ path: 'other', more: more('taken', { size: 5 }) },
	]
	server.notices.push(...notices.map(({ path, more }, index) => ({ seq: index + 1, kind: 'moved', path: Buffer.from(path), more })))
	const { code, err } = await agent.run('-a', 'replicate', '-v')
	assert.equal(code, 0, err)
	// What the link leads to is listed with it.
	assert.deepEqual(agent.paths(), ['directory', 'good', 'good/one', 'link', 'link/passwd', 'other'])
	assert.equal(err.match(/cannot be moved/g)?.length, 9, err)
	server.notices.push({ seq: 50, kind: 'moved', path: Buffer.from('good/one'), more: more('.cairn-backup/held.log') })
	assert.equal((await agent.run('-a', 'replicate')).code, 0)
	assert.equal(agent.content('%.cairn-backup/held.log'), 'one')
})

test("a file that is called as the agent's own directory is: here it is called otherwise, and is right", async () => {
	for (const name of ['other', '.cairn-backup']) server.offer(name, `content of ${name}`)
	assert.deepEqual(await agent.run('-a', 'replicate'), { code: 0, out: '', err: '' })
	assert.equal(agent.content('%.cairn-backup'), 'content of .cairn-backup')
	assert.equal((await agent.run('-a', 'verify')).code, 0)
})

test('names that mean something elsewhere are names here, and only names', async () => {
	const names = ['..\\..\\x', 'C:\\x', 'C:x', 'nul', 'A', 'a', '\u00e9', 'e\u0301', 'dot. ', '%2e%2e', '-rf', 'new\nline']
	for (const name of names) server.offer(name, `content of ${name}`)
	server.offer(Buffer.from([0xff, 0x61]), 'bytes')
	server.offer('.cairn-backup/held.log', 'evil')
	assert.equal((await agent.run('-a', 'replicate')).code, 0)
	for (const name of names) assert.equal(agent.content(name), `content of ${name}`)
	assert.equal(agent.content('%.cairn-backup/held.log'), 'evil')
	assert.equal(readFileSync(Buffer.from(`${agent.folder}/\xffa`, 'latin1'), 'utf8'), 'bytes')
	assert.doesNotMatch(readFileSync(join(agent.folder, '.cairn-backup/held.log'), 'utf8'), /^evil/)
})

test('a symlink in the folder is not followed: as a directory it refuses, as a file it is set aside', async () => {
	symlinkSync(canary, join(agent.folder, 'd'))
	symlinkSync(join(canary, 'passwd'), join(agent.folder, 'f'))
	mkdirSync(join(agent.folder, 'deep'))
	symlinkSync('../..', join(agent.folder, 'deep/up'))
	server.offer('f', 'content')
	await refuses(['d/passwd', 'd/new', 'deep/up/x', 'deep/up/canary/passwd'], /refused: /)
	assert.equal(agent.content('f'), 'content')
	assert.equal(agent.content('f.old'), 'untouched')
	server.challenges.push({ challenge: 1, id: 2, key: '00'.repeat(32), ranges: [[0, 4]] }, { challenge: 2, id: 3, key: '00'.repeat(32), ranges: [[0, 4]] })
	for (const path of ['d/passwd', 'f.old']) server.orders.push({ order: server.orders.length + 1, path: Buffer.from(path), hash: null, size: 9, received: Buffer.alloc(0) })
	await agent.run('-a', 'replicate')
	assert.deepEqual(server.orders.map(({ failed }) => failed), ['missing', 'missing'])
	assert.deepEqual(server.orders.map(({ received }) => received.length), [0, 0])
	server.requests.length = 0
	await agent.run('-a', 'walk')
})

test('the agent\'s own directory as a symlink is not used', async () => {
	symlinkSync(canary, join(agent.folder, '.cairn-backup'))
	const { code, err } = await agent.run('-a', 'replicate')
	assert.equal(code, 8)
	assert.match(err, /is not a directory/)
})

test('a directory that is swapped for a symlink again and again', async () => {
	server.hello.filesPerBatch = 20
	for (let file = 0; file < 400; file++) server.offer(`swap/d/${file}`, `content ${file}`)
	const { child, ended } = agent.start('-a', 'replicate')
	const swap = join(agent.folder, 'swap')
	let swaps = 0
	while (child.exitCode === null && child.signalCode === null) {
		await new Promise(setImmediate)
		if (!existsSync(swap)) continue
		try {
			renameSync(swap, `${swap}-${swaps}`)
			symlinkSync(canary, swap)
			await new Promise(setImmediate)
			unlinkSync(swap)
			renameSync(`${swap}-${swaps}`, swap)
		} catch {
			// The agent made the directory anew in between.
		}
		swaps++
	}
	await ended
	assert.ok(swaps > 3, `${swaps} swaps`)
})

test('a file and a directory of one name', async () => {
	server.offer('n', 'file')
	server.offer('n/below', 'evil')
	const { code } = await agent.run('-a', 'replicate')
	assert.equal(code, 1)
	assert.equal(server.claimed.size, 2)
	assert.equal(agent.content('good/one'), 'one')
})

test('modes of the server are not taken over', async () => {
	server.offer('setuid', 'content')
	await agent.run('-a', 'replicate')
	assert.equal(statSync(join(agent.folder, 'setuid')).mode & 0o7111, 0)
})

test('redirects lead nowhere', async () => {
	const asked: string[] = []
	const other = createServer((request, response) => {
		asked.push(request.url as string)
		response.end('evil')
	}).listen(0, '127.0.0.1')
	await once(other, 'listening')
	const targets = ['file:///etc/passwd', `http://127.0.0.1:${(other.address() as AddressInfo).port}/x`]
	for (const location of targets) server.offer(`redirect-${targets.indexOf(location)}`, 'evil')
	server.misbehave = (_, response, offered) => {
		if (!offered?.path.toString().startsWith('redirect')) return false
		response.writeHead(302, { location: targets[offered.id - 2] }).end()
		return true
	}
	assert.equal((await agent.run('-a', 'replicate')).code, 1)
	assert.deepEqual(agent.paths(), ['good', 'good/one'])
	server.misbehave = (_, response) => {
		response.writeHead(307, { location: targets[1] }).end()
		return true
	}
	assert.equal((await agent.run('-a', 'replicate')).code, 4)
	assert.deepEqual(asked, [])
	other.close()
})

test('bodies without end, packed ones, and answers without end', async () => {
	server.offer('endless', 'evil')
	server.offer('packed', Buffer.alloc(1000))
	server.offer('other-hash', 'evil')
	const bomb = gzipSync(Buffer.alloc(50_000_000))
	server.misbehave = (_, response, offered) => {
		const name = offered?.path.toString()
		if (name === 'endless') return pour(response)
		if (name === 'packed') response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb)
		else if (name === 'other-hash') response.writeHead(200).end('EVIL')
		else return false
		return true
	}
	const { child, ended } = agent.start('-a', 'replicate')
	const peak = peakMiB(child.pid as number)
	assert.equal((await ended).code, 1)
	assert.deepEqual(server.failed.map(({ error }) => error), ['mismatch', 'mismatch', 'mismatch'])
	assert.deepEqual(agent.paths(), ['good', 'good/one'])
	assert.ok(peak() < MEMORY_MIB_MAX, `${peak()} MiB`)
	server.misbehave = (_, response) => pour(response)
	const again = agent.start('-a', 'replicate')
	const peakAgain = peakMiB(again.child.pid as number)
	assert.equal((await again.ended).code, 4)
	assert.ok(peakAgain() < MEMORY_MIB_MAX, `${peakAgain()} MiB`)
})

function pour(response: ServerResponse): true {
	const block = Buffer.alloc(100_000, 'x')
	const more = () => {
		while (!response.destroyed && response.write(block)) continue
	}
	response.writeHead(200, {}).on('drain', more)
	more()
	return true
}

function peakMiB(pid: number): () => number {
	let peak = 0
	const look = () => {
		try {
			peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024)
		} catch {
			// It has ended meanwhile.
		}
	}
	const timer = setInterval(look, 20)
	return () => {
		clearInterval(timer)
		return Math.round(peak)
	}
}

test('answers that make no sense end the run, and change nothing', async () => {
	const lease = (more: object) => ({ lease: 'l', untilAt: 2_000_000_000, retryAfterS: 0, files: [], ...more })
	const item = { id: 1, version: 1, path64: 'eA==', size: 4, hash: null, mtimeS: 0 }
	const answers: [string, unknown][] = [
		['/hello', []],
		['/hello', { settings: {}, pending: {}, serverAt: 1 }],
		['/lease', 'text'],
		['/lease', lease({ files: 'x' })],
		['/lease', lease({ files: [null] })],
		['/lease', lease({ lease: '../../x?y', files: [item] })],
		['/lease', lease({ files: [{ ...item, size: -1 }] })],
		['/lease', lease({ files: [{ ...item, size: 1e300 }] })],
		['/lease', lease({ files: [{ ...item, id: '../x' }] })],
		['/lease', lease({ files: [{ ...item, path64: '****' }] })],
		['/lease', lease({ files: [{ ...item, hash: 'no' }] })],
		['/lease', lease({ files: [{ ...item, mtimeS: 'x' }] })],
		['/lease', lease({ files: Array(1_001).fill(item) })],
		['/report', { results: [] }],
	]
	for (const [route, value] of answers) {
		server.misbehave = (request, response) => {
			if (!request.url?.endsWith(route)) return false
			response.writeHead(200).end(JSON.stringify(value))
			return true
		}
		const { code, err } = await agent.run('-a', 'replicate')
		assert.equal(code, 4, `${route} ${JSON.stringify(value).slice(0, 80)}: ${err}`)
		assert.equal(err.trim().split('\n').length, 1, err)
	}
})

test('a challenge outside of its file is not answered; more disk than there is is not taken', async () => {
	await agent.run('-a', 'replicate')
	server.challenges.push({ challenge: 1, id: 1, key: '00'.repeat(32), ranges: [[0, 2 ** 40]] })
	assert.equal((await agent.run('-a', 'replicate')).code, 4)
	server.challenges.length = 0
	server.offer('large', 'evil', { says: { size: 2 ** 52 } })
	const { code, err } = await agent.run('-a', 'replicate')
	assert.equal(code, 6)
	assert.match(err, /large: there is no room for it/)
	assert.deepEqual(server.ranges.length, 1)
})

test('a server whose certificate nobody vouches for is not spoken to; without TLS only on this machine', async () => {
	const files = { key: join(agent.base, 'folder/key.pem'), cert: join(agent.base, 'folder/cert.pem') }
	const words = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=localhost', '-days', '1']
	execFileSync('openssl', [...words, '-keyout', files.key, '-out', files.cert], { stdio: 'ignore' })
	let asked = 0
	const secure = createSecureServer({ key: readFileSync(files.key), cert: readFileSync(files.cert) }, () => asked++).listen(0, '127.0.0.1')
	await once(secure, 'listening')
	agent.environment['CAIRN_BACKUP_SERVER'] = `https://localhost:${(secure.address() as AddressInfo).port}`
	const { code, err } = await agent.run('-a', 'replicate')
	assert.equal(code, 4)
	assert.match(err, /self-signed certificate/)
	assert.equal(asked, 0)
	secure.close()
	agent.environment['CAIRN_BACKUP_SERVER'] = 'http://archive.example.org'
	assert.equal((await agent.run('-a', 'replicate')).code, 3)
	rmSync(files.key)
	assert.ok(readdirSync(agent.folder).includes('cert.pem'))
})
