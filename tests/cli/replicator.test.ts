/** Replicators as processes: beside `cairn up`, alone, and asked what they did. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { withoutOldForm } from '../../cli/old-form.ts'
import { showService } from '../../cli/replicator-lines.ts'
import type { ServiceStatus } from '../../cli/replicator-status.ts'
import type { Status } from '../../cli/status.ts'
import type { Node } from '../../core/nodes/node.ts'
import { startUp } from '../support/mount.ts'
import { until } from '../support/until.ts'
import { makeWorkplace, type Workplace } from './workplace.ts'

const CAIRN = fileURLToPath(new URL('../../cairn', import.meta.url))
const shell = (script: string) => promisify(execFile)('timeout', ['-s', 'KILL', '20', 'sh', '-c', script])

async function twoNodes(place: Workplace): Promise<void> {
	await place.cairn('init')
	for (const name of ['n1', 'n2']) assert.equal((await place.cairn('node', 'add', name, place.makeDirectory(name))).code, 0)
}

function start(...words: string[]): ChildProcess {
	return spawn(CAIRN, words, { stdio: ['ignore', 'pipe', 'pipe'] })
}

/** The first event of that kind. */
async function told(child: ChildProcess, event: string): Promise<Record<string, unknown>> {
	assert.ok(child.stdout)
	for await (const line of createInterface({ input: child.stdout })) {
		const said = JSON.parse(line)
		if (said.event === event) return said
	}
	throw new Error(`ended without ${event}`)
}

function isRunning(pid: number): boolean {
	return existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'))
}

