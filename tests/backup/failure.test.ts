/** What goes wrong on the way: connections, answers, disks, processes. What was right before stays until the new one is right. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { hashOf } from '../../core/off-site/signature.ts'
import { randomFrom, seedOfRun } from '../support/random.ts'
import { type Agent, placeAgent } from './agent.ts'
import { type FakeServer, frameLine, framesOf, type Offered, startFakeServer } from './fake-server.ts'

const NODE_OF_THE_SYSTEM = '/usr/bin/node'
const KILLS = 12

let server: FakeServer
let agent: Agent

beforeEach(async () => {
	server = await startFakeServer()
	agent = await placeAgent(server.url)
})

afterEach(async () => {
	await server.stop()
	agent.remove()
})

const incoming = () => readdirSync(join(agent.folder, '.cairn-backup/incoming'))

function partOf(response: ServerResponse, { content }: Offered, bytes: number, from: number): void {
	response.writeHead(from > 0 ? 206 : 200, {
		'content-length': content.length - from,
		...(from > 0 ? { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` } : {}),
	})
	response.write(content.subarray(from, bytes), () => response.destroy())
}

/** From now on the agent's disk does not give the bytes of this file, or does not open it. Its inode. */
function badSectorIn(path: string, where: 'read' | 'open' = 'read'): number {
	const preload = join(agent.base, 'bad-sector.mjs')
	const bad = statSync(join(agent.folder, path)).ino
	writeFileSync(preload, where === 'open' ? `import fs from 'node:fs'
const { openSync } = fs
fs.openSync = (path, ...rest) => {
	if (fs.lstatSync(path, { throwIfNoEntry: false })?.ino !== ${bad}) return openSync(path, ...rest)
	throw Object.assign(new Error('EUCLEAN'), { code: 'Unknown system error -117', errno: -117, syscall: 'open' })
}
` : `import fs from 'node:fs'
const { read, readSync } = fs
fs.readSync = (fd, ...rest) => {
	if (fs.fstatSync(fd).ino !== ${bad}) return readSync(fd, ...rest)
	throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' })
}
fs.read = (fd, ...rest) => {
	if (fs.fstatSync(fd).ino !== ${bad}) return read(fd, ...rest)
	rest.at(-1)(Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' }))
}
`)
	agent.environment['NODE_OPTIONS'] = `--import ${preload}`
	return bad
}

test('a connection that is cut at 1, 50 and 99 % is gone on with', async () => {
	const content = randomFrom(1).bytes(5_000_000)
	server.offer('f', content)
	const cuts = [0.01, 0.5, 0.99].map((share) => Math.floor(content.length * share))
	server.misbehave = (request, response, offered) => {
		const cut = offered && cuts.shift()
		if (offered) server.ranges.push(request.headers.range ?? '')
		if (!offered || cut === undefined) return false
		partOf(response, offered, cut, Number(/\d+/.exec(request.headers.range ?? '0')?.[0]))
		return true
	}
	assert.deepEqual(await agent.run('-a', 'replicate'), { code: 0, out: '', err: '' })
	const begins = server.ranges.slice(0, 4).map((range) => Number(/\d+/.exec(range)?.[0] ?? 0))
	assert.equal(begins[0], 0)
	assert.ok(begins.every((begin, index) => index === 0 || begin > (begins[index - 1] as number)), `${begins}`)
	assert.ok((begins[3] as number) > content.length * 0.9)
	assert.ok(readFileSync(join(agent.folder, 'f')).equals(content))
})

test('a large file comes also in an answer of another kind, or from a server that first says when to come again', async () => {
	const content = randomFrom(3).bytes(5_000_000)
	server.offer('f', content)
	let asked = 0
	server.misbehave = (_, response, offered) => {
		if (offered === undefined) return false
		asked++
		if (asked <= 2) response.writeHead(503, { 'content-type': 'application/json' }).end('{"error":"unavailable","message":"in a moment","retryAfterS":0}')
		else response.writeHead(200, { 'transfer-encoding': 'chunked' }).end(content)
		return true
	}
	assert.deepEqual(await agent.run('-a', 'replicate'), { code: 0, out: '', err: '' })
	// Each time past the client first, which cannot tell what it was answered.
	assert.equal(asked, 4)
	assert.ok(readFileSync(join(agent.folder, 'f')).equals(content))
})

