/** A folder on a disk of Windows' that is mounted on Linux: it takes names for one that differ in case, and cannot have some. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { placeAgent } from './agent.ts'
import { startFakeServer } from './fake-server.ts'

const IMAGE_BYTES = 16 * 1024 * 1024
const NAMES = ['IMG.JPG', 'img.jpg', 'Img.jpg', 'D/f', 'd/f', 'd/g', 'what: "this"?', 'dot.', 'con', 'é', 'ж'.repeat(100), 'x'.repeat(255)]

/** Mounted, and as often as it is asked for mounted anew: nothing of it is in memory then. */
function exfat(t: TestContext): { path: string; mountAnew(): void } {
	const base = mkdtempSync(join(tmpdir(), 'cairn-exfat-'))
	const [image, path] = [join(base, 'image'), join(base, 'disk')]
	mkdirSync(path)
	writeFileSync(image, '')
	truncateSync(image, IMAGE_BYTES)
	execFileSync('mkfs.exfat', [image], { stdio: 'ignore' })
	const loop = execFileSync('losetup', ['--find', '--show', image], { encoding: 'utf8' }).trim()
	const mount = () => execFileSync('mount.exfat-fuse', [loop, path], { stdio: 'ignore', timeout: 20_000 })
	mount()
	t.after(() => {
		execFileSync('umount', ['--lazy', path])
		execFileSync('losetup', ['--detach', loop])
		rmSync(base, { recursive: true })
	})
	return {
		path,
		mountAnew() {
			execFileSync('umount', [path])
			mount()
		},
	}
}

test('every file is there, stays right, is fetched once, and comes back under its name', async (t) => {
	const disk = exfat(t)
	const server = await startFakeServer()
	t.after(() => server.stop())
	const agent = await placeAgent(server.url, { folder: disk.path })
	t.after(() => agent.remove())
	for (const name of NAMES) server.offer(name, `content of ${name}`)
	assert.deepEqual(await agent.run('-a', 'replicate'), { code: 0, out: '', err: '' })
	disk.mountAnew()
	assert.deepEqual(await agent.run('-a', 'verify'), { code: 0, out: '', err: '' })
	assert.deepEqual(agent.paths().filter((path) => path.includes('.old')), [])

	const changed = server.offer('img.jpg', 'changed', { id: 2, version: 2 })
	disk.mountAnew()
	assert.deepEqual(await agent.run('-a', 'replicate'), { code: 0, out: '', err: '' })
	disk.mountAnew()
	assert.deepEqual(await agent.run('-a', 'verify'), { code: 0, out: '', err: '' })
	assert.equal(agent.paths().filter((path) => path.includes('.old')).length, 1)

	const to = join(agent.base, 'to')
	assert.deepEqual(await agent.run('-a', 'restore', '--to', to), { code: 0, out: '', err: '' })
	for (const name of NAMES) assert.equal(readFileSync(join(to, name), 'utf8'), name === 'img.jpg' ? changed.content.toString() : `content of ${name}`)
})
