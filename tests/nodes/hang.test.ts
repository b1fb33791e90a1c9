/** A node whose server stops answering: sshfs with its sftp-server stopped. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Config } from '../../core/config/types.ts'
import { codeOf } from '../../core/errors.ts'
import { isRemote } from '../../core/nodes/detect.ts'
import { writeIdentity } from '../../core/nodes/identity.ts'
import type { Node, NodeRow } from '../../core/nodes/node.ts'
import { closeNode, openNode } from '../../core/nodes/open-node.ts'
import { openPaths } from '../support/descriptors.ts'
import { mountSshfs, type SshfsMount } from '../support/sshfs.ts'
import { until } from '../support/until.ts'

const DEADLINE_MS = 1500
const CALLS_MAX = 4
const FILE = Buffer.from('file')
const O_RDWR = 2

let scratch: string
let mount: SshfsMount
let far: Watched
let near: Watched

interface Watched {
	node: Node
	/** Resolves when the node is, or next goes, in or out of service. */
	becomes(up: boolean): Promise<void>
}

function open(name: string, path: string): Watched {
	const waiting: { up: boolean; resolve: () => void }[] = []
	const config = { nodes: {}, nodeDeadlineMs: DEADLINE_MS, nodeCallsMax: CALLS_MAX } as unknown as Config
	const node = openNode(row(name, path), config, ({ health }) => {
		for (const waiter of waiting) if (waiter.up === health.up) waiter.resolve()
	})
	const becomes = (up: boolean) =>
		new Promise<void>((resolve) => {
			if (node.health.up === up) resolve()
			else waiting.push({ up, resolve })
		})
	return { node, becomes }
}

function row(name: string, path: string): NodeRow {
	const figures = { capacity: 0, free: 0, reserve: 0, weight: 1, seen_at: 0, since: 0 }
	return { id: 1, name, path, zone: '', state: 'rw', uuid: name, io: 'auto', ...figures }
}

/** Of the file alone: threads that begin, and probes, have descriptors of their own. */
function isFileOpen(): boolean {
	return openPaths().includes(join(scratch, 'mnt/file'))
}

/** The probe's timer does not hold the process: something must, while nothing but a node's return is waited for. */
const alive = setInterval(() => undefined, 1000)

before(async () => {
	scratch = mkdtempSync(join(tmpdir(), 'cairn-hang-'))
	for (const name of ['far', 'near']) {
		mkdirSync(join(scratch, name))
		writeFileSync(join(scratch, name, 'file'), name)
		writeIdentity(join(scratch, name), { uuid: name, name })
	}
	mount = await mountSshfs(join(scratch, 'far'), join(scratch, 'mnt'))
	far = open('far', join(scratch, 'mnt'))
	near = open('near', join(scratch, 'near'))
	await far.node.ready
})

after(async () => {
	clearInterval(alive)
	closeNode(far.node)
	closeNode(near.node)
	await mount.stop()
	rmSync(scratch, { recursive: true })
})

test('sshfs is detected as remote, the disk as local', () => {
	assert.equal(isRemote(join(scratch, 'mnt')), true)
	assert.equal(isRemote(join(scratch, 'near')), false)
	assert.equal(far.node.remote, true)
	assert.equal(far.node.passthrough, false)
	assert.equal(near.node.passthrough, true)
})

for (const calls of [1, 4, 8, 64]) {
	test(`${calls} calls on a hung node time out, another node is not concerned, and it heals`, async (t) => {
		t.after(() => mount.resume())
		await far.becomes(true)
		mount.hang()
		const outstanding = Array.from({ length: calls }, () => Promise.resolve(far.node.operations.open(FILE, O_RDWR)))
		const listed = near.node.operations.list(Buffer.alloc(0))
		assert.ok(Array.isArray(listed), 'a local node answers on the calling thread')
		const settled = await Promise.allSettled(outstanding)
		assert.deepEqual(
			settled.map((result) => (result.status === 'rejected' ? codeOf(result.reason) : 'answered')),
			Array.from({ length: calls }, () => 'ETIMEDOUT'),
		)
		assert.equal(far.node.health.up, false)
		assert.match(far.node.health.reason, /did not answer within 1500 ms/)
		const { stuck } = far.node.health
		assert.ok([0, 1].includes(stuck - Math.min(calls, CALLS_MAX)), `${stuck} are stuck, where a probe may be one more`)
		await assert.rejects(async () => far.node.operations.stat(FILE), { code: 'ENOTCONN' })
		assert.equal(near.node.health.up, true)

		mount.resume()
		await far.becomes(true)
		await until('what was stuck to return, and what it opened to be closed', () => (far.node.health.stuck === 0 && !isFileOpen()) || undefined)
	})
}
