/** Paths as they are typed where the shell stands: in the mount, below it, beside it, in another one, in one that hangs. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { EXIT } from '../../cli/exit-codes.ts'
import { mountAbove } from '../../cli/mountinfo.ts'
import { mounts } from '../../core/nodes/detect.ts'
import { type Mounted, type Said, startUp } from '../support/mount.ts'

const CAIRN = fileURLToPath(new URL('../../cairn', import.meta.url))
const DEADLINE_S = '30'

let up: Mounted
before(async () => {
	up = await startUp({ nodes: 1 })
	await shell(up.dir, `mkdir -p ${up.mountPoint}/pictures/2026 && cd ${up.mountPoint}/pictures && echo 12345 >2026/one.jpg && echo 1 >top.jpg && ln -s pictures ${up.mountPoint}/alias && ln -s ${up.mountPoint}/pictures ${up.dir}/outside`)
})
after(() => up.remove())

/** The test itself never touches the mount. */
function shell(directory: string, script: string): Promise<Said> {
	return new Promise((resolve) => {
		execFile('timeout', ['-s', 'KILL', DEADLINE_S, 'sh', '-c', `cd "$1" && ${script}`, 'sh', directory], (error, stdout, stderr) => {
			resolve({ code: error ? Number(error.code) : 0, stdout, stderr })
		})
	})
}

const cairn = (directory: string, words: string) => shell(directory, `${CAIRN} ${words} --config ${up.config}`)

async function pathSaid(directory: string, typed: string): Promise<string> {
	const { code, stdout, stderr } = await cairn(directory, `why ${typed} --json`)
	assert.equal(code, 0, stderr)
	return JSON.parse(stdout).paths[0].path
}

async function refused(directory: string, words: string, code: number, line: RegExp): Promise<void> {
	const said = await cairn(directory, words)
	assert.equal(said.code, code, said.stderr)
	assert.match(said.stderr, line)
}

test('in the mount a path begins where the shell stands', async () => {
	const below = join(up.mountPoint, 'pictures/2026')
	assert.equal(await pathSaid(below, 'one.jpg'), 'pictures/2026/one.jpg')
	assert.equal(await pathSaid(below, './one.jpg'), 'pictures/2026/one.jpg')
	assert.equal(await pathSaid(below, '../top.jpg'), 'pictures/top.jpg')
	assert.equal(await pathSaid(below, '/pictures/top.jpg'), 'pictures/top.jpg')
	assert.equal(await pathSaid(below, `${up.mountPoint}/pictures/top.jpg`), 'pictures/top.jpg')
	assert.equal(await pathSaid(up.mountPoint, 'pictures/top.jpg'), 'pictures/top.jpg')
	await refused(below, 'why pictures/top.jpg', EXIT.refused, /pictures\/top\.jpg: there is no such file in the tree/)
	await refused(below, 'why ../../../elsewhere', EXIT.usage, /\.\.\/\.\.\/\.\.\/elsewhere: leads out of the tree, which is mounted at \//)
})

test('however the shell came there', async () => {
	assert.equal(await pathSaid(join(up.dir, 'outside'), 'top.jpg'), 'pictures/top.jpg')
	assert.equal(await pathSaid(join(up.mountPoint, 'alias'), '2026/one.jpg'), 'pictures/2026/one.jpg')
})

test('for every verb', async () => {
	const pictures = join(up.mountPoint, 'pictures')
	const lines = async (words: string, directory = pictures) => {
		const { code, stdout, stderr } = await cairn(directory, words)
		assert.equal(code, 0, stderr)
		return stdout
	}
	const named = (stdout: string) => JSON.parse(stdout).map((each: { path: string }) => each.path)
	assert.equal(named(await lines('du --json')).at(-1), 'pictures')
	assert.equal(named(await lines('du 2026 --json')).at(-1), 'pictures/2026')
	assert.equal(named(await lines('du --json', up.dir)).at(-1), '')
	assert.deepEqual(named(await lines('find --json', join(pictures, '2026'))), ['pictures/2026/one.jpg'])
	assert.deepEqual(named(await lines("find .. --name 'top*' --json", join(pictures, '2026'))), ['pictures/top.jpg'])
	assert.match(await lines('walk -p 2026 --dry-run'), /^walk node1: 1 known/)
	assert.match(await lines('verify -p .'), /^verify node1: 2 good/)
	assert.match(await lines('trash list 2026'), /nothing of that is in the trash/)
	await refused(pictures, 'trash restore 2026/gone', EXIT.refused, /2026\/gone: nothing of that name/)
	await refused(pictures, 'trash restore ../../x', EXIT.usage, /leads out of the tree/)
})

test('beside the mount it begins at the root of the tree', async () => {
	assert.equal(await pathSaid(up.dir, 'pictures/top.jpg'), 'pictures/top.jpg')
	await refused(up.dir, 'why ../pictures', EXIT.usage, /a path in the tree has no '\.\.'/)
})

test('in a mount of the same tree elsewhere it is the same; in that of another nothing is guessed', async (t) => {
	const second = await up.secondMount()
	t.after(() => second.stop())
	assert.equal(await pathSaid(join(second.mountPoint, 'pictures'), 'top.jpg'), 'pictures/top.jpg')
	const other = await startUp({ nodes: 1 })
	t.after(() => other.remove())
	await refused(other.mountPoint, 'why pictures/top.jpg', EXIT.usage, /^cairn: here is another tree, mounted at .*, or one that does not answer: name the path from the root/)
	assert.equal(await pathSaid(other.mountPoint, '/pictures/top.jpg'), 'pictures/top.jpg')
})

test('a mount that hangs is not touched', async (t) => {
	t.after(() => process.kill(up.pid, 'SIGCONT'))
	const { code, stdout, stderr } = await shell(join(up.mountPoint, 'pictures'), `kill -STOP ${up.pid} && ${CAIRN} why top.jpg --config ${up.config}`)
	assert.equal(code, 0, stderr)
	assert.match(stdout, /^\/pictures\/top\.jpg\n/)
})

test('a directory that was removed', async () => {
	const { code, stderr } = await shell(up.dir, `mkdir gone && cd gone && rmdir ../gone && ${CAIRN} why x --config ${up.config}`)
	assert.equal(code, EXIT.refused)
	assert.match(stderr, /^cairn: the directory you are in is not there any more: cd elsewhere first$/m)
})

test('the mount that a path belongs to is the latest of the deepest', () => {
	const line = (point: string, type: string) => `1 2 0:3 / ${point} rw - ${type} source rw\n`
	const table = mounts([line('/', 'ext4'), line('/mnt/all', 'ext4'), line('/mnt/all', 'fuse.cairn'), line('/mnt', 'tmpfs'), line('/mnt/all/in', 'nfs')].join(''))
	assert.equal(mountAbove('/mnt/all/a', table)?.type, 'fuse.cairn')
	assert.equal(mountAbove('/mnt/all', table)?.type, 'fuse.cairn')
	assert.equal(mountAbove('/mnt/alle', table)?.type, 'tmpfs')
	assert.equal(mountAbove('/mnt/all/in/x', table)?.type, 'nfs')
	assert.equal(mountAbove('/x', table)?.type, 'ext4')
})