test('the next run goes on where one that was killed ended', async () => {
	const content = randomFrom(2).bytes(5_000_000)
	server.offer('f', content)
	server.misbehave = (_, response, offered) => {
		if (!offered) return false
		response.writeHead(200, { 'content-length': content.length })
		response.write(content.subarray(0, 3_000_000), () => setTimeout(() => child.kill('SIGKILL'), 100))
		return true
	}
	const { child, ended } = agent.start('-a', 'replicate')
	await ended
	server.misbehave = undefined
	assert.equal((await agent.run('-a', 'replicate')).code, 0)
	assert.match(server.ranges[0] as string, /^bytes=\d{6,}-$/)
	assert.ok(readFileSync(join(agent.folder, 'f')).equals(content))
	assert.deepEqual(incoming(), [])
})

/** The answer to the first request of each file is this one. */
const WRONG: { [kind: string]: (response: ServerResponse, offered: Offered) => void } = {
	empty: (response) => response.writeHead(200, { 'content-length': 0 }).end(),
	short: (response, { content }) => response.end(content.subarray(1)),
	long: (response, { content }) => response.end(Buffer.concat([content, Buffer.from('more')])),
	other: (response, { content }) => response.end(Buffer.alloc(content.length, 'x')),
	'another-etag': (response, { content }) => response.writeHead(200, { etag: `"${'0'.repeat(64)}"` }).end(content),
	'not-asked': (response, { content }) => response.writeHead(206, { 'content-range': `bytes 1-${content.length}/${content.length}` }).end(content),
	missing: (response) => response.writeHead(404).end('{"error":"not-found","message":"gone"}'),
	changed: (response) => response.writeHead(410).end('{"error":"changed","message":"changed"}'),
	'no-copy': (response) => response.writeHead(503).end('{"error":"no-copy","message":"no copy","retryAfterS":60}'),
}

for (const [kind, wrong] of Object.entries(WRONG)) {
	test(`${kind}: what stands there stays, and the right one comes when it can be had`, async () => {
		const file = server.offer('f', 'the first content')
		server.offer('g', 'of another')
		await agent.run('-a', 'replicate')
		server.files.set(file.id, { ...file, version: 2, content: Buffer.from('the second content') })
		server.misbehave = (_, response, offered) => {
			if (offered === undefined) return false
			wrong(response, offered)
			return true
		}
		const dropped = kind === 'missing' || kind === 'changed'
		assert.equal((await agent.run('-a', 'replicate')).code, dropped ? 0 : 1)
		assert.deepEqual(agent.paths().map((path) => [path, agent.content(path)]), [['f', 'the first content'], ['g', 'of another']])
		server.misbehave = undefined
		server.failed.length = 0
		assert.equal((await agent.run('-a', 'replicate')).code, 0)
		assert.equal(agent.content('f'), 'the second content')
		assert.equal(agent.content('f.old'), 'the first content')
		assert.equal(server.claimed.get(file.id)?.version, 2)
	})
}

/** What comes in place of the bundle that was asked for. */
const BUNDLES: { [kind: string]: (files: Offered[], response: ServerResponse) => void } = {
	right: (files, response) => response.end(framesOf(files)),
	cut: (files, response) => response.write(framesOf(files).subarray(0, 3_000), () => response.destroy()),
	short: (files, response) => response.end(framesOf(files).subarray(0, 3_000)),
	empty: (_, response) => response.end(),
	'another order': (files, response) => response.end(framesOf(files.toReversed())),
	'another size': ([{ id, version }], response) => response.end(Buffer.concat([frameLine({ id, version, size: 2 ** 50 }), Buffer.alloc(100_000)])),
	'other content': (files, response) => response.end(framesOf(files.map((file) => ({ ...file, content: Buffer.alloc(file.content.length, 'x') })))),
	errors: (files, response) => response.end(Buffer.concat(files.map(({ id, version }) => frameLine({ id, version, error: 'changed' })))),
	'no line': (_, response) => pour(response),
	'a fault': (_, response) => response.writeHead(500).end('{"error":"internal","message":"a fault"}'),
}

