/** `cairn mount` in the background, as users, fstab and service managers use it. */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { mountAt } from '../../cli/mountinfo.ts'
import { lockHolder, mountLockPath, takeLock } from '../../cli/run-lock.ts'
import { answerOf } from '../failure/placed.ts'
import { withHands } from '../support/hands.ts'
import { cairn, detach, isMounted } from '../support/mount.ts'
import { makeTree, makeWorkplace } from './workplace.ts'

const HELPER = fileURLToPath(new URL('../../deploy/mount.cairn', import.meta.url))
const CAIRN = fileURLToPath(new URL('../../cairn', import.meta.url))
const exec = promisify(execFile)

function mountOptions(path: string): string {
	const line = readFileSync('/proc/self/mountinfo', 'utf8').split('\n').find((entry) => entry.split(' ')[4] === path)
	return line?.split(' ')[5] ?? ''
}

test('mount comes back when the tree is there, umount when the daemon has ended', async (t) => {
	const place = makeWorkplace(t)
	const mountPoint = await makeTree(place)
	t.after(() => detach(mountPoint))
	const mounted = await place.cairn('mount', mountPoint, '-o', 'ro,noexec,noatime,exec,nosymfollow,_netdev')
	assert.equal(mounted.code, 0, mounted.stderr)
	assert.match(mountOptions(mountPoint), /^ro,.*noatime,nosymfollow/)
	assert.doesNotMatch(mountOptions(mountPoint), /noexec/)
	const pid = Number(lockHolder(mountLockPath(mountPoint, process.env)))
	process.kill(pid, 'SIGHUP')
	const gone = await place.cairn('umount', mountPoint)
	assert.equal(gone.code, 0, gone.stderr)
	assert.equal(isMounted(mountPoint), false)
	// The lock is let go of when everything is on the disks; the process ends right after it.
	assert.equal((await place.cairn('mount', mountPoint)).code, 0)
	assert.equal((await place.cairn('umount', mountPoint)).code, 0)
})

test('umount takes the mount point of the configuration where none is named', async (t) => {
	const place = makeWorkplace(t, "{ mount: { path: 'tree' } }")
	const mountPoint = await makeTree(place)
	t.after(() => detach(mountPoint))
	const none = await place.cairn('umount')
	assert.deepEqual([none.code, none.stderr.trim()], [14, `cairn: nothing is mounted at ${place.directory}/tree`])
})

test('a daemon that was killed leaves a dead mount: the next mount clears it', async (t) => {
	const place = makeWorkplace(t)
	const mountPoint = await makeTree(place)
	t.after(() => detach(mountPoint))
	await place.cairn('mount', mountPoint)
	process.kill(Number(lockHolder(mountLockPath(mountPoint, process.env))), 'SIGKILL')
	const again = await place.cairn('mount', mountPoint)
	assert.equal(again.code, 0, again.stderr)
	assert.equal((await place.cairn('umount', mountPoint)).code, 0)
	assert.equal(isMounted(mountPoint), false)
})

test('mount waits for a daemon that umount(8) did not wait for', async (t) => {
	const place = makeWorkplace(t)
	const mountPoint = await makeTree(place)
	t.after(() => detach(mountPoint))
	// As one has it that is not mounted any more and still has files to publish.
	const lock = takeLock(mountLockPath(mountPoint, process.env))
	assert.ok(lock)
	const mounting = place.cairn('mount', mountPoint)
	for (let i = 0; i < 3; i++) assert.equal(await Promise.race([mounting, place.cairn('status')]).then(({ stdout }) => stdout.includes('NODE')), true)
	assert.equal(isMounted(mountPoint), false)
	lock.release()
	assert.equal((await mounting).code, 0)
	assert.equal(isMounted(mountPoint), true)
	assert.equal((await place.cairn('umount', mountPoint)).code, 0)
})

