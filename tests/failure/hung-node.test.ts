/** A node behind a network that hangs, or whose connection is gone. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { type Hands, takeHands } from '../support/hands.ts'
import { type Mounted, startUp } from '../support/mount.ts'
import { mountSshfs, type SshfsMount } from '../support/sshfs.ts'
import { until } from '../support/until.ts'
import { answerOf, assertOnlyOn, makeOn, UNREACHABLE } from './placed.ts'

/** What a user of the other nodes is promised. */
const ANSWER_DEADLINE_MS = 1000
const STUCK_CALLS = [1, 4, 8, 64]

interface Ground {
	up: Mounted
	server: SshfsMount
	hands: Hands
}

/** node1 is reached through sshfs and holds far/0..63; node2 is local and holds near. */
async function withRemoteNode(body: (ground: Ground) => Promise<void>): Promise<void> {
	let server: SshfsMount | undefined
	const prepare = async (dir: string) => {
		mkdirSync(join(dir, 'far'))
		server = await mountSshfs(join(dir, 'far'), join(dir, 'node1'))
	}
	let up = await startUp({ nodes: 2, prepare })
	const hands = takeHands()
	try {
		up = await makeOn(up, 1, async (hands, root) => {
			await hands.do('mkdir', join(root, 'far'))
			for (let number = 0; number < 64; number++) await hands.do('write', join(root, `far/${number}`), `far ${number}`)
		})
		up = await makeOn(up, 2, (hands, root) => hands.do('write', join(root, 'near'), 'near'))
		assertOnlyOn(up, 1, 'far/0')
		assertOnlyOn(up, 2, 'near')
		await body({ up, server: server as SshfsMount, hands })
	} finally {
		hands.end()
		server?.resume()
		await up.stop().finally(() => server?.stop())
		await up.remove()
	}
}

const CALLS = new URL('../support/calls.ts', import.meta.url).pathname

/** Listings and files of the other node, each within its deadline. */
async function assertOthersAnswer(up: Mounted, hands: Hands): Promise<void> {
	const answer = (name: string, ...args: unknown[]) => hands.run<unknown>(CALLS, name, args, { deadlineMs: ANSWER_DEADLINE_MS })
	assert.deepEqual(await answer('readdir', up.mountPoint), ['far', 'near'])
	assert.equal(((await answer('readdir', join(up.mountPoint, 'far'))) as string[]).length, 64)
	assert.equal(String(await answer('read', join(up.mountPoint, 'near'))), 'near')
	assert.equal(((await answer('stat', join(up.mountPoint, 'far/1'))) as { size: number }).size, 5)
	await answer('append', join(up.mountPoint, 'near'), '')
	await answer('statvfs', up.mountPoint)
}

function readInBackground(up: Mounted, count: number): ChildProcess[] {
	const paths = Array.from({ length: count }, (_, number) => join(up.mountPoint, `far/${number}`))
	return paths.map((path) => spawn('timeout', ['-s', 'KILL', '30', 'cat', path], { stdio: 'ignore' }))
}

async function allEnded(children: ChildProcess[]): Promise<void> {
	await Promise.all(children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null).map((child) => once(child, 'exit')))
}

for (const stuck of STUCK_CALLS) {
	it(`${stuck} calls stuck on a hung node do not stop the others`, async () => {
		await withRemoteNode(async ({ up, server, hands }) => {
			server.hang()
			const readers = readInBackground(up, stuck)
			for (let round = 0; round < 5; round++) await assertOthersAnswer(up, hands)
			assert.match(await answerOf(hands.do('read', join(up.mountPoint, 'far/0'))), UNREACHABLE)
			await hands.do('write', join(up.mountPoint, 'new'), 'elsewhere')
			assert.equal((await hands.do('read', join(up.mountPoint, 'new'))).toString(), 'elsewhere')
			await hands.do('unlink', join(up.mountPoint, 'new'))
			await allEnded(readers)
			server.resume()
			await until('the node serves again', async () => {
				const answer = await answerOf(hands.do('read', join(up.mountPoint, 'far/0')))
				return answer === 'no error, but far 0' ? true : undefined
			}, 30_000)
			await assertOthersAnswer(up, hands)
		})
	})
}

it('a node whose connection is gone: listed, EIO, and no second file of the name', async () => {
	await withRemoteNode(async ({ up, server, hands }) => {
		await server.kill()
		await assertOthersAnswer(up, hands)
		assert.match(await answerOf(hands.do('read', join(up.mountPoint, 'far/0'))), UNREACHABLE)
		assert.equal(await answerOf(hands.do('write', join(up.mountPoint, 'far/0'), 'x', { flags: 'wx' })), 'EEXIST')
		const status = JSON.parse((await up.cairn('status', '--json')).stdout)
		assert.equal(status.nodes[0].up, false)
		assert.equal(status.nodes[1].up, true)
	})
})
