/** Whoever reads goes, or the disk with the log is full: what is asked ends with a line and a code, what stays for others stays. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { detach, isMounted } from '../support/mount.ts'
import { makeWorkplace } from './workplace.ts'

const CAIRN = fileURLToPath(new URL('../../cairn', import.meta.url))

function full(t: TestContext): number {
	const fd = openSync('/dev/full', 'w')
	t.after(() => closeSync(fd))
	return fd
}

test('what cannot be printed is said in one line', async (t) => {
	const place = makeWorkplace(t)
	await place.cairn('init')
	const { status, stderr } = spawnSync(CAIRN, ['status', '--config', place.config], { stdio: ['ignore', full(t), 'pipe'], encoding: 'utf8' })
	assert.equal(status, 1)
	assert.match(stderr, /^cairn: standard output: ENOSPC[^\n]*\n$/)
})

test("a line's end in the path of a node makes no line of its own in a table", async (t) => {
	const place = makeWorkplace(t)
	await place.cairn('init')
	await place.cairn('node', 'add', 'one', place.makeDirectory('a\nb'))
	const { stdout } = await place.cairn('node', 'list')
	assert.match(stdout, /^NODE .*\none .*\/a\\nb\n$/)
})

test('what does nothing but show ends when nothing can be shown', async (t) => {
	const place = makeWorkplace(t)
	await place.cairn('init')
	await place.cairn('node', 'add', 'n1', place.makeDirectory('n1'))
	for (const words of [['top', '--interval', '0.1'], ['events', '--follow', '--since', '0']]) {
		const { status, stderr, signal } = spawnSync(CAIRN, [...words, '--config', place.config], { stdio: ['ignore', full(t), 'pipe'], encoding: 'utf8', timeout: 10_000, killSignal: 'SIGKILL' })
		assert.deepEqual({ status, signal }, { status: 1, signal: null }, words.join(' '))
		assert.match(stderr, /^cairn: standard output: ENOSPC[^\n]*\n$/)
	}
})

test('what is wrong has its code also where it cannot be said', (t) => {
	assert.equal(spawnSync(CAIRN, ['no-such-verb'], { stdio: ['ignore', 'ignore', full(t)] }).status, 2)
})

test('a dump that nobody reads to its end is none', async (t) => {
	const place = makeWorkplace(t)
	await place.cairn('init')
	const dump = spawn(CAIRN, ['dump', '--config', place.config], { stdio: ['ignore', 'pipe', 'inherit'] })
	dump.stdout.destroy()
	assert.deepEqual(await once(dump, 'exit'), [1, null])
	assert.equal((await place.cairn('dump')).code, 0)
})

test('what is no regular file is not replaced by a dump; through a symlink it goes where that leads', async (t) => {
	const place = makeWorkplace(t)
	await place.cairn('init')
	const [device, latest, kept] = ['device', 'latest', 'kept'].map((name) => join(place.directory, name))
	spawnSync('mkfifo', [device])
	const { code, stderr } = await place.cairn('dump', device)
	assert.equal(code, 2, stderr)
	assert.match(stderr, /^cairn: \S+device is no regular file, and would be replaced: name another\n$/)
	assert.ok(statSync(device).isFIFO())
	writeFileSync(kept, 'of yesterday')
	symlinkSync(kept, latest)
	assert.equal((await place.cairn('dump', latest)).code, 0)
	assert.equal(readlinkSync(latest), kept)
	assert.notEqual(readFileSync(kept, 'utf8'), 'of yesterday')
})

test('a mount whose log is on a full disk goes on, and ends in order', async (t) => {
	const place = makeWorkplace(t)
	const mountPoint = join(place.directory, 'data/combined')
	t.after(() => detach(mountPoint))
	const up = spawn(CAIRN, ['up', join(place.directory, 'data'), '--no-api', '--no-replicator'], { stdio: ['ignore', full(t), 'pipe'] })
	t.after(() => up.kill('SIGKILL'))
	assert.match(String(await once(up.stderr ?? up, 'data')), /standard output: ENOSPC/)
	assert.ok(isMounted(mountPoint))
	up.kill('SIGTERM')
	await once(up, 'exit')
	assert.equal(isMounted(mountPoint), false)
})

test('a terminal that can do nothing but lines gets lines', async (t) => {
	const place = makeWorkplace(t)
	await place.cairn('init')
	await place.cairn('node', 'add', 'one', place.makeDirectory('one'))
	const typed = (TERM: string) => spawnSync('script', ['-qec', `${CAIRN} walk --config ${place.config}`, '/dev/null'], { env: { ...process.env, TERM }, encoding: 'utf8' }).stdout
	assert.ok(typed('xterm').includes('\x1b[K'))
	assert.match(typed('dumb'), /^walk one: nothing to do in [\d.]+ s\r\n$/)
})