function pour(response: ServerResponse): void {
	const block = Buffer.alloc(100_000, 'x')
	const more = () => {
		while (!response.destroyed && response.write(block)) continue
	}
	response.on('drain', more)
	more()
}

for (const [kind, bundle] of Object.entries(BUNDLES)) {
	test(`a bundle, ${kind}: every file comes right, if need be by itself`, async () => {
		for (let file = 0; file < 20; file++) server.offer(`d/${file}`, `${file} `.repeat(file * 50))
		server.bundle = bundle
		server.hello.parallel = 2
		assert.deepEqual(await agent.run('-a', 'replicate'), { code: 0, out: '', err: '' })
		for (const { path, content } of server.files.values()) assert.equal(agent.content(path.toString()), content.toString())
		assert.equal(server.claimed.size, 20)
		assert.equal(agent.paths().length, 21)
		if (kind === 'right') assert.equal(server.ranges.length, 0)
	})
}

test('500s, connections that break and a server that is busy are borne', async () => {
	server.offer('f', 'content')
	let left = 8
	server.misbehave = (_, response) => {
		if (left-- <= 0) return false
		if (left % 2) response.writeHead(500).end('{"error":"internal","message":"a fault","retryAfterS":0}')
		else response.writeHead(503).end('{"error":"unavailable","message":"catalogue away","retryAfterS":0}')
		return true
	}
	assert.equal((await agent.run('-a', 'replicate')).code, 0)
	assert.equal(agent.content('f'), 'content')
})

test('a server that is not there: a line, and the code for it', async () => {
	agent.environment['CAIRN_BACKUP_SERVER'] = 'http://127.0.0.1:9'
	const { code, err } = await agent.run('-a', 'replicate')
	assert.equal(code, 4)
	assert.match(err, /^cairn-backup: the server cannot be used now: .*\n$/)
})

test('a server that suddenly lists nothing changes nothing here', async () => {
	for (let file = 0; file < 20; file++) server.offer(`d/${file}`, `content ${file}`)
	await agent.run('-a', 'replicate')
	const there = agent.paths()
	server.files.clear()
	assert.equal((await agent.run('-a', 'replicate')).code, 0)
	assert.deepEqual(agent.paths(), there)
	const lost: string[] = []
	for (const action of ['walk', 'verify', 'replicate']) lost.push(`${(await agent.run('-a', action)).code}`)
	assert.deepEqual([agent.paths(), lost], [there, ['0', '0', '0']])
})

test('killed at any moment: what was claimed is there and right, and what is there under its name is whole', async () => {
	const seed = seedOfRun()
	console.log(`CAIRN_TEST_SEED=${seed}`)
	const random = randomFrom(seed)
	server.hello.filesPerBatch = 40
	server.bundle = (files, response) => response.end(framesOf(files))
	for (let file = 0; file < 300; file++) server.offer(`${file % 7}/${file}`, random.bytes(random.below(60_000)))
	for (let kill = 0; kill < KILLS; kill++) {
		const { child, ended } = agent.start('-a', 'replicate')
		const timer = setTimeout(() => child.kill('SIGKILL'), 80 + random.below(300))
		await ended
		clearTimeout(timer)
		for (const { path, content, id } of server.files.values()) {
			const there = join(agent.folder, path.toString())
			if (existsSync(there)) assert.ok(readFileSync(there).equals(content), `${path} is not whole`)
			else assert.ok(!server.claimed.has(id), `${path} was claimed and is not there`)
		}
		// Some change all the time.
		const file = server.files.get(1 + random.below(300)) as Offered
		if (!server.claimed.has(file.id)) server.files.set(file.id, { ...file, version: file.version + 1 })
	}
	assert.deepEqual(await agent.run('-a', 'replicate'), { code: 0, out: '', err: '' })
	assert.equal(server.claimed.size, 300)
	assert.equal((await agent.run('-a', 'verify')).code, 0)
	assert.match((await agent.run('-a', 'status')).out, /copies: 300 files/)
})

