/** Servers that break off, send something else, or are not there. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { hashOf } from '../../core/off-site/signature.ts'
import { randomFrom } from '../support/random.ts'
import { agent, server } from './ground.ts'
import { frameLine, framesOf, type Offered } from './fake-server.ts'

function partOf(response: ServerResponse, { content }: Offered, bytes: number, from: number): void {
	response.writeHead(from > 0 ? 206 : 200, {
		'content-length': content.length - from,
		...(from > 0 ? { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` } : {}),
	})
	response.write(content.subarray(from, bytes), () => response.destroy())
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
		else response.writeHead(200, { 'transfer-encoding': 'chunked', etag: `W/"${hashOf(content)}"` }).end(content)
		return true
	}
	assert.deepEqual(await agent.run('-a', 'replicate'), { code: 0, out: '', err: '' })
	// Each time past the client first, which cannot tell what it was answered.
	assert.equal(asked, 4)
	assert.ok(readFileSync(join(agent.folder, 'f')).equals(content))
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
