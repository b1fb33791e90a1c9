/** A node that hangs, and one that is full, behind every dialect: the right status in time, nothing half written, and all goes on afterwards. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { mountSshfs, type SshfsMount } from '../support/sshfs.ts'
import { until } from '../support/until.ts'
import { ANYBODY, ask, type Dialect, dialects, type Sent, type Target } from './dialects.ts'
import { openDoor, type TestDoor } from './door.ts'
import { filesBelow, standing } from './left-behind.ts'

const NODE_DEADLINE_MS = 500
/** Some calls after each other, each with its own deadline, on a busy machine. */
const ANSWER_MS_MAX = 10 * NODE_DEADLINE_MS
const BEFORE = 'as it was before'
const DISK = '6m'
/** More than the disk has, less than any limit. */
const TOO_MUCH = randomBytes(8_000_000)

async function withHungNode(t: TestContext): Promise<{ door: TestDoor; server: SshfsMount }> {
	const away = mkdtempSync(join(tmpdir(), 'cairn-hung-'))
	t.after(() => rmSync(away, { recursive: true, force: true }))
	let server: SshfsMount | undefined
	t.after(() => server?.stop())
	const door = await openDoor(t, {
		nodes: 2,
		listen: ANYBODY,
		config: { nodeDeadlineMs: NODE_DEADLINE_MS },
		async mount(path, number) {
			if (number === 1) server = await mountSshfs(away, path)
		},
	})
	return { door, server: server as SshfsMount }
}

/** What is made next is on this node alone. */
async function only(door: TestDoor, number: number): Promise<void> {
	for (const each of [1, 2]) await door.driver.change(`UPDATE node SET state = '${each === number ? 'rw' : 'nc'}' WHERE name = 'node${each}'`)
	await door.reload()
}

async function inTime(door: TestDoor, dialect: Dialect, sent: Sent, statuses: number[]): Promise<void> {
	const startMs = performance.now()
	const answer = await ask(door, sent)
	const took = performance.now() - startMs
	assert.ok(statuses.includes(answer.status), `${dialect.name} ${sent.method}: ${answer.status} ${answer.body}`)
	if (answer.status >= 400) assert.ok(dialect.reason(answer), `${dialect.name}: ${answer.body}`)
	assert.ok(took < ANSWER_MS_MAX, `${dialect.name} ${sent.method}: ${took} ms`)
}

/** On a busy machine a node may be slower than it is given here. */
async function prepared(door: TestDoor, dialect: Dialect, directory: string): Promise<Target> {
	return await until(`${dialect.name} has a file`, () => dialect.prepare(door, `${directory}/${dialect.name}`, BEFORE).catch(() => undefined))
}

test('a node that hangs', async (t) => {
	const { door, server } = await withHungNode(t)
	const far = new Map<Dialect, Target>()
	const near = new Map<Dialect, Target>()
	await only(door, 1)
	for (const dialect of dialects) far.set(dialect, await prepared(door, dialect, 'far'))
	await until('there is a large one', async () => (await ask(door, { method: 'PUT', target: '/files/far/large', body: TOO_MUCH })).status < 300 || undefined)
	await only(door, 2)
	for (const dialect of dialects) near.set(dialect, await prepared(door, dialect, 'near'))
	await only(door, 2)
	await door.driver.change("UPDATE node SET state = 'rw'")
	await door.reload()
	const cutShort = await readWhileItHangs(door, server)
	assert.ok(cutShort < TOO_MUCH.length, 'whoever was being served hears that it is not all')
	for (const dialect of dialects) {
		await t.test(dialect.name, async () => {
			const away = dialect.name === 'sfss' ? 504 : 503
			await inTime(door, dialect, (far.get(dialect) as Target).read, [away, 504])
			const { read, write, fresh } = near.get(dialect) as Target
			await inTime(door, dialect, read, [200])
			await inTime(door, dialect, { ...write, body: 'new' }, [200, 201, 204])
			if (fresh) await inTime(door, dialect, { ...fresh, body: 'new' }, [200, 201])
			assert.equal((await ask(door, read)).body.toString().slice(0, 3), 'new')
			// What is replaced is on the node that hangs: the new content goes elsewhere. Hercules writes where it is.
			const replaced = { ...(far.get(dialect) as Target).write, body: 'replaced' }
			await inTime(door, dialect, replaced, dialect.name === 'hercules' ? [503, 504] : [200, 201, 204])
		})
	}
	server.resume()
	for (const dialect of dialects) {
		const { read } = far.get(dialect) as Target
		const expected = dialect.name === 'hercules' ? BEFORE : 'replaced'
		await until(`${dialect.name}: it serves again`, async () => (await ask(door, read)).body.toString() === expected || undefined)
	}
	await until('nothing is left of what was replaced or given up', () => {
		const left = filesBelow(door.node(1))
		return left.every((each) => /^\/(\.cairn\/node\.json|far\/(hercules|large)) /.test(each)) || undefined
	})
})

test('what a node makes after it was given up is removed again', async (t) => {
	const { door, server } = await withHungNode(t)
	await only(door, 1)
	const put = (path: string) => ask(door, { method: 'PUT', target: `/files/${path}`, body: 'x' })
	await until('there is a folder for what comes', async () => (await put('first')).status < 300 || undefined)
	server.hang()
	const answers = await Promise.all(['a', 'b', 'c'].map(put))
	server.resume()
	for (const { status } of answers) assert.ok(status === 503 || status === 504, `${status}`)
	await until('it serves again', async () => (await put('next')).status < 300 || undefined)
	await until('nothing but that is there', () => filesBelow(door.node(1)).every((each) => /^\/(\.cairn\/node\.json|first|next) /.test(each)) || undefined)
})

/** The bytes that came of a large answer whose node hung after the first of them. */
async function readWhileItHangs(door: TestDoor, server: SshfsMount): Promise<number> {
	const { hostname, port } = new URL(door.url)
	return await new Promise((resolve) => {
		let bytes = 0
		const asked = request({ hostname, port, path: '/files/far/large', agent: false }, (answer: IncomingMessage) => {
			answer.once('data', () => server.hang())
			answer.on('data', (chunk: Buffer) => (bytes += chunk.length))
			answer.on('error', () => undefined).on('close', () => resolve(bytes))
		})
		asked.end()
	})
}

test('a node that is full', async (t) => {
	const mounted: string[] = []
	// Before what `openDoor` does afterwards: it removes the directories.
	t.after(() => {
		for (const path of mounted) execFileSync('umount', ['-l', path])
	})
	const door = await openDoor(t, {
		nodes: 1,
		listen: ANYBODY,
		api: { sfssBytesMax: 2 * TOO_MUCH.length, objectBytesMax: 2 * TOO_MUCH.length },
		mount(path) {
			execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'none', path])
			mounted.push(path)
		},
	})
	for (const dialect of dialects) {
		await t.test(dialect.name, async () => {
			const target = await dialect.prepare(door, `f-${dialect.name}`, BEFORE)
			const before = await standing(door)
			for (const sent of [target.write, ...(target.fresh ? [target.fresh] : [])]) {
				for (const chunked of [false, true]) {
					const answer = await ask(door, { ...sent, body: TOO_MUCH, chunked })
					assert.equal(answer.status, 507, `${sent.target}: ${answer.body}`)
					assert.ok(dialect.reason(answer))
				}
			}
			assert.deepEqual(await standing(door), before)
			assert.equal((await ask(door, target.read)).body.toString(), BEFORE)
			assert.ok((await ask(door, { ...(target.fresh ?? target.write), body: 'small' })).status < 300, 'what is small still fits')
		})
	}
})
