/** Connections that nobody uses for a while: something in between forgets them, and the next change would wait for nothing until it fails. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { openCatalogue } from '../../core/catalogue/open.ts'
import { startMariadb } from '../support/mariadb.ts'
import { standStill } from '../support/stand-still.ts'
import { config, open } from './engines.ts'

/** Of /proc/net/tcp: an empty packet goes when it is due. */
const KEEPALIVE = '02'
/** In hundredths of a second, whatever the kernel counts in. */
const PER_SECOND = 100
/** Load balancers and address translators forget a connection after 350 seconds at the earliest, as far as is known. */
const SECONDS_MAX = 120

test('a connection that is idle is heard of every minute', async (t) => {
	const server = await startMariadb()
	await server.freshDatabase('idle')
	await open(t, server.tcpUrl('idle'), { catalogueConnections: 1 })
	const to = `0100007F:${server.port.toString(16).toUpperCase().padStart(4, '0')}`
	const ours = readFileSync('/proc/net/tcp', 'latin1')
		.split('\n')
		.map((line) => line.trim().split(/\s+/))
		.filter((fields) => fields[2] === to)
	assert.equal(ours.length, 1)
	const [kind, due] = ours[0][5].split(':')
	assert.equal(kind, KEEPALIVE)
	assert.ok(Number.parseInt(due, 16) / PER_SECOND <= SECONDS_MAX)
})

test('a server that says nothing to the end of a connection keeps no process', async (t) => {
	const server = await startMariadb()
	await server.freshDatabase('standing')
	const driver = await openCatalogue(config(server.tcpUrl('standing'), { catalogueConnections: 1 }))
	await driver.get('SELECT 1 AS one')
	const pid = server.pid() as number
	t.after(() => process.kill(pid, 'SIGCONT'))
	await standStill(pid)
	assert.equal(socketsThatKeep(), 1)
	await driver.close()
	assert.equal(socketsThatKeep(), 0)
})

function socketsThatKeep(): number {
	return process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length
}
