/** What SeaweedFS does when something fails, and what is done here instead: a test for each line of that table; and kills. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { finished } from 'node:stream/promises'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startApi } from '../../api/start.ts'
import { loadDump } from '../../core/catalogue/dump/load.ts'
import { writeDump } from '../../core/catalogue/dump/write.ts'
import type { Node } from '../../core/nodes/node.ts'
import { openCatalogue } from '../../core/catalogue/open.ts'
import { keepAlive, startFilesystem, stopFilesystem } from '../../core/filesystem/start.ts'
import { run } from '../../core/op.ts'
import { runJob } from '../../replicator/replicator.ts'
import { walk } from '../../replicator/walk/walk.ts'
import { engines } from '../catalogue/engines.ts'
import { openDoor, type TestDoor } from './door.ts'
import { seedOfRun, randomFrom } from '../support/random.ts'
import { until } from '../support/until.ts'

const ANYBODY = [{ at: '127.0.0.1:0', anybody: 'write' as const }]
const CAIRN = fileURLToPath(new URL('../../cairn', import.meta.url))

async function assign(url: string, query = ''): Promise<{ status: number; fid: string; retry: string | null }> {
	const response = await fetch(`${url}/dir/assign${query}`)
	const { fid = '' } = (await response.json()) as { fid?: string }
	return { status: response.status, fid, retry: response.headers.get('retry-after') }
}

const upload = async (url: string, content: string) => (await fetch(url, { method: 'PUT', body: content })).status
const read = async (url: string) => (await fetch(url)).text()

function filesBelow(directory: string): number {
	return readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length
}

/** As if its disk had gone: an empty directory is where it was. */
function takeAway(door: TestDoor, number: number): void {
	renameSync(door.node(number), `${door.node(number)}.away`)
}

function bringBack(door: TestDoor, number: number): void {
	renameSync(`${door.node(number)}.away`, door.node(number))
}

interface Seen {
	Topology: { DataCenters: Array<{ Racks: Array<{ DataNodes: Array<{ Url: string; DownSince?: number; FilesAtRisk?: number }> }> }> }
}

async function down(door: TestDoor): Promise<Array<{ Url: string; DownSince?: number; FilesAtRisk?: number }>> {
	const { Topology } = (await (await fetch(`${door.url}/dir/status`)).json()) as Seen
	return Topology.DataCenters.flatMap(({ Racks }) => Racks.flatMap(({ DataNodes }) => DataNodes)).filter(({ DownSince }) => DownSince !== undefined)
}

async function setState(door: TestDoor, name: string, state: string): Promise<void> {
	await door.driver.change('UPDATE node SET state = ? WHERE name = ?', [state, name])
	await door.reload()
}

test('a node that takes nothing is given nothing: ids are good for the others, and 503 with a time to come back where there is none', async (t) => {
	const door = await openDoor(t, { listen: ANYBODY })
	await setState(door, 'node1', 'nc')
	for (let index = 0; index < 4; index++) {
		const { fid } = await assign(door.url)
		assert.equal(await upload(`${door.url}/${fid}`, 'x'), 201)
	}
	assert.ok(!existsSync(door.node(1, '.blobs')))
	assert.equal((await assign(door.url, '?dataCenter=zone1')).status, 503)
	assert.equal((await assign(door.url, '?dataCenter=zone9')).status, 400)
	const { fid } = await assign(door.url)
	await setState(door, 'node2', 'ro')
	const none = await assign(door.url)
	assert.equal(none.status, 503)
	assert.ok(Number(none.retry) > 0)
	const late = await fetch(`${door.url}/${fid}`, { method: 'PUT', body: 'x' })
	assert.equal(late.status, 503)
	assert.ok(Number(late.headers.get('retry-after')) > 0)
	await setState(door, 'node1', 'rw')
	assert.equal(await upload(`${door.url}/${fid}`, 'the same id, another node'), 201)
	assert.equal(await read(`${door.url}/${fid}`), 'the same id, another node')
})

