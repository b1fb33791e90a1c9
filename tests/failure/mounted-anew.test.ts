/** A node whose network mount dies and is made anew, while files on it are open: what was opened before leads nowhere, what the node has is served. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { checkTree } from '../support/check-tree.ts'
import { type Hands, takeHands } from '../support/hands.ts'
import { type Mounted, startUp } from '../support/mount.ts'
import { mountSshfs, type SshfsMount } from '../support/sshfs.ts'
import { until } from '../support/until.ts'
import { answerOf } from './placed.ts'

interface Ground {
	up: Mounted
	hands: Hands
	kill(): Promise<void>
	mountAnew(): Promise<void>
}

/** The only node is reached through sshfs, and there is a file `f` in the tree. */
async function withRemoteNode(t: TestContext): Promise<Ground> {
	let server: SshfsMount | undefined
	const mount = async (dir: string) => {
		server = await mountSshfs(join(dir, 'far'), join(dir, 'node1'))
	}
	const up = await startUp({
		nodes: 1,
		async prepare(dir) {
			mkdirSync(join(dir, 'far'))
			await mount(dir)
		},
	})
	const hands = takeHands()
	t.after(async () => {
		hands.end()
		await up.stop().finally(() => server?.stop())
		await up.remove()
	})
	await hands.do('write', join(up.mountPoint, 'f'), 'first')
	const kill = async () => {
		const before = timesSaid(up, 'is away')
		await server?.kill()
		await until('the node is away', () => timesSaid(up, 'is away') > before || undefined)
	}
	return {
		up,
		hands,
		kill,
		async mountAnew() {
			const before = timesSaid(up, 'is back')
			await kill()
			await server?.stop()
			await mount(up.dir)
			await until('the node is back', () => timesSaid(up, 'is back') > before || undefined)
		},
	}
}

const timesSaid = ({ said }: Mounted, words: string) => said().split(`node node1 ${words}`).length - 1

test('a file that could not be published when it was closed is what its node has, and the node stays in service', { timeout: 120_000 }, async (t) => {
	const { up, hands, mountAnew } = await withRemoteNode(t)
	const path = join(up.mountPoint, 'f')
	const fd = await hands.do('openDescriptor', path, 'a')
	await hands.do('writeDescriptor', fd, Buffer.from(' second'))
	// sshfs answers before its server has it.
	await until('the node has it', () => readFileSync(join(up.dir, 'far/f'), 'utf8') === 'first second' || undefined)
	await mountAnew()
	assert.equal(await answerOf(hands.do('closeDescriptor', fd)), 'EIO')
	const read = async () => ((await answerOf(hands.do('read', path))) === 'no error, but first second' ? true : undefined)
	await until('it is read', read)
	await hands.do('append', path, ' third')
	assert.equal(String(await hands.do('read', path)), 'first second third')
	assert.equal(timesSaid(up, 'is away'), 1, up.said())
	await up.stop()
	assert.equal(readFileSync(join(up.dir, 'far/f'), 'utf8'), 'first second third')
	assert.deepEqual(await checkTree(up.catalogue), [])
})

test('a file that is being written when its node goes is there all the same: it can be listed, renamed, given another mode, removed', { timeout: 120_000 }, async (t) => {
	const { up, hands, kill } = await withRemoteNode(t)
	const at = (name: string) => join(up.mountPoint, name)
	const fd = await hands.do('openDescriptor', at('f'), 'a')
	await kill()
	assert.equal((await hands.do('stat', at('f'))).size, 5)
	assert.equal(await answerOf(hands.do('read', at('f'))), 'EIO')
	assert.equal(await answerOf(hands.do('writeDescriptor', fd, Buffer.from('lost'))), 'EIO')
	await hands.do('chmod', at('f'), 0o600)
	await hands.do('rename', at('f'), at('g'))
	assert.equal((await hands.do('stat', at('g'))).mode & 0o777, 0o600)
	await hands.do('unlink', at('g'))
	assert.deepEqual(await hands.do('readdir', up.mountPoint), [])
	await answerOf(hands.do('closeDescriptor', fd))
})

test('who reads a file all the while reads on, and keeps nobody from reading or writing it', { timeout: 120_000 }, async (t) => {
	const { up, hands, mountAnew } = await withRemoteNode(t)
	const path = join(up.mountPoint, 'f')
	const readers = [await hands.do('openDescriptor', path, 'r'), await hands.do('openDescriptor', path, 'r')]
	await mountAnew()
	await hands.do('append', path, ' second')
	assert.equal(String(await hands.do('read', path)), 'first second')
	for (const fd of readers) await hands.do('closeDescriptor', fd)

	const fd = await hands.do('openDescriptor', path, 'r')
	await mountAnew()
	assert.equal(String(await hands.do('readDescriptor', fd, 100)), 'first second')
	await hands.do('closeDescriptor', fd)
})

test('a writer that was cut off and goes on keeps nobody from reading, and no other file from being published', { timeout: 120_000 }, async (t) => {
	const { up, hands, mountAnew } = await withRemoteNode(t)
	const cutOff = await hands.do('openDescriptor', join(up.mountPoint, 'f'), 'a')
	await mountAnew()
	for (let times = 0; times < 3; times++) assert.equal(String(await hands.do('read', join(up.mountPoint, 'f'))), 'first')
	const other = await up.secondMount()
	const written = await hands.do('openDescriptor', join(up.mountPoint, 'g'), 'w')
	await hands.do('writeDescriptor', written, Buffer.from('text'))
	await until('it is seen elsewhere', async () => ((await hands.do('stat', join(other.mountPoint, 'g'))).size === 4 ? true : undefined))
	await answerOf(hands.do('closeDescriptor', cutOff))
	await hands.do('closeDescriptor', written)
	const appended = async () => ((await answerOf(hands.do('append', join(up.mountPoint, 'f'), ' second'))) === 'no error, but undefined' ? true : undefined)
	await until('it is written to', appended)
	assert.equal(String(await hands.do('read', join(other.mountPoint, 'f'))), 'first second')
})