for (const where of ['read', 'open'] as const) {
	test(`a copy that the disk does not ${where} any more: comes again, what stood there is set aside`, async () => {
		server.offer('d/f', 'content')
		await agent.run('-a', 'replicate')
		const bad = badSectorIn('d/f', where)
		const verified = await agent.run('-a', 'verify')
		assert.equal(verified.code, 1)
		assert.match(verified.err, /d\/f: cannot be read; the server is told and sends it again/)
		server.failed.length = 0
		server.claimed.clear()
		assert.deepEqual(await agent.run('-a', 'replicate'), { code: 0, out: '', err: '' })
		assert.deepEqual(agent.paths(), ['d', 'd/f', 'd/f.old'])
		assert.notEqual(statSync(join(agent.folder, 'd/f')).ino, bad)
		assert.equal(server.claimed.size, 1)
	})

	test(`a copy that the disk does not ${where} any more, and a good one that was set aside: that one is restored and given back`, async () => {
		server.offer('f', 'content')
		await agent.run('-a', 'replicate')
		writeFileSync(join(agent.folder, 'f.old'), 'content')
		badSectorIn('f', where)
		const to = join(agent.base, 'to')
		assert.deepEqual(await agent.run('-a', 'restore', '--to', to), { code: 0, out: '', err: '' })
		assert.equal(readFileSync(join(to, 'f'), 'utf8'), 'content')
		server.orders.push({ order: 1, path: Buffer.from('f'), hash: hashOf(Buffer.from('content')), size: 7, received: Buffer.alloc(0) })
		assert.equal((await agent.run('-a', 'replicate')).code, 0)
		assert.equal(server.orders[0]?.done, true)
	})
}

test('a file that is wanted back, of which no hash is known and the disk does not give the bytes: the server is told, and the next is sent', async () => {
	server.offer('f', 'content')
	server.offer('g', 'another')
	await agent.run('-a', 'replicate')
	badSectorIn('f')
	for (const [order, path] of ['f', 'g'].entries()) server.orders.push({ order, path: Buffer.from(path), hash: null, size: 7, received: Buffer.alloc(0) })
	assert.equal((await agent.run('-a', 'replicate')).code, 1)
	assert.deepEqual(server.orders.map(({ failed, done }) => failed ?? done), ['io', true])
})

test('a copy that the disk cannot read any more, and no other: the server is told; what else there is is restored', async () => {
	server.offer('f', 'content')
	server.offer('g', 'another')
	await agent.run('-a', 'replicate')
	badSectorIn('f')
	server.orders.push({ order: 2, path: Buffer.from('f'), hash: hashOf(Buffer.from('content')), size: 7, received: Buffer.alloc(0) })
	assert.equal((await agent.run('-a', 'replicate')).code, 1)
	assert.equal(server.orders[0]?.failed, 'io')
	const left = await agent.run('-a', 'restore', '--to', join(agent.base, 'empty'))
	assert.deepEqual(left, { code: 1, out: '', err: 'cairn-backup: f: EIO: i/o error, read\n' })
	assert.deepEqual(readdirSync(join(agent.base, 'empty')), ['g'])
})

