/** Who stands between an agent and its server: a page to log in at, that answers whatever is asked; an answer that was lost. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { hashOf } from '../../core/off-site/signature.ts'
import { randomFrom } from '../support/random.ts'
import { agent, server } from './ground.ts'

const PAGE = '<html>Please log in</html>'
const PAGES: { [kind: string]: (response: ServerResponse) => void } = {
	'with its length': (response) => response.writeHead(200, { 'content-length': PAGE.length }).end(PAGE),
	'without its length': (response) => {
		response.write(PAGE)
		response.end()
	},
	packed: (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(PAGE),
}

for (const [kind, page] of Object.entries(PAGES)) {
	test(`a page of somebody in between, ${kind}: what came of a large file before is gone on with`, async () => {
		const content = randomFrom(5).bytes(9_000_000)
		server.offer('f', content)
		let isCut = false
		server.misbehave = (_, response, offered) => {
			if (isCut) page(response)
			else if (offered === undefined) return false
			else {
				isCut = true
				response.writeHead(200, { 'content-length': content.length, etag: `"${hashOf(content)}"` })
				response.write(content.subarray(0, 5_000_000), () => response.destroy())
			}
			return true
		}
		assert.equal((await agent.run('-a', 'replicate')).code, 4)
		server.misbehave = undefined
		assert.deepEqual(await agent.run('-a', 'replicate'), { code: 0, out: '', err: '' })
		assert.match(server.ranges[0] as string, /^bytes=\d{6,}-$/)
		assert.deepEqual([server.ranges.length, server.failed], [1, []])
	})
}

test('a page of somebody in between is not taken for the beginning of a file', async () => {
	server.offer('f', randomFrom(6).bytes(100_000))
	let pages = 0
	server.misbehave = (_, response, offered) => {
		if (offered === undefined || pages++ > 0) return false
		PAGES['without its length']?.(response)
		return true
	}
	assert.equal((await agent.run('-a', 'replicate')).code, 1)
	server.failed.length = 0
	assert.deepEqual(await agent.run('-a', 'replicate'), { code: 0, out: '', err: '' })
	assert.deepEqual(server.ranges, [''])
})

function onceLost(...lost: RegExp[]): void {
	server.isLost = (request) => {
		const index = lost.findIndex((pattern) => pattern.test(request))
		if (index !== -1) lost.splice(index, 1)
		return index !== -1
	}
}

test('the answer to a lease is lost: all files come in the same run', async () => {
	for (let file = 0; file < 5; file++) server.offer(`d/${file}`, `content ${file}`)
	onceLost(/lease$/, /DELETE/)
	assert.deepEqual(await agent.run('-a', 'replicate'), { code: 0, out: '', err: '' })
	assert.equal(server.claimed.size, 5)
})

test('answers to parts of a large file that is given back are lost: it is whole in the end', async () => {
	const content = randomFrom(7).bytes(30_000_000)
	server.offer('f', content)
	await agent.run('-a', 'replicate')
	server.orders.push({ order: 1, path: Buffer.from('f'), hash: hashOf(content), size: content.length, received: Buffer.alloc(0) })
	onceLost(/offset=0$/, /offset=8388608$/, /offset=16777216$/)
	assert.deepEqual(await agent.run('-a', 'replicate'), { code: 0, out: '', err: '' })
	assert.deepEqual(server.orders.map(({ done, failed }) => failed ?? done), [true])
})
