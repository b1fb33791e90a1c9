/**
 * A daemon that is killed while a thread of it tells the kernel to forget a name, and that waits for whoever changes the directory, who waits for the
 * daemon: the kernel does not end it, and the mount answers nobody. Mounting there again takes it away.
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { withHands } from '../support/hands.ts'
import { until } from '../support/until.ts'
import { upOnFarNode } from './far-node.ts'

for (const isDetached of [false, true]) {
	const how = isDetached ? 'and was detached by umount -l keeps nobody from mounting there' : 'is taken away'
	test(`a daemon that died and cannot end ${how}`, { timeout: 120_000 }, async (t) => {
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
			const abort = connectionOf(t, second.mountPoint)
			process.kill(second.pid, 'SIGKILL')
			await until('the daemon is dead', () => stateOf(`/proc/${second.pid}/stat`) === 'Z' || undefined)
			server.resume()
			const ended = once(removing, 'exit')
			try {
				if (isDetached) assert.equal(spawnSync('umount', ['-l', second.mountPoint], { timeout: 10_000 }).status, 0)
				const { code, stderr } = await up.cairn('mount', second.mountPoint)
				assert.equal(code, 0, stderr)
				assert.deepEqual(await hands.do('readdir', join(second.mountPoint, 'd')), ['new'])
			} finally {
				if (isDetached) abort()
			}
			await ended
		})
	})
}

/** What ends everybody who waits for that mount, also when it is in no table any more. */
function connectionOf(t: TestContext, mountPoint: string): () => void {
	const line = readFileSync('/proc/self/mountinfo', 'latin1').split('\n').find((each) => each.split(' ')[4] === mountPoint)
	const minor = line?.split(' ')[2]?.split(':')[1] as string
	const control = mkdtempSync(join(tmpdir(), 'cairn-fusectl-'))
	assert.equal(spawnSync('mount', ['-t', 'fusectl', 'none', control]).status, 0)
	t.after(() => {
		spawnSync('umount', ['-l', control])
		rmdirSync(control)
	})
	return () => writeFileSync(join(control, minor, 'abort'), '1')
}

/** As ps(1) has it; nothing of a thread that has ended. */
function stateOf(path: string): string {
	try {
		const text = readFileSync(path, 'latin1')
		return text.slice(text.lastIndexOf(')') + 2)[0]
	} catch {
		return ''
	}
}
