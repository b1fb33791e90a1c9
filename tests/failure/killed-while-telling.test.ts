/**
 * A daemon that is killed while a thread of it tells the kernel to forget a name, and that waits for whoever changes the directory, who waits for the
 * daemon: the kernel does not end it, and the mount answers nobody. Mounting there again takes it away.
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { withHands } from '../support/hands.ts'
import { until } from '../support/until.ts'
import { upOnFarNode } from './far-node.ts'

test('a daemon that died and cannot end is taken away', { timeout: 120_000 }, async (t) => {
	const { up, server } = await upOnFarNode(t, ({ dir }) => void spawnSync('umount', ['-f', '-l', join(dir, 'second')], { timeout: 10_000 }))
	const second = await up.secondMount()
	await withHands(async (hands) => {
		await hands.do('mkdir', join(up.mountPoint, 'd'))
		await hands.do('write', join(up.mountPoint, 'd/x'), 'text')
		await hands.do('readdir', join(second.mountPoint, 'd'))
		server.hang()
		const removing = spawn('rm', [join(second.mountPoint, 'd/x')], { stdio: 'ignore' })
		t.after(() => void removing.kill('SIGKILL'))
		const names = async () => (await hands.do('readdir', join(up.mountPoint, 'd'))) as string[]
		await until('it waits for the node', async () => (await names()).length === 0 || undefined)
		await hands.do('mkdir', join(up.mountPoint, 'd/new'))
		const threads = () => readdirSync(`/proc/${second.pid}/task`).map((thread) => stateOf(`/proc/${second.pid}/task/${thread}/stat`))
		await until('a thread waits for it', () => threads().includes('D') || undefined)
		process.kill(second.pid, 'SIGKILL')
		await until('the daemon is dead', () => stateOf(`/proc/${second.pid}/stat`) === 'Z' || undefined)
		server.resume()
		const ended = once(removing, 'exit')
		const { code, stderr } = await up.cairn('mount', second.mountPoint)
		assert.equal(code, 0, stderr)
		assert.deepEqual(await hands.do('readdir', join(second.mountPoint, 'd')), ['new'])
		await ended
	})
})

/** As ps(1) has it; nothing of a thread that has ended. */
function stateOf(path: string): string {
	try {
		const text = readFileSync(path, 'latin1')
		return text.slice(text.lastIndexOf(')') + 2)[0]
	} catch {
		return ''
	}
}