test('a wish for a data center decides where the first copy goes', async (t) => {
	const door = await openDoor(t, { listen: ANYBODY })
	for (const number of [1, 2]) {
		const { fid } = await assign(door.url, `?dataCenter=zone${number}&collection=c${number}`)
		assert.equal(await upload(`${door.url}/${fid}`, 'x'), 201)
		assert.ok(existsSync(door.node(number, `.blobs/c${number}`)))
	}
	assert.equal((await assign(door.url, '?replication=001')).status, 406, 'more than the class gives')
	assert.equal((await assign(door.url, '?replication=000')).status, 200)
})

test('a node that goes is said to be down, with what hangs on it; back again it serves at once, and an empty directory is not it', async (t) => {
	const door = await openDoor(t, { listen: ANYBODY })
	const { fid } = await assign(door.url, '?dataCenter=zone1')
	assert.equal(await upload(`${door.url}/${fid}`, 'on node1'), 201)
	takeAway(door, 1)
	await until('the node is seen to be away', async () => (await down(door)).length === 1 || undefined)
	const [{ Url, DownSince, FilesAtRisk }] = await down(door)
	assert.equal(Url, 'node1')
	assert.ok(Math.abs(Number(DownSince) - Date.now() / 1000) < 300)
	assert.equal(FilesAtRisk, 1)
	const away = await fetch(`${door.url}/${fid}`)
	assert.equal(away.status, 503, 'it exists, and is not within reach: never 404')
	assert.equal((await assign(door.url)).status, 200, 'the other node takes what is new')
	await fetch(`${door.url}/${(await assign(door.url)).fid}`, { method: 'PUT', body: 'elsewhere' })
	mkdirSync(door.node(1))
	assert.equal((await fetch(`${door.url}/${fid}`)).status, 503, 'an empty mount point')
	assert.deepEqual(readdirSync(door.node(1)), [], 'nothing is written there')
	rmSync(door.node(1), { recursive: true })
	bringBack(door, 1)
	await until('the node is back', async () => (await down(door)).length === 0 || undefined)
	assert.equal(await read(`${door.url}/${fid}`), 'on node1')
})

for (const engine of engines) {
	test(`${engine.name}: a door that goes takes nothing with it: what it assigned is uploaded to another, what it stored is read there`, async (t) => {
		const door = await openDoor(t, { engine, listen: ANYBODY })
		const other = (await door.second()).addresses[0]
		const [{ fid }, { fid: stored }] = [await assign(door.url), await assign(door.url)]
		assert.equal(await upload(`${door.url}/${stored}`, 'stored'), 201)
		await door.stop()
		assert.equal(await upload(`${other}/${fid}`, 'by another door'), 201)
		assert.equal(await read(`${other}/${fid}`), 'by another door')
		assert.equal(await read(`${other}/${stored}`), 'stored')
		assert.equal((await assign(other)).status, 200)
	})
}

test('ids that wait for their upload are in a dump; one that is lost with the catalogue is refused, and never somebody else\'s', async (t) => {
	const door = await openDoor(t, { nodes: 1, listen: ANYBODY })
	const kept = await assign(door.url)
	const dump = join(door.directory, 'dump')
	const sink = createWriteStream(dump)
	await writeDump(door.driver, sink)
	await finished(sink.end())
	const lost = await assign(door.url)
	await door.stop()
	const config = { ...door.config, catalogue: `sqlite:${join(door.directory, 'loaded.db')}` }
	const driver = await openCatalogue(config, { create: true })
	t.after(() => driver.close())
	await loadDump(driver, dump)
	const after = await startApi(config, () => undefined)
	t.after(() => after.stop())
	const [url] = after.addresses
	assert.equal(await upload(`${url}/${kept.fid}`, 'kept'), 201)
	const answer = await fetch(`${url}/${lost.fid}`, { method: 'PUT', body: 'lost' })
	assert.deepEqual([answer.status, await answer.json()], [404, { error: 'this id was not assigned, or nothing was uploaded to it in time' }])
	for (let count = 0; count < 20; count++) assert.equal(await upload(`${url}/${(await assign(url)).fid}`, 'another'), 201)
	assert.ok([400, 404].includes(await upload(`${url}/${lost.fid}`, 'lost')))
	assert.equal(await read(`${url}/${kept.fid}`), 'kept')
})

