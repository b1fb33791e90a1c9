/** A door of several processes: both serve, one may be killed, and all of them end well. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { addNode } from '../../cli/node-add.ts'
import { makeToken } from '../../core/access/token.ts'
import { initialise } from '../../core/catalogue/initialise.ts'
import { openCatalogue } from '../../core/catalogue/open.ts'
import { withDefaults } from '../../core/config/defaults.ts'
import { run } from '../../core/op.ts'
import { engines, type Engine } from '../catalogue/engines.ts'
import { makeWorkplace } from '../cli/workplace.ts'
import { checkTree } from '../support/check-tree.ts'
import { freePort } from '../support/free-port.ts'
import { until } from '../support/until.ts'

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
const WORKERS = 2

interface Door {
	url: string
	process: ChildProcess
	node: string
	config: string
	catalogue: string
	said: string[]
	headers: { authorization: string; connection: string }
	/** The same for connections that are kept. */
	keep: { authorization: string }
	pids(): Promise<number[]>
}

async function openWorkers(t: TestContext, engine: Engine, api: object = {}): Promise<Door> {
	const directory = mkdtempSync(join(tmpdir(), 'cairn-workers-'))
	t.after(() => rmSync(directory, { recursive: true, force: true }))
	const classes = [{ name: 'default', pattern: '', copies: 1 }]
	const said = { catalogue: await engine.address(t), classes, api: { listen: [{ at: `127.0.0.1:${await freePort()}` }], workers: WORKERS, ...api } }
	const driver = await openCatalogue(withDefaults(said), { create: true })
	const node = join(directory, 'node')
	mkdirSync(node)
	await initialise(driver, { owner: { uid: 0, gid: 0 }, classes, now: { s: 1, ns: 0 } })
	await addNode(driver, 'node', { path: node, zone: '', reserve: 0, weight: 100, io: 'auto', state: 'rw' })
	const token = await run(makeToken(driver, { name: 'all', role: 'admin', scope: undefined, perMinute: 0, lastsSeconds: 0 }))
	await driver.close()
	const config = join(directory, 'config.ts')
	writeFileSync(config, `export default ${JSON.stringify(said)}\n`)
	const { url, process, said: lines } = await start(t, config)
	// A connection for each request: they are given to the workers in turn.
	const headers = { authorization: `Bearer ${token}`, connection: 'close' }
	async function pids(): Promise<number[]> {
		const metrics = await (await fetch(`${url}/metrics`, { headers })).text()
		return [...new Set([...metrics.matchAll(/^cairn_http_seconds_count\{.*pid="(\d+)"/gm)].map(([, pid]) => Number(pid)))].sort()
	}
	return { url, process, node, config, catalogue: said.catalogue, said: lines, headers, keep: { authorization: headers.authorization }, pids }
}

async function start(t: TestContext, config: string): Promise<Pick<Door, 'url' | 'process' | 'said'>> {
	const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, 'api', '--config', config], { stdio: ['ignore', 'pipe', 'pipe'] })
	t.after(() => child.kill('SIGKILL'))
	const lines: string[] = []
	for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', (line) => lines.push(line))
	const url = await until('it is ready', () => (child.exitCode === null ? lines.find((line) => line.startsWith('ready: '))?.slice(7) : assert.fail(lines.join('\n'))))
	return { url, process: child, said: lines }
}

async function askAll(door: Door, many = 16): Promise<void> {
	const answers = await Promise.all(Array.from({ length: many }, (_, index) => fetch(`${door.url}/files/f${index}`, { method: 'PUT', body: `content ${index}`, headers: door.headers })))
	assert.deepEqual(answers.map(({ ok }) => ok), Array(many).fill(true))
	for (let index = 0; index < many; index++) assert.equal(await (await fetch(`${door.url}/files/f${index}`, { headers: door.headers })).text(), `content ${index}`)
}

/** An upload of which the second half comes when it is let. */
function begin(door: Door, name: string, content: Buffer): { answer: Promise<Response>; goOn: () => void } {
	const { promise, resolve } = Promise.withResolvers<void>()
	async function* body(): AsyncGenerator<Uint8Array> {
		yield content.subarray(0, content.length / 2)
		await promise
		yield content.subarray(content.length / 2)
	}
	const answer = fetch(`${door.url}/files/${name}`, { method: 'PUT', body: body(), headers: door.headers, duplex: 'half' } as unknown as RequestInit)
	return { answer, goOn: resolve }
}

