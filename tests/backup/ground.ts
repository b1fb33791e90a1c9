/** Before each test an agent in a folder of its own and a server; after it neither. */
import { afterEach, beforeEach } from 'node:test'
import { type Agent, placeAgent } from './agent.ts'
import { type FakeServer, startFakeServer } from './fake-server.ts'

export let server: FakeServer

export let agent: Agent

beforeEach(async () => {
	server = await startFakeServer()
	agent = await placeAgent(server.url)
})

afterEach(async () => {
	await server.stop()
	agent.remove()
})
