/** Two agents and a door, each killed at any moment: in the end every copy is proved, every file equal, and a lost tree comes back. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { run as runRestore } from '../../cli/restore.ts'
import { type Agent, placeAgent } from '../backup/agent.ts'
import { freePort } from '../support/free-port.ts'
import { randomFrom, seedOfRun } from '../support/random.ts'
import { cairn, type Keeper, openKeeper } from './keeper.ts'

const CAIRN = fileURLToPath(new URL('../../cairn', import.meta.url))
const FILES = 1_000
const KILLS = 20
/** Nothing went on for so long. */
const STUCK_MS = 90_000
const PROVED = 4
const SEED = seedOfRun()

/** A door in a process of its own, which can be killed and started again. */
async function startDoor(keeper: Keeper, port: number): Promise<ChildProcess> {
	const child = spawn(CAIRN, ['api', '--config', join(keeper.directory, 'door.ts'), '--listen', `127.0.0.1:${port}`], { stdio: ['ignore', 'pipe', 'ignore'] })
	for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) if (line.startsWith('ready: ')) return child
	throw new Error(`the door ended before it was ready: ${child.exitCode}`)
}

async function kill(child: ChildProcess): Promise<void> {
	if (child.exitCode !== null || child.signalCode !== null) return
	child.kill('SIGKILL')
	await once(child, 'exit')
}

/** Runs again and again, as cron has it, until it is told to stop. */
function keepRunning(agent: Agent): { current(): ChildProcess; stop(): Promise<string> } {
	let isOver = false
	let child: ChildProcess
	let last = ''
	const loop = (async () => {
		while (!isOver) {
			const run = agent.start('-a', 'replicate')
			child = run.child
			const { err, out } = await run.ended
			last = err + out
			if (!isOver) await sleep(100)
		}
	})()
	return {
		current: () => child,
		async stop() {
			isOver = true
			await loop
			return last
		},
	}
}

async function untilProved(keeper: Keeper, many: number, say: () => string): Promise<void> {
	let before = ''
	for (let endMs = performance.now() + STUCK_MS; ; ) {
		const rows = await keeper.driver.all<{ state: number; many: number }>('SELECT state, COUNT(*) AS many FROM backup GROUP BY state')
		if (rows.length === 1 && rows[0].state === PROVED && rows[0].many === many) return
		const now = JSON.stringify(rows)
		if (now !== before) endMs = performance.now() + STUCK_MS
		before = now
		if (performance.now() > endMs) throw new Error(`seed ${SEED}: ${now} ${say()}`)
		await sleep(200)
	}
}

test('killed at any moment, the agents reach their goals; a tree whose nodes are wiped comes back equal', async (t: TestContext) => {
	const random = randomFrom(SEED)
	const keeper = await openKeeper(t, { nodes: 3, config: { classes: [{ name: 'all', pattern: '', copies: 1, offsite: 2 }], backup: { leaseSeconds: 30, filesPerBatch: 100 } } })
	const { catalogue, classes, backup } = keeper.config
	writeFileSync(join(keeper.directory, 'door.ts'), `export default ${JSON.stringify({ catalogue, classes, backup })}`, { mode: 0o600 })
	const port = await freePort()
	const contents = new Map<string, Buffer>()
	for (let n = 0; n < FILES; n++) {
		const path = `d${n % 7}/e${n % 31}/f${n}`
		contents.set(path, random.bytes(random.below(6_000)))
		await keeper.put(path, contents.get(path) as Buffer)
	}
	const agents: Agent[] = []
	for (const [name, settings] of [['attic', { rates: [{ hours: '', bytesPerSecond: 2_000_000 }] }], ['barn', { parallel: 2, filesPerBatch: 40 }]] as const) {
		const { key } = await keeper.site(name, settings as object)
		const agent = await placeAgent(`http://127.0.0.1:${port}`, { key })
		t.after(() => agent.remove())
		agent.environment.CAIRN_BACKUP_SITE = name
		agents.push(agent)
	}
	await keeper.feed()

	let door = await startDoor(keeper, port)
	t.after(() => kill(door))
	const running = agents.map(keepRunning)
	t.after(() => Promise.all(running.map((each) => each.stop())))
	for (let n = 0; n < KILLS; n++) {
		await sleep(100 + random.below(300))
		if (random.chance(0.4)) {
			await kill(door)
			door = await startDoor(keeper, port)
		} else running[random.below(running.length)].current().kill('SIGKILL')
	}
	await untilProved(keeper, FILES * agents.length, () => keeper.reports.join('\n'))
	for (const agent of agents) {
		for (const [path, content] of contents) assert.ok(readFileSync(join(agent.folder, path)).equals(content), `seed ${SEED}: ${path}`)
		// No replicator ran, so no hash is known: what an agent placed and did not report in time is kept when it comes again.
		const strays = agent.paths().filter((path) => !contents.has(path.replace(/\.old\d*$/, '')) && !/^d\d(\/e\d+)?$/.test(path))
		assert.deepEqual(strays, [], `seed ${SEED}`)
	}

	for (const number of [1, 2, 3]) for (const name of readdirSync(keeper.node(number))) if (name !== '.cairn') rmSync(keeper.node(number, name), { recursive: true })
	const options = { path: '/', from: 'attic', overwrite: false, deleted: false, wait: true, cancel: false, json: true }
	const said = await cairn(keeper, (deps) => runRestore(options, deps))
	for (const each of running) await each.stop()
	assert.equal(said.exitCode, 0, `seed ${SEED}: ${said.err}`)
	assert.equal(JSON.parse(said.out).done, [...contents.values()].length)
	for (const [path, content] of contents) {
		const copy = [1, 2, 3].map((number) => keeper.node(number, path)).find((each) => existsSync(each))
		assert.ok(copy !== undefined && readFileSync(copy).equals(content), `seed ${SEED}: ${path}`)
	}
})