/** How many files lie on a node of uploads that are under way. */
function partsOn(node: string): number {
	const uploads = join(node, '.cairn/uploads')
	if (!existsSync(uploads)) return 0
	return readdirSync(uploads, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length
}

for (const engine of engines) {
	test(`${engine.name}: several workers serve one tree; one that is killed is started anew`, async (t) => {
		const door = await openWorkers(t, engine)
		await askAll(door)
		const before = await until('both have served', async () => {
			const pids = await door.pids()
			return pids.length === WORKERS && !pids.includes(door.process.pid as number) ? pids : undefined
		})
		process.kill(before[0], 'SIGKILL')
		const after = await until('another is there', async () => {
			await fetch(`${door.url}/health`).catch(() => undefined)
			const pids = await door.pids().catch(() => [] as number[])
			return pids.length === WORKERS && !pids.includes(before[0]) ? pids : undefined
		})
		assert.ok(after.includes(before[1]))
		assert.ok(door.said.some((line) => line.includes('a worker ended with SIGKILL and will be started again')))
		await askAll(door)
		door.process.kill('SIGTERM')
		assert.deepEqual(await once(door.process, 'exit'), [0, null])
	})
}

test('what keeps the workers from serving is said once, and is how the door ends', async (t) => {
	const place = makeWorkplace(t, `{ api: { listen: [{ at: '127.0.0.1:${await freePort()}' }], workers: ${WORKERS}, objectKeyFile: 'none' } }`)
	await place.cairn('init')
	assert.deepEqual(await place.cairn('api'), { code: 3, stdout: '', stderr: `cairn: api.objectKeyFile: ${place.directory}/none is not a file\n` })
})

test('what is under way in each worker is finished when the door is told to end, and nothing of it is half there', async (t) => {
	const door = await openWorkers(t, engines[0], { drainMs: 30_000 })
	const contents = Array.from({ length: 4 }, () => randomBytes(400_000))
	const uploads = contents.map((content, index) => begin(door, `u${index}`, content))
	await until('each is under way', () => partsOn(door.node) === uploads.length || undefined)
	const exited = once(door.process, 'exit')
	door.process.kill('SIGTERM')
	await until('it takes nobody any more', async () => ((await fetch(`${door.url}/health`, { headers: door.headers }).catch(() => undefined)) ? undefined : true))
	for (const { goOn } of uploads) goOn()
	for (const [index, { answer }] of uploads.entries()) {
		assert.equal((await answer).status, 201)
		assert.ok(readFileSync(join(door.node, `u${index}`)).equals(contents[index]))
	}
	assert.deepEqual(await exited, [0, null])
})

test('a door that is killed among many uploads has lost none of those it had answered, and the tree is sound', async (t) => {
	const alone = { workers: 1 }
	const door = await openWorkers(t, engines[0], alone)
	const answered: string[] = []
	let isOver = false
	async function upload(uploader: number): Promise<void> {
		for (let turn = 0; !isOver; turn++) {
			const name = `f${uploader}-${turn}`
			const answer = await fetch(`${door.url}/files/${name}`, { method: 'PUT', body: `content of ${name}`, headers: door.keep }).catch(() => undefined)
			if (answer?.status === 201) answered.push(name)
		}
	}
	const uploads = Array.from({ length: 8 }, (_, uploader) => upload(uploader))
	await until('many are answered', async () => answered.length > 100 || undefined)
	door.process.kill('SIGKILL')
	await once(door.process, 'exit')
	isOver = true
	await Promise.all(uploads)
	const again = await start(t, door.config)
	for (const name of answered) assert.equal(await (await fetch(`${again.url}/files/${name}`, { headers: door.keep })).text(), `content of ${name}`)
	again.process.kill('SIGTERM')
	await once(again.process, 'exit')
	assert.deepEqual(await checkTree(door.catalogue.replace('sqlite:', '')), [])
})

test('where the address is taken none of the workers stays, and one line says why', async (t) => {
	const door = await openWorkers(t, engines[0])
	await assert.rejects(openWorkers(t, engines[0], { listen: [{ at: door.url.slice('http://'.length) }] }), /cannot listen there/)
})
