/**
 * The catalogue stops answering under a writer and under a run of replicate: calls wait, then fail with EIO and nothing else,
 * nothing is half done, and all goes on when it is back, without anything being started anew.
 */
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { assertCopies, fill, treeThroughMount, verb } from '../replicator/whole.ts'
import { checkTree } from '../support/check-tree.ts'
import { type Hands, takeHands } from '../support/hands.ts'
import { startMariadb } from '../support/mariadb.ts'
import { type Mounted, type Said, startUp } from '../support/mount.ts'
import { until } from '../support/until.ts'
import type { Account, Step } from './steady-writer.ts'

const WRITER = fileURLToPath(new URL('./steady-writer.ts', import.meta.url))
const HOLD_LOCK = fileURLToPath(new URL('../catalogue/hold-lock.ts', import.meta.url))
/** Outlasts a restart, and does not. */
const LONG_MS = 30_000
const SHORT_MS = 1_000
/** A run of replicate lasts long enough for something to happen to it. */
const SLOWLY = "replicator: { copyRates: [{ hours: '0-24', bytesPerSecond: 1_500_000 }] }"
const DEADLINE_MS = 60_000
const COPIED = 60

interface Case {
	what: string
	catalogue: 'sqlite' | 'mariadb'
	timeoutMs: number
	/** Takes the catalogue away and brings it back; `eio` resolves when a call has failed for it. */
	disturb(up: Mounted, eio: () => Promise<unknown>): Promise<void>
	/** How calls fail meanwhile. */
	errors: string[]
}

const CASES: Case[] = [
	{
		what: 'the server is restarted: waited for',
		catalogue: 'mariadb',
		timeoutMs: LONG_MS,
		disturb: async () => await (await startMariadb()).restart(),
		errors: [],
	},
	{
		what: 'the server is killed and comes back: waited for',
		catalogue: 'mariadb',
		timeoutMs: LONG_MS,
		async disturb() {
			const server = await startMariadb()
			await server.kill()
			await server.restart()
		},
		errors: [],
	},
	{
		what: 'the server hangs until a call has failed',
		catalogue: 'mariadb',
		timeoutMs: SHORT_MS,
		async disturb(_, eio) {
			const { pid } = await startMariadb()
			process.kill(pid() as number, 'SIGSTOP')
			await eio().finally(() => process.kill(pid() as number, 'SIGCONT'))
		},
		errors: ['EIO'],
	},
	{
		what: 'another process holds the lock until a call has failed',
		catalogue: 'sqlite',
		timeoutMs: SHORT_MS,
		async disturb(up, eio) {
			const holder = fork(HOLD_LOCK, [up.catalogue])
			await once(holder, 'message')
			await eio().finally(() => holder.send('let go'))
			await once(holder, 'exit')
		},
		errors: ['EIO'],
	},
]

async function prepare(t: TestContext, { catalogue, timeoutMs }: Case): Promise<Mounted> {
	const started = await startUp({ nodes: 2, copies: 2, catalogue })
	t.after(() => started.remove())
	await fill(started, COPIED, 'filled')
	await started.stop()
	const text = readFileSync(started.config, 'utf8')
	const changed = text.replace(/^\tclasses:/m, `\tcatalogueTimeoutMs: ${timeoutMs},\n\t${SLOWLY},\n\tclasses:`)
	assert.notEqual(changed, text)
	writeFileSync(started.config, changed)
	return await started.again()
}

interface Writer {
	hands: Hands
	failures(): number
	/** It does something from now on. */
	goesOn(): Promise<unknown>
	stop(): Promise<Account>
}

function startWriter(t: TestContext, up: Mounted): Writer {
	const hands = takeHands()
	t.after(() => hands.end())
	const stopFile = join(up.dir, 'stop')
	let [done, failures] = [0, 0]
	const onReport = (step: unknown) => {
		done = (step as Step).done
		if ((step as Step).failed !== undefined) failures++
	}
	const options = { deadlineMs: DEADLINE_MS, onReport }
	const writing = hands.run<Account>(WRITER, 'writeSteadily', [up.mountPoint, 'filled', stopFile], options)
	return {
		hands,
		failures: () => failures,
		async goesOn() {
			const before = done
			await until('the writer goes on', () => done > before + 10 || undefined, DEADLINE_MS)
		},
		async stop() {
			writeFileSync(stopFile, '')
			return await writing
		},
	}
}

/** A run of replicate, once it has made its first copies. */
async function startReplicate(up: Mounted): Promise<{ ended: Promise<Said> }> {
	let isOver = false
	const ended = up.cairn('replicate', '--node', 'node2').finally(() => {
		isOver = true
	})
	const copies = join(up.nodes[1] as string, 'filled')
	await until('the first copies are made', () => (existsSync(copies) && readdirSync(copies).length > 0) || undefined)
	assert.equal(isOver, false)
	return { ended }
}

for (const one of CASES) {
	it(`${one.catalogue}: ${one.what}`, async (t) => {
		const up = await prepare(t, one)
		t.after(() => up.stop())
		const writer = startWriter(t, up)
		await writer.goesOn()
		const replicate = await startReplicate(up)
		const before = writer.failures()
		await one.disturb(up, () => until('a call fails', () => writer.failures() > before || undefined))
		await writer.goesOn()
		// It may have given up, and the next run goes on; it has to end by itself.
		const { code, stdout, stderr } = await replicate.ended
		assert.notEqual(code, -1, stdout + stderr)

		const account = await writer.stop()
		assert.deepEqual(Object.keys(account.errors), one.errors)
		assert.deepEqual(await writer.hands.run(WRITER, 'compare', [up.mountPoint, account]), [])
		for (const node of ['node1', 'node2']) await verb(up, 'replicate', '--node', node)
		assertCopies(up, await treeThroughMount(up.mountPoint), 2)
		await up.stop()
		assert.deepEqual(await checkTree(up.catalogue), [])
	})
}

it('mariadb: it is lost, and a mount ends when it is told to: another may begin with what is made anew', async (t) => {
	const up = await startUp({ nodes: 1, catalogue: 'mariadb' })
	t.after(() => up.remove())
	await (await startMariadb()).freshDatabase(new URL(up.catalogue).pathname.slice(1))
	await up.stop()
})