test('up makes the second copy by itself, and its replicator ends with it', async (t) => {
	const up = await startUp({ copies: 0, replicator: true })
	t.after(() => up.remove())
	await shell(`mkdir ${up.mountPoint}/d && echo hello >${up.mountPoint}/d/f`)
	const catalogue = new DatabaseSync(up.catalogue, { readOnly: true })
	t.after(() => catalogue.close())
	const copied = () => catalogue.prepare("SELECT 1 FROM job WHERE name LIKE 'replicate:%' AND summary LIKE '%copied%'").get()
	await until('the second copy', copied)
	assert.equal(up.nodes.filter((node) => existsSync(join(node, 'd/f'))).length, 2)
	const { nothingOwed, nodes, jobs }: Status = JSON.parse((await up.cairn('status', '--json')).stdout)
	assert.ok(nothingOwed && nodes.every((node) => node.lookedAfter))
	assert.equal(jobs.filter((job) => job.job === 'replicate' && job.outcomes.copied === 1).length, 1)

	const second = await up.cairn('replicator')
	assert.equal(second.code, 0, second.stderr)
	assert.equal(second.stderr.trimEnd().split('\n').length, 1, second.stderr)
	assert.match(second.stderr, /^cairn: node1, node2, node3: looked after already \(replicator, process \d+ on /)

	const replicators = () => catalogue.prepare("SELECT pid FROM client WHERE what = 'replicator' ORDER BY id").all().map((row) => Number(row.pid))
	const [pid] = replicators()
	process.kill(pid, 'SIGKILL')
	const next = await until('another replicator', () => replicators().find((each) => each !== pid))
	await up.kill()
	await until('the replicator has ended', () => !isRunning(next) || undefined)
})

test('alone: it says when it is ready, works, takes a new configuration, ends in order', async (t) => {
	const place = makeWorkplace(t)
	await twoNodes(place)
	const child = start('replicator', '--node', 'n1', '--json', '--config', place.config)
	t.after(() => child.kill('SIGKILL'))
	assert.deepEqual((await told(child, 'ready')).nodes, ['n1'])
	const { jobs, nodes }: ServiceStatus = JSON.parse((await place.cairn('replicator', '--status', '--json')).stdout)
	assert.deepEqual(nodes, [{ name: 'n1', lookedAfter: true }, { name: 'n2', lookedAfter: false }])
	assert.ok(jobs.some((job) => job.node === 'n2' && job.state === 'never' && job.job === 'verify' && (job.next ?? 0) * 1000 > Date.now()))
	child.kill('SIGHUP')
	const ended = once(child, 'exit')
	child.kill('SIGTERM')
	assert.deepEqual(await ended, [0, null])
	assert.match((await place.cairn('replicator', '--status')).stdout, /^n2 +verify +never.*^no replicator looks after n1, n2$/ms)
})

test('a node whose directory is not here is left to the machine that has it, and taken when it is', async (t) => {
	const place = makeWorkplace(t)
	await twoNodes(place)
	renameSync(join(place.directory, 'n2'), join(place.directory, 'elsewhere'))
	const there = join(place.directory, 'there.ts')
	writeFileSync(there, "export default { nodes: { n1: { path: 'none' }, n2: { path: 'elsewhere' } } }\n", { mode: 0o600 })
	const here = start('replicator', '--json', '--config', place.config)
	t.after(() => here.kill('SIGKILL'))
	assert.deepEqual((await told(here, 'ready')).nodes, ['n1'])
	const other = start('replicator', '--json', '--config', there)
	t.after(() => other.kill('SIGKILL'))
	assert.deepEqual((await told(other, 'ready')).nodes, ['n2'])
	const exited = once(other, 'exit')
	other.kill('SIGTERM')
	await exited
	const holders = async () => (JSON.parse((await place.cairn('status', '--json')).stdout) as Status).nodes.map((node) => node.lookedAfter)
	assert.deepEqual(await holders(), [true, false])
	renameSync(join(place.directory, 'elsewhere'), join(place.directory, 'n2'))
	await until('it is looked after here', async () => (await holders())[1] || undefined)
})

test('one kind of work, once: in the form of before and in ours', async (t) => {
	const place = makeWorkplace(t)
	await twoNodes(place)
	for (const words of [['replicator', '-a', 'replicate'], ['replicate']]) {
		const said = await place.cairn(...words, '--node', 'n1', '--json')
		assert.equal(said.code, 0, said.stderr)
		const events = said.stdout.trimEnd().split('\n').map((line) => JSON.parse(line))
		assert.deepEqual([events[0].event, events[0].run, events.at(-1).event], ['start', 'replicate n1', 'summary'])
	}
	const wrong = await place.cairn('replicator', '-a', 'walkies')
	assert.equal(wrong.code, 2)
	assert.match(wrong.stderr, /replicator -a: found 'walkies', allowed: walk, replicate, /)
	const unknown = await place.cairn('replicator', '--node', 'n9')
	assert.equal(unknown.code, 8)
	assert.match(unknown.stderr, /there is no node n9; there are: n1, n2/)
})

test('a schedule that says nothing is a mistake in the configuration', async (t) => {
	const place = makeWorkplace(t, "{ replicator: { schedule: { verify: '0 0 30 2 *' } } }")
	await place.cairn('init')
	const said = await place.cairn('replicator')
	assert.equal(said.code, 3, said.stderr)
	assert.match(said.stderr, /^cairn: replicator\.schedule\.verify: found '0 0 30 2 \*': .*day of month/)
	const looked = await place.cairn('doctor')
	assert.match(looked.stdout, /^WRONG configuration: replicator\.schedule\.verify: found '0 0 30 2 \*'/m)
	assert.equal(looked.code, 19, looked.stdout)
})

test('a run says so many troubles and no more; what was said is not said again', () => {
	const lines: string[] = []
	const service = showService(false, { print: () => assert.fail(), warn: (line) => lines.push(line) })
	const node = { name: 'a' } as Node
	const summary = { outcomes: {}, bytes: 0, troubles: 100, stopped: false, seconds: 1 }
	for (let run = 0; run < 2; run++) {
		const { watcher, end } = service.show('replicate', node)
		for (let file = 0; file < 20; file++) watcher.trouble?.(`f${file}`, 'no source')
		for (let file = 0; file < 80; file++) watcher.trouble?.(run === 0 ? `g${file}` : 'f1', 'no source')
		end(summary)
	}
	assert.equal(lines.length, 21)
	assert.deepEqual([lines[0], lines[20]], ['replicate a: f0: no source', 'replicate a: 100 left in 1.0 s'])
})

test('the words of the old form', () => {
	assert.deepEqual(withoutOldForm(['replicator', '-a', 'walk', '-p', 'photos']), ['walk', '-p', 'photos'])
	assert.deepEqual(withoutOldForm(['replicator', '--config', 'x', '--action=verify']), ['verify', '--config', 'x'])
	assert.deepEqual(withoutOldForm(['replicator', '-a=trash', '-q']), ['trash', 'purge', '-q'])
	assert.deepEqual(withoutOldForm(['replicator', '--node', 'a']), ['replicator', '--node', 'a'])
	assert.deepEqual(withoutOldForm(['walk', '-a', 'x']), ['walk', '-a', 'x'])
	assert.throws(() => withoutOldForm(['replicator', '-a']), /found ''/)
})
