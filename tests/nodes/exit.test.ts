/** A process with a lane stuck on a hung node still ends, with the code it wanted. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { mountSshfs } from '../support/sshfs.ts'

const POLL_MS = 20
const MODULES = new URL('../../core/nodes/', import.meta.url).href
const program = (root: string) => `
	import { openLaneOperations } from '${MODULES}lanes.ts'
	import { newHealth } from '${MODULES}health.ts'
	const health = newHealth()
	const node = openLaneOperations(${JSON.stringify(root)}, { deadlineMs: 1500, callsMax: 1, health })
	await node.stat(Buffer.alloc(0))
	process.send('ready')
	process.once('message', async () => {
		const error = await node.stat(Buffer.from('f')).catch((error) => error)
		node.end()
		process.exit(error.code === 'ETIMEDOUT' && health.stuck === 1 ? 3 : 1)
	})
`

/**
 * The kernel lets go of a thread only when a FUSE server answers what it has already read, whatever kills the process; the rest of
 * it is gone by then (a zombie, of which nobody is told).
 */
async function finished(pid: number): Promise<void> {
	while (!/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'))) await delay(POLL_MS)
}

test('process.exit does not wait for a stuck lane', { timeout: 30_000 }, async (t) => {
	const scratch = mkdtempSync(join(tmpdir(), 'cairn-exit-'))
	mkdirSync(join(scratch, 'source'))
	const mount = await mountSshfs(join(scratch, 'source'), join(scratch, 'mnt'))
	t.after(async () => {
		mount.resume()
		await mount.stop()
		rmSync(scratch, { recursive: true })
	})
	const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program(join(scratch, 'mnt'))], {
		stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
	})
	t.after(() => child.kill('SIGKILL'))
	const [ready] = await Promise.race([once(child, 'message'), once(child, 'exit')])
	assert.equal(ready, 'ready')
	mount.hang()
	const exited = once(child, 'exit')
	child.send('go')
	await finished(child.pid ?? 0)
	mount.resume()
	assert.deepEqual(await exited, [3, null])
})
