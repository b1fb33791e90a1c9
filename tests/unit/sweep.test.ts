/** What killed processes left is swept away; nothing of those that live. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { takeLock } from '../../cli/run-lock.ts'
import { runDirectory } from '../../core/live/directory.ts'
import { offer } from '../../core/live/offer.ts'
import { sweep } from '../../core/live/sweep.ts'
import { until } from '../support/until.ts'

const HASH = 'a'.repeat(16)
const LEAVE_SOCKET = `require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`

function place(t: TestContext): string {
	const directory = mkdtempSync(join(tmpdir(), 'cairn-sweep-'))
	t.after(() => rmSync(directory, { recursive: true, force: true }))
	return directory
}

/** As of a process that was killed. */
function leaveSocket(directory: string): string {
	const { pid: dead } = spawnSync('true')
	const path = join(directory, `live-${HASH}-${dead}`)
	const { signal } = spawnSync(process.execPath, ['-e', LEAVE_SOCKET, path])
	assert.equal(signal, 'SIGKILL')
	return path
}

test('locks nobody holds and sockets nobody answers at are removed', async (t) => {
	const directory = place(t)
	const held = takeLock(join(directory, `${'1'.repeat(32)}.lock`))
	t.after(() => held?.release())
	writeFileSync(join(directory, `${'2'.repeat(32)}.lock`), '1\n')
	writeFileSync(join(directory, 'something else'), '')
	leaveSocket(directory)
	// As of a process of another container: its number says nothing here.
	const answering = createServer().listen(join(directory, `live-${HASH}-999999999`))
	t.after(() => void answering.close())
	await once(answering, 'listening')
	await sweep(directory)
	assert.deepEqual(readdirSync(directory).sort(), [`${'1'.repeat(32)}.lock`, `live-${HASH}-999999999`, 'something else'].sort())
})

test('whoever starts and can be asked sweeps', async (t) => {
	const left = leaveSocket(runDirectory(process.env))
	t.after(() => rmSync(left, { force: true }))
	t.after(offer({ catalogue: `sqlite:${left}`, what: 'test', metrics: () => [], report: (line) => assert.fail(line) }))
	await until('it is gone', () => !existsSync(left) || undefined)
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
