/** A process that ends while a thread of it loads the library: it is not aborted, and does not wait for longer than it must. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'

const CORE = new URL('../../core', import.meta.url)
/** Names functions of the C library for so long: with any of them an end from outside is an abort. */
const LOADING_MS = 400
const LONG_MS = 60_000

interface Program {
	/** Of the thread, before it comes to the library; `told` is memory that main sees too. */
	before?: string
	/** Of the thread, when it has it. */
	after?: string
	/** When the thread is at the place where it says so. */
	main: string
}

const HERE = 'Atomics.store(told, 0, 1); Atomics.notify(told, 0);'

/** How it ended, and for how many milliseconds it was ending. */
async function run(t: TestContext, { before = '', after = '', main }: Program): Promise<{ code: number; endingMs: number }> {
	const directory = mkdtempSync(join(tmpdir(), 'cairn-loading-'))
	t.after(() => rmSync(directory, { recursive: true, force: true }))
	const told = "import { workerData } from 'node:worker_threads'; const told = workerData;"
	writeFileSync(join(directory, 'before.mjs'), `${told} ${before}`)
	writeFileSync(
		join(directory, 'thread.mjs'),
		`import './before.mjs'; import { libc } from '${CORE}/libc.ts'; ${told} ${after}
		for (const until = performance.now() + ${LOADING_MS}; performance.now() < until; ) libc('int close(int fd)')`,
	)
	writeFileSync(
		join(directory, 'main.mjs'),
		`import '${CORE}/loading.ts'; import { Worker } from 'node:worker_threads'
		const told = new Int32Array(new SharedArrayBuffer(4))
		new Worker(new URL('./thread.mjs', import.meta.url), { workerData: told }).unref()
		Atomics.wait(told, 0, 0)
		const from = performance.now()
		process.on('exit', () => console.log(performance.now() - from))
		${main}`,
	)
	return await new Promise((resolve) => {
		const words = ['--disable-warning=ExperimentalWarning', join(directory, 'main.mjs')]
		const child = execFile(process.execPath, words, { timeout: LONG_MS }, (_, stdout) =>
			resolve({ code: child.exitCode ?? -1, endingMs: Number(stdout) }),
		)
	})
}

for (const [how, main, code] of [
	['as it does when there is nothing left to do', '', 0],
	['at once', 'process.exit(7)', 7],
	['with a mistake', "throw new Error('not caught')", 1],
] as const) {
	test(`a process that ends ${how} waits for a thread that loads`, async (t) => {
		const { code: found, endingMs } = await run(t, { after: HERE, main })
		assert.equal(found, code)
		assert.ok(endingMs > LOADING_MS / 2, `${endingMs} ms`)
	})
}

test('one that has not come to it yet is not waited for', async (t) => {
	const spin = `${HERE} for (const until = performance.now() + 300; performance.now() < until; );`
	const { code, endingMs } = await run(t, { before: spin, main: '' })
	assert.equal(code, 0)
	assert.ok(endingMs < 300, `${endingMs} ms`)
})

test('nor is one that failed, or has loaded', async (t) => {
	const failed = await run(t, { after: `${HERE} throw new Error('no such thing')`, main: "process.on('uncaughtException', () => {}); setTimeout(() => {}, 1000)" })
	assert.equal(failed.code, 0)
	const loaded = await run(t, { after: `setInterval(() => {}, 1000); setImmediate(() => { ${HERE} });`, main: '' })
	assert.equal(loaded.code, 0)
	assert.ok([failed, loaded].every(({ endingMs }) => endingMs < LOADING_MS * 5))
})
