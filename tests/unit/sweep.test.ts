/** What killed processes left is swept away; nothing of those that live. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { takeLock } from '../../cli/run-lock.ts'
import { sweep } from '../../core/live/sweep.ts'

const HASH = 'a'.repeat(16)
const LEAVE_SOCKET = `require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`

function place(t: TestContext): string {
	const directory = mkdtempSync(join(tmpdir(), 'cairn-sweep-'))
	t.after(() => rmSync(directory, { recursive: true, force: true }))
	return directory
}

test('locks nobody holds and sockets nobody answers at are removed', async (t) => {
	const directory = place(t)
	const held = takeLock(join(directory, `${'1'.repeat(32)}.lock`))
	t.after(() => held?.release())
	writeFileSync(join(directory, `${'2'.repeat(32)}.lock`), '1\n')
	writeFileSync(join(directory, 'something else'), '')
	const { pid: dead } = spawnSync('true')
	const left = spawnSync(process.execPath, ['-e', LEAVE_SOCKET, join(directory, `live-${HASH}-${dead}`)])
	assert.equal(left.signal, 'SIGKILL')
	// As of a process of another container: its number says nothing here.
	const answering = createServer().listen(join(directory, `live-${HASH}-999999999`))
	t.after(() => void answering.close())
	await once(answering, 'listening')
	await sweep(directory)
	assert.deepEqual(readdirSync(directory).sort(), [`${'1'.repeat(32)}.lock`, `live-${HASH}-999999999`, 'something else'].sort())
})

test('a lock that is swept away at the moment it is taken is taken anew', (t) => {
	const path = join(place(t), `${'3'.repeat(32)}.lock`)
	const first = takeLock(path)
	rmSync(path)
	const second = takeLock(path)
	assert.ok(second)
	assert.equal(takeLock(path), undefined)
	second.release()
	first?.release()
	assert.ok(takeLock(path))
})
