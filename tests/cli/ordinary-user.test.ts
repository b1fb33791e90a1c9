/** Somebody who is not root mounts, through the set-user-id fusermount3. */
import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { makeWorkplace } from './workplace.ts'

const SCRIPT = fileURLToPath(new URL('./ordinary-user.sh', import.meta.url))
const CAIRN = fileURLToPath(new URL('../../cairn', import.meta.url))
const NOBODY = 65534
const DEADLINE_MS = 120_000

/** In mounts of its own: where /dev/fuse is not for everybody, as udev makes it, it is there. */
const AS_NOBODY = `
	mount -t tmpfs -o mode=755 none "$1/dev"
	mknod -m 666 "$1/dev/fuse" c 10 229
	mount --bind "$1/dev/fuse" /dev/fuse
	exec setpriv --reuid ${NOBODY} --regid ${NOBODY} --clear-groups "$0" "$1/home"
`

it('an ordinary user mounts, works and unmounts', async (t) => {
	const directory = mkdtempSync(join(tmpdir(), 'cairn-user-'))
	t.after(() => rmSync(directory, { recursive: true, force: true }))
	chmodSync(directory, 0o755)
	for (const name of ['dev', 'home']) mkdirSync(join(directory, name))
	chownSync(join(directory, 'home'), NOBODY, NOBODY)
	const words = ['--mount', '--propagation', 'private', '--fork', '--kill-child', 'sh', '-euc', AS_NOBODY, SCRIPT, directory]
	const { stdout } = await promisify(execFile)('unshare', words, { timeout: DEADLINE_MS })
	assert.deepEqual(stdout.trim().split('\n'), ['content', 'directory/g nobody 644', '600', 'content', 'unmounted'])
})

it('one whom the catalogue is closed to is told that it is', async (t) => {
	const place = makeWorkplace(t)
	await place.cairn('init')
	chmodSync(place.config, 0o644)
	for (const [mode, path] of [[0o755, place.directory], [0o700, place.makeDirectory('of-root')]] as const) {
		chmodSync(path, mode)
		writeFileSync(place.config, `export default { catalogue: '${join(path, 'catalogue.db')}' }`)
		const words = ['--reuid', `${NOBODY}`, '--regid', `${NOBODY}`, '--clear-groups', CAIRN, 'status', '--config', place.config]
		const { status, stderr } = spawnSync('setpriv', words, { encoding: 'utf8', cwd: '/' })
		assert.deepEqual([status, stderr], [5, `cairn: catalogue ${join(path, 'catalogue.db')}: permission denied: it is for its owner, and for root\n`])
	}
})
