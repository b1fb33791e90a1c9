/** An agent that is killed, started twice, wrongly set up, or run by an old Node. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { randomFrom, seedOfRun } from '../support/random.ts'
import { placeAgent } from './agent.ts'
import { agent, server } from './ground.ts'
import { framesOf, type Offered } from './fake-server.ts'

const NODE_OF_THE_SYSTEM = '/usr/bin/node'

const KILLS = 12

const incoming = () => readdirSync(join(agent.folder, '.cairn-backup/incoming'))

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

test('what came whole before the end is not fetched again, however old the file is', async () => {
	server.hello.parallel = 1
	for (const path of ['first', 'second', 'third']) server.offer(path, `content of ${path}`)
	server.misbehave = (_, __, offered) => {
		if (offered?.path.toString() !== 'third') return false
		child.kill('SIGTERM')
		return true
	}
	const { child, ended } = agent.start('-a', 'replicate')
	await ended
	server.misbehave = undefined
	server.ranges.length = 0
	assert.deepEqual(await agent.run('-a', 'replicate'), { code: 0, out: '', err: '' })
	assert.equal(server.ranges.length, 1)
	assert.equal(server.claimed.size, 3)
	assert.equal(statSync(join(agent.folder, 'first')).mtimeMs, 1_700_000_000_000)
	assert.deepEqual(incoming(), [])
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