test('umount says who has the mount in a namespace of his own, and the next mount why it waits in vain', async (t) => {
	const place = makeWorkplace(t)
	const mountPoint = await makeTree(place)
	t.after(() => detach(mountPoint))
	await place.cairn('mount', mountPoint)
	const daemon = Number(lockHolder(mountLockPath(mountPoint, process.env)))
	const container = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', 'echo in && exec sleep 1000'], { stdio: ['ignore', 'pipe', 'inherit'] })
	t.after(() => container.kill('SIGKILL'))
	await once(container.stdout, 'data')
	const gone = await place.cairn('umount', mountPoint)
	assert.equal(gone.code, 15)
	assert.match(gone.stderr, new RegExp(`process \\d+ \\([a-z]+\\) has it mounted in its own namespace, as containers have: the daemon \\(process ${daemon}\\) ends with that`))
	assert.equal(isMounted(mountPoint), false)
	const again = await place.cairn('mount', mountPoint)
	assert.equal(again.code, 12)
	assert.match(again.stderr, new RegExp(`by process ${daemon}; where it was unmounted and a container has it still`))
	process.kill(daemon, 'SIGTERM')
	assert.equal((await place.cairn('mount', mountPoint)).code, 0)
	assert.equal((await place.cairn('umount', mountPoint)).code, 0)
})

test('-o nonempty mounts over what is in the directory', async (t) => {
	const place = makeWorkplace(t)
	const mountPoint = await makeTree(place)
	t.after(() => detach(mountPoint))
	writeFileSync(join(mountPoint, 'beneath'), '')
	assert.equal((await place.cairn('mount', mountPoint)).code, 11)
	const mounted = await place.cairn('mount', mountPoint, '-o', 'nonempty')
	assert.equal(mounted.code, 0, mounted.stderr)
	assert.equal((await place.cairn('umount', mountPoint)).code, 0)
	assert.deepEqual(readdirSync(mountPoint), ['beneath'])
})

test('a path below the mount point is a path in the tree, wherever that is', async (t) => {
	const place = makeWorkplace(t)
	const mountPoint = await makeTree(place)
	t.after(() => detach(mountPoint))
	await place.cairn('mount', mountPoint)
	const at = (path: string) => place.cairn('why', path)
	assert.match((await at(mountPoint)).stdout, /^\/\nfile 1, a directory/)
	assert.match((await at(`${mountPoint}/none`)).stderr, /\/none: there is no such file in the tree/)
	await exec('mkdir', [`${mountPoint}/d`], { timeout: 10_000 })
	for (const path of [`${mountPoint}/d`, '/d', 'd/']) assert.match((await at(path)).stdout, /^\/d\nfile \d+, a directory/)
	assert.match((await at(`${mountPoint}d`)).stderr, /there is no such file in the tree/)
	assert.equal((await place.cairn('umount', mountPoint)).code, 0)
})

test('mount.cairn takes what mount(8) gives it', async (t) => {
	const place = makeWorkplace(t)
	const mountPoint = await makeTree(place)
	t.after(() => detach(mountPoint))
	await exec(HELPER, [place.config, mountPoint, '-n', '-f'])
	assert.equal(isMounted(mountPoint), false)
	await exec(HELPER, [place.config, mountPoint, '-s', '-n', '-v', '-o', 'rw,auto,x-systemd.automount'])
	assert.equal(isMounted(mountPoint), true)
	// By both mount(8) knows an entry of fstab that is mounted, which `mount -a` leaves alone.
	assert.equal(mountAt(mountPoint)?.source, place.config)
	assert.equal((await place.cairn('umount', mountPoint)).code, 0)
	await exec(HELPER, [place.config, mountPoint, '-o', 'fsname=files'])
	assert.equal(mountAt(mountPoint)?.source, 'files')
	assert.equal((await place.cairn('umount', mountPoint)).code, 0)
	await assert.rejects(exec(HELPER, [place.config]), { code: 2 })
	await assert.rejects(exec(HELPER, [place.config, mountPoint, '-o', 'config=/elsewhere.ts']), { code: 2, stderr: /two configurations are named/ })
	await assert.rejects(exec(HELPER, [place.config, join(place.directory, 'none')]), { code: 10 })
})