test('agent.json damaged: restore and status, which need no server, do their work all the same', async () => {
	server.offer('f', 'content')
	await agent.run('-a', 'replicate')
	const file = join(agent.folder, '.cairn-backup/agent.json')
	for (const damaged of ['', '\0'.repeat(100), '{"agent":', 'null', '{}', '{"agent":"","notice":0}', '{"agent":"x"}']) {
		writeFileSync(file, damaged)
		assert.match((await agent.run('-a', 'status')).out, /copies: 1 files/, damaged)
		const to = join(agent.base, 'to')
		assert.deepEqual(await agent.run('-a', 'restore', '--to', to), { code: 0, out: '', err: '' }, damaged)
		assert.equal(readFileSync(join(to, 'f'), 'utf8'), 'content')
		const { agent: name, notice } = JSON.parse(readFileSync(file, 'utf8'))
		assert.match(name, /^[A-Za-z0-9_-]{24}$/)
		assert.equal(notice, 0)
	}
})

test('restore where the record speaks of nothing: that is said, and is no success', async () => {
	server.offer('d/f', 'content')
	await agent.run('-a', 'replicate')
	const restore = (...words: string[]) => agent.run('-a', 'restore', '--to', join(agent.base, 'to'), ...words)
	assert.deepEqual(await restore('-p', 'e'), { code: 2, out: '', err: 'cairn-backup: -p e: the record speaks of nothing there\n' })
	rmSync(join(agent.folder, '.cairn-backup/held.log'))
	const { code, err } = await restore()
	assert.equal(code, 7)
	assert.match(err, /^cairn-backup: the record of this folder speaks of no file; if there are copies, -a walk makes it again\n$/)
	assert.equal((await agent.run('-a', 'walk')).code, 0)
	assert.equal((await restore('-p', 'd')).code, 0)
})

test('restore to a disk that is too small: what does not fit takes no room of what does', async () => {
	const to = join(agent.base, 'disk')
	mkdirSync(to)
	server.offer('a/large', Buffer.alloc(3_000_000, 'large'))
	server.offer('b/small', Buffer.alloc(500_000, 'small'))
	await agent.run('-a', 'replicate')
	execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', to])
	try {
		const { code, err } = await agent.run('-a', 'restore', '--to', to)
		assert.equal(code, 1)
		assert.match(err, /^cairn-backup: a\/large: ENOSPC[^\n]*\n$/)
		assert.deepEqual(readdirSync(to, { recursive: true }).sort(), ['a', 'b', 'b/small'])
		assert.equal(statSync(join(to, 'b/small')).size, 500_000)
	} finally {
		execFileSync('umount', [to])
	}
})

test('a full disk: what fits comes, the rest is named, the server is told; with room again it comes', async () => {
	const disk = join(agent.base, 'disk')
	mkdirSync(disk)
	execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', disk])
	try {
		agent.folder = disk
		for (let file = 0; file < 10; file++) server.offer(`f${file}`, Buffer.alloc(500_000, `${file}`))
		const full = await agent.run('-a', 'replicate')
		assert.equal(full.code, 6)
		assert.match(full.err, /f\d: there is no room|f\d: the disk is full/)
		assert.ok(server.claimed.size >= 2 && server.claimed.size <= 4, `${server.claimed.size}`)
		assert.ok(server.failed.every(({ error }) => error === 'no-space'))
		for (const { id } of server.claimed.values()) assert.equal(agent.content(`f${id - 1}`).length, 500_000)
		execFileSync('mount', ['-o', 'remount,size=8m', disk])
		server.failed.length = 0
		agent.environment['CAIRN_BACKUP_RESERVE'] = '4M'
		assert.equal((await agent.run('-a', 'replicate')).code, 6)
		assert.ok(server.claimed.size < 10)
		server.failed.length = 0
		agent.environment['CAIRN_BACKUP_RESERVE'] = '100K'
		assert.equal((await agent.run('-a', 'replicate')).code, 0)
		assert.equal(server.claimed.size, 10)
	} finally {
		execFileSync('umount', [disk])
	}
})

