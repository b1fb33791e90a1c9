/** A clock that is years off, or is set in the middle of a run, as on a small computer without a battery. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { agent, server } from './ground.ts'

const YEARS_S = 10 * 365 * 86_400

/** The agent's clock is so many seconds ahead from the moment on in which what this returns is called. */
function setLater(aheadS: number): () => void {
	const [flag, preload] = [join(agent.base, 'set'), join(agent.base, 'clock.mjs')]
	writeFileSync(preload, `import { existsSync } from 'node:fs'
const { now } = Date
Date.now = () => now() + (existsSync(${JSON.stringify(flag)}) ? ${aheadS * 1000} : 0)
`)
	agent.environment['NODE_OPTIONS'] = `--import ${preload}`
	return () => writeFileSync(flag, '')
}

test('a clock that is set back between two leases: the second is not renewed without a pause', async () => {
	const set = setLater(-YEARS_S)
	server.hello = { filesPerBatch: 1 }
	for (const path of ['f', 'g']) server.offer(path, path)
	server.misbehave = (_request, _response, offered) => {
		if (offered) set()
		return false
	}
	assert.deepEqual(await agent.run('-a', 'replicate'), { code: 0, out: '', err: '' })
	assert.equal(server.claimed.size, 2)
	assert.deepEqual(server.requests.filter((request) => request.includes('/renew')), [])
})

for (const what of ['/lease', '/file/']) {
	test(`a clock that is set ahead while the server wants to be asked for ${what} again: it is`, async () => {
		const set = setLater(YEARS_S)
		server.offer('f', 'content')
		server.misbehave = (request, response) => {
			if (existsSync(join(agent.base, 'set')) || !request.url?.includes(what)) return false
			set()
			response.writeHead(503).end(JSON.stringify({ error: 'unavailable', message: 'not now', retryAfterS: 0 }))
			return true
		}
		assert.deepEqual(await agent.run('-a', 'replicate'), { code: 0, out: '', err: '' })
		assert.equal(agent.content('f'), 'content')
	})
}

for (const [clock, serverAheadS, range] of [['wrong', -YEARS_S, 'bytes=3-'], ['right', 0, undefined]] as const) {
	test(`what came years ago by a clock that is ${clock} is ${range ? 'gone on with' : 'fetched anew'}`, async () => {
		server.offer('f', 'content')
		const incoming = join(agent.folder, '.cairn-backup/incoming')
		mkdirSync(incoming, { recursive: true })
		writeFileSync(join(incoming, '1-1'), 'con')
		const cameAtS = Date.now() / 1000 - YEARS_S
		utimesSync(join(incoming, '1-1'), cameAtS, cameAtS)
		server.clockAheadS = serverAheadS
		assert.deepEqual(await agent.run('-a', 'replicate'), { code: 0, out: '', err: '' })
		assert.equal(agent.content('f'), 'content')
		assert.deepEqual(server.ranges.filter((asked) => asked !== ''), range ? [range] : [])
	})
}