test('a plain file that was removed behind our back: a walk notices, and it is not served as if it were there', async (t) => {
	const door = await openDoor(t, { nodes: 1, listen: ANYBODY })
	const { fid } = await assign(door.url)
	await upload(`${door.url}/${fid}`, 'x')
	for (let index = 0; index < 30; index++) await upload(`${door.url}/${(await assign(door.url)).fid}`, 'others')
	const [name] = (await door.driver.all('SELECT e.name FROM entry e JOIN object o ON o.file_id = e.file_id WHERE o.id = ?', [Number.parseInt(fid.slice(fid.indexOf(',') + 1, -8), 16)])).map((row) => Buffer.from(row.name).toString())
	const path = join(door.node(1, '.blobs/default'), new Date().toISOString().slice(0, 7).replace('-', '/'), name)
	rmSync(path)
	assert.equal((await fetch(`${door.url}/${fid}`)).status, 503)
	const catalogue = await openCatalogue(door.config)
	const fs = await run(startFilesystem({ config: structuredClone(door.config), catalogue, what: 'walk', report: () => undefined }))
	const quiet = keepAlive(fs)
	const { summary } = await runJob(fs, [...fs.nodes.values()][0] as Node, walk(), { signal: new AbortController().signal })
	quiet()
	await stopFilesystem(fs)
	await catalogue.close()
	assert.ok(summary)
	const [{ state }] = await door.driver.all('SELECT r.state FROM replica r JOIN object o ON o.file_id = r.file_id WHERE o.id = ?', [Number.parseInt(fid.slice(fid.indexOf(',') + 1, -8), 16)])
	assert.notEqual(state, 1, 'it counts as good no longer')
})

/** A door as a process of its own. */
async function process_(t: TestContext, door: TestDoor): Promise<{ url: string; child: ChildProcess }> {
	const file = join(door.directory, 'config.ts')
	const { catalogue, classes } = door.config
	writeFileSync(file, `export default ${JSON.stringify({ catalogue, classes, api: { listen: ANYBODY } })}\n`, { mode: 0o600 })
	const child = spawn(CAIRN, ['api', '--config', file], { stdio: ['ignore', 'pipe', 'inherit'] })
	t.after(() => child.kill('SIGKILL'))
	for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
		const [, url] = /^ready: (\S+)/.exec(line) ?? []
		if (url) return { url, child }
	}
	throw new Error('the door did not come up')
}