test('two at once in one folder: the second ends in order and does nothing; the lock ends with the process', async () => {
	server.offer('f', 'content')
	const isWaiting = new Promise<void>((resolve) => {
		server.misbehave = (_: IncomingMessage, __, offered) => {
			if (!offered) return false
			resolve()
			return true
		}
	})
	const first = agent.start('-a', 'replicate')
	await isWaiting
	const requests = server.requests.length
	assert.deepEqual(await agent.run('-a', 'replicate'), { code: 0, out: '', err: '' })
	assert.match((await agent.run('-a', 'replicate', '-v')).err, /another run is under way/)
	assert.equal(server.requests.length, requests)
	assert.equal((await agent.run('-a', 'status')).code, 0)
	first.child.kill('SIGKILL')
	await first.ended
	server.misbehave = undefined
	assert.equal((await agent.run('-a', 'replicate')).code, 0)
	assert.equal(server.claimed.size, 1)
})

test('wrong settings, options and folders: one line and a code each', async () => {
	const cases: [string[], NodeJS.ProcessEnv, number, RegExp][] = [
		[['-a', 'nonsense'], {}, 2, /'nonsense' is no action/],
		[['-x'], {}, 2, /'-x' is no option/],
		[['-a', 'replicate', '-m', 'all'], {}, 2, /no mode/],
		[['-a', 'restore'], {}, 2, /needs --to/],
		[['-a', 'walk', '-p', '../x'], {}, 2, /'..' in the path/],
		[[], { CAIRN_BACKUP_SERVER: '' }, 3, /setting server: is missing/],
		[[], { CAIRN_BACKUP_SERVER: 'ftp://x' }, 3, /has to begin with https/],
		[[], { CAIRN_BACKUP_SITE: 'No Site' }, 3, /no name of a site/],
		[[], { CAIRN_BACKUP_RESERVE: 'much' }, 3, /no size/],
		[[], { CAIRN_BACKUP_FOLDER: join(agent.base, 'nowhere') }, 7, /cannot be used/],
		[[], { CAIRN_BACKUP_FOLDER: agent.script }, 7, /cannot be used/],
	]
	const environment = { ...agent.environment }
	for (const [words, more, exit, line] of cases) {
		agent.environment = { ...environment, ...more }
		const { code, err } = await agent.run(...words)
		assert.equal(code, exit, err)
		assert.match(err, line)
		assert.equal(err.trim().split('\n').length, 1, err)
	}
})

test('settings in an ini file and at the top of the file; a key that others can read is complained of', async () => {
	server.offer('f', 'content')
	const { CAIRN_BACKUP_SERVER: url, CAIRN_BACKUP_KEY: key, PATH } = agent.environment
	agent.environment = { PATH }
	const script = readFileSync(agent.script, 'utf8')
	writeFileSync(agent.script, script.replace("server: ''", `server: '${url}'`).replace("site: ''", "site: 'other'").replace("folder: ''", `folder: '${agent.folder}'`))
	writeFileSync(agent.script.replace('.mjs', '.ini'), `; mine\nsite = attic\nkey = "${key}"\nreserve = 0\n`, { mode: 0o644 })
	const { code, err } = await agent.run('-a', 'replicate')
	assert.equal(code, 0, err)
	assert.match(err, /cairn-backup\.ini has the key in it and others can read it: chmod 600 it/)
	assert.ok(!err.includes(key as string))
	assert.equal(agent.content('f'), 'content')
	writeFileSync(agent.script.replace('.mjs', '.ini'), 'folders = x\n')
	assert.match((await agent.run()).err, /there is no setting 'folders'/)
})

test('under the Node of the system, if there is an older one', { skip: !existsSync(NODE_OF_THE_SYSTEM) && 'no Node there' }, async () => {
	const older = await placeAgent(server.url, { node: NODE_OF_THE_SYSTEM })
	try {
		server.offer('a/f', 'content')
		server.offer(Buffer.from([0xff]), 'bytes')
		assert.deepEqual(await older.run('-a', 'replicate'), { code: 0, out: '', err: '' })
		assert.equal((await older.run('-a', 'verify')).code, 0)
		assert.equal((await older.run('-a', 'walk')).code, 0)
		assert.equal((await older.run('-a', 'restore', '--to', join(older.base, 'to'))).code, 0)
		assert.match((await older.run('-a', 'status')).out, /copies: 2 files/)
	} finally {
		older.remove()
	}
})
