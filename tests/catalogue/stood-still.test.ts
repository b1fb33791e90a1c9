/** A process that stands still for longer than its deadlines: what was answered meanwhile counts. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Driver } from '../../core/catalogue/driver.ts'
import { openMysql } from '../../core/catalogue/mysql.ts'
import { newHealth } from '../../core/nodes/health.ts'
import { writeIdentity } from '../../core/nodes/identity.ts'
import { openLaneOperations } from '../../core/nodes/lanes.ts'
import { wait } from '../../core/op.ts'
import { startMariadb } from '../support/mariadb.ts'

const DEADLINE_MS = 1_200
const STOOD_STILL_MS = 2_000

/** As SIGSTOP does, but for its own thread only: servers and other threads answer meanwhile. */
function standStill(): void {
	Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STOOD_STILL_MS)
}

async function openDriver(): Promise<Driver> {
	const { socket, query } = await startMariadb()
	await query('CREATE DATABASE IF NOT EXISTS stood_still')
	return openMysql({ server: { socketPath: socket, user: 'root', database: 'stood_still' }, password: () => '', timeoutMs: DEADLINE_MS, connections: 2 })
}

test('MariaDB: a question that was answered while the process stood still', async (t) => {
	const driver = await openDriver()
	t.after(() => driver.close())
	const asked = driver.get<{ slept: number }>('SELECT SLEEP(0.1) AS slept')
	// It is on its way then.
	await new Promise(setImmediate)
	standStill()
	assert.equal((await asked)?.slept, 0)
})

test('MariaDB: a transaction in the middle of which the process stood still', async (t) => {
	const driver = await openDriver()
	t.after(() => driver.close())
	await driver.script('CREATE TABLE seen (n INT); CREATE TABLE commit_token (id BIGINT PRIMARY KEY, n BIGINT, touched BIGINT, at BIGINT)')
	let tries = 0
	await driver.transaction(function* (tx) {
		yield* wait(tx.all('SELECT n FROM seen'))
		// The server has ended it by then, and it is done anew.
		if (tries++ === 0) standStill()
		yield* wait(tx.all('SELECT n FROM seen'))
		tx.write('INSERT INTO seen VALUES (?)', [7])
	})
	assert.deepEqual(await driver.all('SELECT n FROM seen'), [{ n: 7 }])
})

test('a far node that answered while the process stood still', async (t) => {
	const root = mkdtempSync(join(tmpdir(), 'cairn-stood-still-'))
	writeIdentity(root, { uuid: 'far', name: 'far' })
	writeFileSync(join(root, 'file'), 'content')
	const operations = openLaneOperations(root, { deadlineMs: DEADLINE_MS, callsMax: 1, health: newHealth() })
	t.after(() => {
		operations.end()
		rmSync(root, { recursive: true })
	})
	await operations.identify('far')
	const asked = operations.stat(Buffer.from('file'))
	standStill()
	assert.equal((await asked).size, 7)
})