test('mount.cairn makes a mount read-only and takes that back, without ending it', async (t) => {
	const place = makeWorkplace(t)
	const mountPoint = await makeTree(place)
	t.after(() => detach(mountPoint))
	await exec(HELPER, [place.config, mountPoint, '-o', 'rw,allow_other'])
	await exec('sh', ['-c', 'echo before > "$1/file"', 'sh', mountPoint])
	// As mount(8) calls it: what fstab and its own table say of the mount comes too.
	await exec(HELPER, [place.config, mountPoint, '-o', 'ro,remount,allow_other,_netdev,noatime'])
	assert.match(mountOptions(mountPoint), /^ro,nosuid,nodev,noatime/)
	await assert.rejects(exec('touch', [join(mountPoint, 'file')]), /Read-only file system/)
	await exec(HELPER, [place.config, mountPoint, '-o', 'remount,rw'])
	await exec('touch', [join(mountPoint, 'file')])
	assert.equal((await exec('cat', [join(mountPoint, 'file')])).stdout, 'before\n')
	assert.equal((await place.cairn('umount', mountPoint)).code, 0)
})

test('who reads what `up` prints and has had enough ends it, in order', async (t) => {
	const place = makeWorkplace(t)
	const directory = join(place.directory, 'data')
	t.after(() => detach(join(directory, 'combined')))
	const up = spawn(CAIRN, ['up', directory, '--no-api', '--no-replicator'], { stdio: ['ignore', 'pipe', 'inherit'] })
	t.after(() => up.kill('SIGKILL'))
	up.stdout.destroy()
	const [code] = await once(up, 'exit')
	assert.equal(code, 0)
	assert.equal(isMounted(join(directory, 'combined')), false)
})