for (const engine of engines) {
	test(`${engine.name}: a door that is killed in the middle of uploads leaves nothing half, and loses nothing it confirmed`, async (t) => {
		const door = await openDoor(t, { engine, nodes: 1, listen: ANYBODY })
		const { url, child } = await process_(t, door)
		const confirmed = new Map<string, string>()
		const begun: string[] = []
		let isOver = false
		const slow = (await assign(url)).fid
		const socket = connect(Number(new URL(url).port), '127.0.0.1')
		socket.on('error', () => undefined).write(`PUT /${slow} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n${'x'.repeat(300_000)}`)
		const writers = Array.from({ length: 4 }, async (_, writer) => {
			for (let round = 0; !isOver; round++) {
				const content = `${writer}.${round} `.repeat(1 + (round % 7) * 4_000)
				try {
					const { fid } = await assign(url)
					begun.push(fid)
					if ((await upload(`${url}/${fid}`, content)) === 201) confirmed.set(fid, content)
				} catch {
					return
				}
			}
		})
		await until('some uploads', () => confirmed.size > 40 || undefined)
		child.kill('SIGKILL')
		await once(child, 'exit')
		isOver = true
		await Promise.all(writers)
		socket.destroy()
		for (const [fid, content] of confirmed) assert.equal(await read(`${door.url}/${fid}`), content, fid)
		for (const fid of begun) {
			const response = await fetch(`${door.url}/${fid}`)
			assert.ok(response.status === 404 || confirmed.has(fid) || /^(\d+\.\d+ )+$/.test(await response.text()), fid)
		}
		assert.equal((await fetch(`${door.url}/${slow}`)).status, 404)
		await until('what was half brought is removed', () => filesBelow(door.node(1, '.cairn/uploads')) === 0 || undefined)
		const plain = filesBelow(door.node(1, '.blobs'))
		const [{ files }] = await door.driver.all('SELECT COUNT(*) AS files FROM object')
		assert.equal(plain, Number(files), 'each file an object, each object a file')
	})
}

test('whatever is asked for is answered, and nothing breaks', async (t) => {
	const door = await openDoor(t, { nodes: 1, listen: ANYBODY })
	const random = randomFrom(seedOfRun())
	const { fid } = await assign(door.url)
	await upload(`${door.url}/${fid}`, 'stays')
	const pieces = ['3', ',', '01637037d6', fid, '/', '..', '%00', '%2f', '%', '%ff', '.jpg', '_1', '_', '-1', '?', '&', '=', 'ttl=', 'count=', 'collection=', 'x'.repeat(300), 'ü', '\u0000', ' ', '0', 'dir/assign', 'dir/lookup', 'volumeId=', 'submit', 'file', 'path=', 'api/v1/list', ';', '"', '999999999999999999999']
	const methods = ['GET', 'HEAD', 'PUT', 'POST', 'OPTIONS']
	const port = Number(new URL(door.url).port)
	for (let round = 0; round < 600; round++) {
		const address = Array.from({ length: 1 + random.below(6) }, () => random.pick(pieces)).join('').replace(/[\0-\x20]/g, '%20')
		const status = await raw(port, `${random.pick(methods)} /${Buffer.from(address).toString('latin1')} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 3\r\n\r\nabc`)
		assert.ok(status >= 200 && status < 500, `${address}: ${status}`)
	}
	const text = await read(`${door.url}/${fid}`)
	assert.ok(text === 'stays' || text === 'abc', text)
	assert.deepEqual(door.reports, [])
})

/** The status of an answer to a request as it stands. */
function raw(port: number, request: string): Promise<number> {
	return new Promise((resolve, reject) => {
		const socket = connect(port, '127.0.0.1', () => socket.write(request, 'latin1'))
		let text = ''
		socket.setEncoding('latin1').on('data', (chunk) => (text += chunk))
		socket.on('error', reject).on('close', () => resolve(Number(text.slice(9, 12))))
	})
}

test('many who send their upload a byte at a time keep nobody else waiting, and are ended', async (t) => {
	const door = await openDoor(t, { nodes: 1, listen: ANYBODY, api: { idleMs: 1_000 } })
	const port = Number(new URL(door.url).port)
	const { fid } = await assign(door.url)
	const sockets = await Promise.all(
		Array.from({ length: 200 }, async () => {
			const socket = connect(port, '127.0.0.1')
			socket.on('error', () => undefined).write(`PUT /${fid} HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\nx`)
			return { socket, closed: once(socket, 'close') }
		}),
	)
	const { fid: quick } = await assign(door.url)
	assert.equal(await upload(`${door.url}/${quick}`, 'quick'), 201)
	assert.equal(await read(`${door.url}/${quick}`), 'quick')
	await Promise.all(sockets.map(({ closed }) => closed))
	assert.equal((await fetch(`${door.url}/${fid}`)).status, 404)
})
