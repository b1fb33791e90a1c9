/** Verbs whose threads have hardly begun when there is nothing left to do: each time they end as they should, and with one line. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { EXIT } from '../../cli/exit-codes.ts'
import { init } from '../../cli/init.ts'
import { node } from '../../cli/node.ts'
import { trash } from '../../cli/trash.ts'
import { walk } from '../../cli/walk.ts'
import { mountFailingDisk } from '../failure/failing-disk.ts'
import { cairn, type Said } from '../support/mount.ts'
import { typed } from './typed.ts'
import { makeWorkplace } from './workplace.ts'

const LAUNCHER = fileURLToPath(new URL('../../cairn', import.meta.url))
const TIMES = 4

async function each(times: number, run: () => Promise<Said>, code: number): Promise<void> {
	const said = await Promise.all(Array.from({ length: times }, run))
	for (const one of said) assert.equal(one.code, code, one.stderr)
	for (const one of said) assert.ok(one.stderr.trimEnd().split('\n').length <= 1, one.stderr)
}

test('walk, with an error at once and with nothing to do; replicate, with nothing to do', async (t) => {
	const place = makeWorkplace(t)
	await each(TIMES, () => place.cairn('walk'), EXIT.unreachable)
	assert.equal((await place.cairn('init')).code, 0)
	assert.equal((await place.cairn('node', 'add', 'one', place.makeDirectory('one'))).code, 0)
	await each(TIMES, () => cairn(['walk', '--help']), EXIT.ok)
	await each(TIMES, () => place.cairn('walk', '--no-such'), EXIT.usage)
	await each(TIMES, () => cairn(['walk', '--config', '/does/not/exist.ts']), EXIT.configuration)
	await each(TIMES, () => place.cairn('walk', '--node', 'nowhere'), EXIT.refused)
	await each(TIMES, () => place.cairn('walk'), EXIT.ok)
	await each(10, () => place.cairn('replicate'), EXIT.ok)
})

test('walk, and the trash, where every node is behind a network: not done, and it is said', async (t) => {
	const place = makeWorkplace(t, '{ nodes: { one: { remote: true } } }')
	const verb = typed(place.config, init, node, walk, trash)
	await verb('init')
	await verb('walk').then((nothing) => assert.deepEqual([nothing.code, nothing.stderr], [EXIT.ok, '']))
	await verb('node', 'add', 'one', place.makeDirectory('one'))
	for (const words of [['walk', '-q'], ['trash', 'purge', '--json']]) {
		const said = await verb(...words)
		assert.deepEqual(said, { code: EXIT.left, stdout: '', stderr: 'cairn: no node is a disk of this machine; others are named with --node (one)\n' })
	}
	assert.equal((await verb('walk', '--node', 'one')).code, EXIT.ok)
})

test('one whose output goes to a disk that does not take it', async (t) => {
	const place = makeWorkplace(t)
	const disk = mountFailingDisk(join(place.directory, 'disk'))
	const log = openSync(join(place.directory, 'disk/log'), 'a')
	try {
		assert.equal((await place.cairn('init')).code, 0)
		assert.equal((await place.cairn('node', 'add', 'one', place.makeDirectory('one'))).code, 0)
		disk.fail()
		const { signal, status } = spawnSync(LAUNCHER, ['walk', '--config', place.config], { stdio: ['ignore', log, log], timeout: 20_000, killSignal: 'SIGKILL' })
		assert.deepEqual([status, signal], [EXIT.ok, null])
	} finally {
		closeSync(log)
		disk.end()
	}
})
