/** A firewall on the way has forgotten its connections, and says nothing: what is sent on them arrives nowhere, while new ones are well. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { startMariadb } from '../support/mariadb.ts'
import { mariadb, open, ready } from './engines.ts'

const CONNECTIONS = 4

async function startFirewall(t: TestContext, serverPort: number): Promise<{ port: number; forget(): void }> {
	const known = new Set<Socket>()
	const sockets: Socket[] = []
	const firewall = createServer((client) => {
		const server = connect(serverPort, '127.0.0.1')
		known.add(client)
		const pass = (to: Socket) => (data: Buffer) => void (known.has(client) && to.write(data))
		client.on('data', pass(server))
		server.on('data', pass(client))
		sockets.push(client, server)
		for (const socket of [client, server]) socket.on('error', () => socket.destroy())
		server.on('close', () => known.has(client) && client.destroy())
		client.on('close', () => server.destroy())
	}).listen(0, '127.0.0.1')
	await once(firewall, 'listening')
	t.after(() => {
		firewall.close()
		for (const socket of sockets) socket.destroy()
	})
	return { port: (firewall.address() as AddressInfo).port, forget: () => known.clear() }
}

test('one question in vain, and the others are asked on new connections, as many as before', async (t) => {
	const { address } = await ready(t, mariadb)
	const server = await startMariadb()
	const firewall = await startFirewall(t, server.port)
	const driver = await open(t, server.tcpUrl(new URL(address).pathname.slice(1), firewall.port), { catalogueTimeoutMs: 4_000, catalogueConnections: CONNECTIONS })
	const ask = () => driver.get<{ one: number }>('SELECT 1 AS one, SLEEP(0.2)')
	await Promise.all(Array.from({ length: CONNECTIONS }, ask))
	firewall.forget()
	await assert.rejects(async () => ask(), { code: 'EIO' })
	for (let many = 1; many < CONNECTIONS; many++) assert.equal((await ask())?.one, 1)
	// One after the other they would take longer than any may.
	const askLong = () => driver.get<{ one: number }>('SELECT 1 AS one, SLEEP(1.5)')
	assert.equal((await Promise.all(Array.from({ length: CONNECTIONS }, askLong))).length, CONNECTIONS)
})