test('up says what it does not take over into a directory that is there', async (t) => {
	const directory = join(makeWorkplace(t).directory, 'data')
	t.after(() => detach(join(directory, 'combined')))
	const up = async (...words: string[]) => {
		const child = spawn(CAIRN, ['up', directory, '--no-api', '--no-replicator', ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
		t.after(() => child.kill('SIGKILL'))
		// It ends as soon as it says that it is ready.
		child.stdout.destroy()
		return await text(child.stderr)
	}
	assert.equal(await up('--copies', '2'), '')
	assert.equal(await up('--copies', '2'), '')
	assert.match(await up('--copies', '3'), /--copies is for a new directory: .*data\/config\.ts says how it is here/)
	assert.match(await up('--catalogue', 'mysql://u@127.0.0.1:1/none'), /--catalogue is for a new directory/)
})

test('a node that is removed gets no file from a mount that has not heard of it yet', async (t) => {
	const place = makeWorkplace(t, '{ mount: { pollMs: 2_000 } }')
	const mountPoint = await makeTree(place)
	await place.cairn('node', 'add', 'n2', place.makeDirectory('n2'))
	await place.cairn('node', 'set', 'n1', '--state', 'nc')
	t.after(() => detach(mountPoint))
	assert.equal((await place.cairn('mount', mountPoint)).code, 0)
	assert.equal((await place.cairn('node', 'remove', 'n2')).code, 0)
	await withHands(async (hands) => {
		assert.equal(await answerOf(hands.do('write', join(mountPoint, 'new'), 'text')), 'EIO')
		assert.deepEqual(await hands.do('readdir', mountPoint), [])
	})
	assert.equal((await place.cairn('umount', mountPoint)).code, 0)
})

test('up goes on without a node that was removed, and adds as many as it is asked for', async (t) => {
	const place = makeWorkplace(t)
	const directory = join(place.directory, 'data')
	t.after(() => detach(join(directory, 'combined')))
	const up = async (...words: string[]) => {
		const child = spawn(CAIRN, ['up', directory, '--no-api', '--no-replicator', ...words], { stdio: ['ignore', 'pipe', 'inherit'] })
		t.after(() => child.kill('SIGKILL'))
		child.stdout.destroy()
		assert.deepEqual(await once(child, 'exit'), [0, null])
	}
	const cairnThere = async (...words: string[]) => (await cairn([...words, '--config', join(directory, 'config.ts')])).stdout
	const names = async () => JSON.parse(await cairnThere('node', 'list', '--json')).map(({ name }: { name: string }) => name)
	await up()
	await cairnThere('node', 'remove', 'node2')
	await up()
	assert.deepEqual(await names(), ['node1', 'node3'])
	await up('--nodes', '3')
	assert.deepEqual(await names(), ['node1', 'node3', 'node4'])
})

test('up on a directory whose catalogue was lost makes no empty one, and says how it is made anew', async (t) => {
	const place = makeWorkplace(t)
	const directory = join(place.directory, 'data')
	const config = join(directory, 'config.ts')
	t.after(() => detach(join(directory, 'combined')))
	const first = spawn(CAIRN, ['up', directory, '--nodes', '1', '--no-api', '--no-replicator'], { stdio: ['ignore', 'pipe', 'inherit'] })
	t.after(() => first.kill('SIGKILL'))
	first.stdout.destroy()
	await once(first, 'exit')
	for (const name of readdirSync(directory)) if (name.startsWith('catalogue.db')) rmSync(join(directory, name))
	const { code, stderr } = await cairn(['up', directory])
	assert.equal(code, 5, stderr)
	assert.match(stderr, /catalogue\.db: no such file \(cairn init makes a new one; one that was lost: cairn load, cairn reindex\)/)
	writeFileSync(join(directory, 'catalogue.db'), '')
	assert.match((await cairn(['up', directory])).stderr, /the catalogue is empty: .*where it was lost, `cairn reindex`/)
	assert.equal((await cairn(['reindex', '--node', `node1=${join(directory, 'node1')}`, '--config', config])).code, 0)
	assert.match((await cairn(['node', 'list', '--config', config])).stdout, /^node1 /m)
})

test('neither a node in the tree nor the tree in a node', async (t) => {
	const place = makeWorkplace(t)
	const mountPoint = await makeTree(place)
	t.after(() => detach(mountPoint))
	const within = await place.cairn('mount', place.makeDirectory('n1/mp'))
	assert.equal(within.code, 13, within.stderr)
	assert.match(within.stderr, /it lies in the node n1/)
	const up = await cairn(['up', join(place.directory, 'n1/sub/data')])
	assert.equal(up.code, 8, up.stderr)
	assert.match(up.stderr, /lies in a node of a Cairn, .*n1: name a directory outside/)
	assert.equal(existsSync(join(place.directory, 'n1/sub')), false)
	await place.cairn('mount', mountPoint)
	const inTree = await cairn(['up', join(mountPoint, 'data')])
	assert.equal(inTree.code, 8, inTree.stderr)
	assert.match(inTree.stderr, /lies in the tree that is mounted at .*mp: name a directory outside/)
	await exec('mkdir', [join(mountPoint, 'n2')], { timeout: 10_000 })
	const added = await place.cairn('node', 'add', 'n2', join(mountPoint, 'n2'))
	assert.equal(added.code, 8, added.stderr)
	assert.match(added.stderr, /is in the tree itself/)
	await exec('cp', ['-r', join(place.directory, 'n1/.cairn'), join(mountPoint, 'n2')], { timeout: 10_000 })
	const set = await place.cairn('node', 'set', 'n1', '--path', join(mountPoint, 'n2'))
	assert.equal(set.code, 8, set.stderr)
	assert.match(set.stderr, /is in the tree itself/)
	assert.equal((await place.cairn('umount', mountPoint)).code, 0)
})

test('what `up` says to try can be typed, whatever its directory is called', async (t) => {
	const place = makeWorkplace(t)
	const name = "-my 'data'"
	const mountPoint = join(place.directory, name, 'combined')
	t.after(() => detach(mountPoint))
	const up = spawn(CAIRN, ['up', `./${name}`, '--no-api', '--no-replicator'], { cwd: place.directory, stdio: ['ignore', 'pipe', 'inherit'] })
	t.after(() => up.kill('SIGKILL'))
	let said = ''
	for await (const text of up.stdout) {
		said += text
		if (said.includes('ready: ')) break
	}
	const type = (line: string) => exec('sh', ['-c', line], { cwd: place.directory, timeout: 20_000 })
	await type(String(/cp -r something .*/.exec(said)?.[0]).replace('something', place.config))
	assert.equal((await exec('cat', [join(mountPoint, 'config.ts')], { timeout: 10_000 })).stdout, readFileSync(place.config, 'utf8'))
	assert.match((await type(String(/.* status --config .*/.exec(said)?.[0]))).stdout, /1 file in /)
	up.kill('SIGTERM')
	assert.deepEqual(await once(up, 'exit'), [0, null])
})
