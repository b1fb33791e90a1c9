/** Who holds a lock, and whether he is dead: his number says that only where he is counted. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { EXIT } from '../../cli/exit-codes.ts'
import { isHolderDead, lockHolder, takeLock } from '../../cli/run-lock.ts'
import { UserError } from '../../core/errors.ts'

/** The number of a process that has ended and whose parent does not ask for it. */
async function zombie(t: TestContext): Promise<number> {
	const parent = spawn('sh', ['-c', 'sleep 0 & exec sleep 60'], { stdio: 'ignore' })
	t.after(() => parent.kill('SIGKILL'))
	await once(parent, 'spawn')
	const path = `/proc/${parent.pid}/task/${parent.pid}/children`
	for (;;) {
		const child = Number(readFileSync(path, 'latin1').trim().split(' ')[0])
		if (child > 0 && / Z /.test(readFileSync(`/proc/${child}/stat`, 'latin1'))) return child
		await new Promise((resolve) => setTimeout(resolve, 5))
	}
}

test('a holder is dead when his process is, and not for one of that number in another container', async (t) => {
	const dir = mkdtempSync(join(tmpdir(), 'cairn-lock-'))
	t.after(() => rmSync(dir, { recursive: true, force: true }))
	const path = join(dir, 'lock')
	const lock = takeLock(path)
	assert.equal(lockHolder(path), `${process.pid}`)
	assert.equal(isHolderDead(path), false)
	const said = readFileSync(path, 'latin1')
	lock?.release()
	const other = said.replace(`${process.pid}`, `${await zombie(t)}`)
	writeFileSync(path, other)
	assert.equal(isHolderDead(path), true)
	writeFileSync(path, other.replace(/\d+\]/, '1]'))
	assert.equal(isHolderDead(path), false)
})

test('a lock that cannot be taken is named, and a symlink in its place empties no file', (t) => {
	const dir = mkdtempSync(join(tmpdir(), 'cairn-lock-'))
	t.after(() => rmSync(dir, { recursive: true, force: true }))
	const path = join(dir, 'lock')
	writeFileSync(join(dir, 'of another'), 'kept')
	symlinkSync('of another', path)
	assert.throws(() => takeLock(path), new UserError(`the lock ${path} cannot be written (ELOOP)`, EXIT.refused))
	assert.equal(readFileSync(join(dir, 'of another'), 'utf8'), 'kept')
	assert.throws(() => takeLock(join(dir, 'none/lock')), /the lock \S+none\/lock cannot be written \(ENOENT\)/)
})
