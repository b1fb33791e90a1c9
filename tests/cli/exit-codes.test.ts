/** Every number of the table, from the command line itself; each with one line and nothing changed. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { test } from 'node:test'
import { EXIT, exitCodeTable } from '../../cli/exit-codes.ts'
import { startMariadb } from '../support/mariadb.ts'
import { cairn, isMounted, type Said, startUp } from '../support/mount.ts'
import { makeWorkplace } from './workplace.ts'

function ended(said: Said, code: number, line: RegExp): void {
	assert.equal(said.code, code, said.stderr)
	assert.match(said.stderr, line)
	assert.equal(said.stderr.trimEnd().split('\n').length, 1, said.stderr)
}

test('0: --help shows the table, --version the version', async () => {
	const { code, stdout } = await cairn(['--help'])
	assert.equal(code, EXIT.ok)
	assert.ok(stdout.includes(exitCodeTable()))
	assert.equal((await cairn(['--version'])).code, EXIT.ok)
})

test('2: usage', async (t) => {
	const place = makeWorkplace(t)
	ended(await cairn([]), EXIT.usage, /which verb/)
	ended(await cairn(['stauts']), EXIT.usage, /there is no verb 'stauts'; did you mean status\?/)
	ended(await cairn(['nowhy']), EXIT.usage, /there is no verb 'nowhy'; see cairn --help/)
	ended(await cairn(['photographs']), EXIT.usage, /there is no verb 'photographs'; see cairn --help/)
	ended(await place.cairn('status', '--js-n'), EXIT.usage, /status: unknown: --js-n; see cairn status --help/)
	ended(await place.cairn('status', 'extra'), EXIT.usage, /status: unknown: extra; see cairn status --help/)
	ended(await place.cairn('why'), EXIT.usage, /why: <path> is missing; see cairn why --help/)
	ended(await place.cairn('restore'), EXIT.usage, /restore: --from is missing/)
	ended(await place.cairn('find', '--larger'), EXIT.usage, /--larger needs a value/)
	ended(await place.cairn('node', 'add', 'a', place.directory, '--zone', 'x'.repeat(256)), EXIT.usage, /--zone: found .*, allowed: a text of at most 255 characters/)
	ended(await place.cairn('node', 'set', 'a', '--state', 'up'), EXIT.usage, /--state: found 'up', allowed: rw, nc, ro, drain, down, dead$/m)
	ended(await place.cairn('node'), EXIT.usage, /add, list, set, replace or remove/)
	ended(await place.cairn('mount', place.directory, '-o', 'rp'), EXIT.usage, /'rp'/)
	ended(await cairn(['up', join(place.directory, 'up'), '--nodes', 'x']), EXIT.usage, /--nodes: a whole number/)
	ended(await cairn(['up', join(place.directory, 'up'), '--nodes', '2', '--copies', '5']), EXIT.usage, /--copies: found 5, allowed: at most as many as there are nodes \(--nodes 2\)/)
	assert.equal(existsSync(join(place.directory, 'up')), false)
})

test('3: configuration', async (t) => {
	const place = makeWorkplace(t, '{ catalog: 1 }')
	ended(await place.cairn('init'), EXIT.configuration, /catalog: no such option/)
	ended(await cairn(['init', '--config', '/does/not/exist.ts']), EXIT.configuration, /no such file/)
	ended(await cairn(['init', '--config', place.directory]), EXIT.configuration, /is a directory: name the file/)
	assert.deepEqual(readdirSync(place.directory), ['config.ts'])
	for (const program of ['process.exit(0)', 'await new Promise(() => undefined)']) {
		const said = await makeWorkplace(t, `{}\n${program}`).cairn('status')
		assert.equal(said.code, EXIT.configuration, program)
		assert.match(said.stderr, /config\.ts: it ends the program, or waits for what never comes/)
	}
	for (const address of ['postgres://u@h/d', 'sqlite:', 'mysql://u@h', 'mysql://u@h:port/d', 'mysql://u%zz@h/d']) {
		ended(await makeWorkplace(t, `{ catalogue: '${address}' }`).cairn('status'), EXIT.configuration, /^cairn: catalogue /)
	}
	const logging = makeWorkplace(t, "{ mount: { logFile: 'none/log' } }")
	await logging.cairn('init')
	ended(await logging.cairn('mount', logging.makeDirectory('mp')), EXIT.configuration, /mount\.logFile: .*none\/log cannot be opened \(ENOENT\)/)
})

test('5: the catalogue cannot be reached', async (t) => {
	const file = makeWorkplace(t)
	ended(await file.cairn('status'), EXIT.unreachable, /no such file/)
	assert.equal(existsSync(file.catalogue), false)
	const server = makeWorkplace(t, "{ catalogue: 'mysql://u:hush@127.0.0.1:1/none' }")
	const said = await server.cairn('status')
	ended(said, EXIT.unreachable, /127\.0\.0\.1/)
	assert.doesNotMatch(said.stderr, /hush/)
})

test('5: the catalogue is there and does not let anybody in', async (t) => {
	const place = makeWorkplace(t, '{ catalogueTimeoutMs: 300 }')
	await place.cairn('init')
	assert.equal((await place.cairn('node', 'add', 'a', place.makeDirectory('a'))).code, 0)
	const holder = new DatabaseSync(place.catalogue)
	t.after(() => holder.close())
	holder.exec('BEGIN IMMEDIATE')
	ended(await place.cairn('replicate'), EXIT.unreachable, /the catalogue is locked by another process/)
})

test('6: a schema that is newer, or none', async (t) => {
	const place = makeWorkplace(t)
	writeFileSync(place.catalogue, '')
	ended(await place.cairn('status'), EXIT.schema, /empty/)
	await place.cairn('init')
	const db = new DatabaseSync(place.catalogue)
	db.exec("INSERT INTO migration (version, name, at) VALUES (9999, 'later', 0)")
	db.close()
	for (const verb of ['status', 'init', 'migrate']) ended(await place.cairn(verb), EXIT.schema, /newer/)
	ended(await place.cairn('mount', place.makeDirectory('mp')), EXIT.schema, /newer/)
})

test('5: a server that takes the connection and never answers keeps no verb', async (t) => {
	const silent = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
	await once(silent, 'listening')
	t.after(() => silent.close())
	const sockets: Socket[] = []
	silent.on('connection', (socket) => sockets.push(socket.resume()))
	t.after(() => {
		for (const socket of sockets) socket.destroy()
	})
	const place = makeWorkplace(t, `{ catalogue: 'mysql://u@127.0.0.1:${(silent.address() as AddressInfo).port}/none', catalogueTimeoutMs: 300 }`)
	ended(await place.cairn('status'), EXIT.unreachable, /the catalogue does not answer/)
})

test('6: of a server too, and what would have stayed does not', async (t) => {
	const server = await startMariadb()
	t.after(() => server.stop())
	const place = makeWorkplace(t, `{ catalogue: '${await server.freshDatabase('empty')}' }`)
	const mountPoint = place.makeDirectory('mp')
	for (const words of [['status'], ['mount', mountPoint], ['mount', '-f', mountPoint], ['api'], ['replicator']]) {
		ended(await place.cairn(...words), EXIT.schema, /the catalogue is empty: run `cairn init`, or, where it was lost, `cairn reindex`/)
	}
})

test('15: an older catalogue that somebody uses is not migrated under his hands', async (t) => {
	const place = makeWorkplace(t)
	const db = new DatabaseSync(place.catalogue)
	t.after(() => db.close())
	const folder = new URL('../../sql/sqlite/', import.meta.url)
	db.exec('CREATE TABLE migration (version BIGINT NOT NULL PRIMARY KEY, name VARCHAR(255) NOT NULL, at BIGINT NOT NULL)')
	for (const name of readdirSync(folder).filter((file) => /^000[1-8]-/.test(file)).sort()) {
		db.exec(readFileSync(new URL(name, folder), 'utf8'))
		db.prepare('INSERT INTO migration VALUES (?, ?, 0)').run(Number(name.slice(0, 4)), name)
	}
	db.exec("INSERT INTO client (id, host, pid, started, what, joined, heartbeat) VALUES (900, 'elsewhere', 7, '', 'mount /srv/files', 1, strftime('%s', 'now'))")
	for (const verb of ['migrate', 'init']) ended(await place.cairn(verb), EXIT.busy, /in use by mount \/srv\/files, process 7 on elsewhere: end that first/)
	db.exec('DELETE FROM client')
	assert.match((await place.cairn('migrate')).stdout, /^brought the catalogue from schema 8 to \d+$/m)
})

test('a filesystem that takes two names for one is no node', async (t) => {
	const place = makeWorkplace(t)
	await place.cairn('init')
	const directory = place.makeDirectory('a')
	// It finds the one by the other's name, as such a filesystem does.
	symlinkSync('.cairn', join(directory, '.CAIRN'))
	ended(await place.cairn('node', 'add', 'a', directory), EXIT.refused, /README and readme are one name on its filesystem/)
	rmSync(join(directory, '.CAIRN'))
	assert.equal((await place.cairn('node', 'add', 'a', directory)).code, 0)
})

test('10, 11: mount points that will not do', async (t) => {
	const place = makeWorkplace(t)
	await place.cairn('init')
	ended(await place.cairn('mount', join(place.directory, 'none')), EXIT.noMountPoint, /no such directory/)
	ended(await place.cairn('mount', place.config), EXIT.noMountPoint, /not a directory/)
	ended(await place.cairn('mount', place.directory), EXIT.notEmpty, /not empty/)
	assert.equal(existsSync(join(place.directory, 'none')), false)
})

test('14: nothing is mounted there', async (t) => {
	const place = makeWorkplace(t)
	ended(await place.cairn('umount', place.directory), EXIT.notMounted, /nothing is mounted/)
	ended(await place.cairn('umount', ''), EXIT.usage, /is empty/)
})

test('14: what others mounted is not taken away', { skip: process.getuid?.() !== 0 && 'only root mounts a tmpfs' }, async (t) => {
	const place = makeWorkplace(t)
	const mountPoint = place.makeDirectory('mp')
	assert.equal(spawnSync('mount', ['-t', 'tmpfs', 'none', mountPoint]).status, 0)
	try {
		ended(await place.cairn('umount', mountPoint), EXIT.notMounted, /is no Cairn \(tmpfs, none\)/)
		assert.ok(isMounted(mountPoint))
	} finally {
		spawnSync('umount', [mountPoint])
	}
})

test('17: a node that lets nobody into a part of its own folder is named, and the next ones have their turn', async (t) => {
	const place = makeWorkplace(t, "{ classes: [{ name: 'default', pattern: '', copies: 2 }] }")
	await place.cairn('init')
	const [a, b] = ['a', 'b'].map((name) => place.makeDirectory(name))
	writeFileSync(join(a, 'f'), 'text')
	for (const [name, path] of [['a', a], ['b', b]]) assert.equal((await place.cairn('node', 'add', name, path)).code, 0)
	assert.equal((await place.cairn('walk', '--node', 'a')).code, 0)
	const spoil = (folder: string) => {
		rmSync(folder, { recursive: true })
		writeFileSync(folder, 'no folder')
	}
	spoil(join(a, '.cairn/incoming'))
	const said = await place.cairn('replicate')
	ended(said, EXIT.left, /replicate a: a: the run ended early: ENOTDIR/)
	assert.match(said.stdout, /replicate b: 1 copied/)
	spoil(join(a, '.cairn/conflicts'))
	const walked = await place.cairn('walk')
	ended(walked, EXIT.left, /walk a: \.cairn\/conflicts: the directory cannot be read: ENOTDIR/)
	assert.match(walked.stdout, /walk a: .*1 known.*\nwalk b: .*1 known/)
})

test('an `up` for which there was no room goes on when there is some', { skip: process.getuid?.() !== 0 && 'only root mounts a tmpfs' }, async (t) => {
	const place = makeWorkplace(t)
	const small = place.makeDirectory('small')
	assert.equal(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'none', small]).status, 0)
	try {
		const up = ['up', join(small, 'data'), '--no-api', '--no-replicator']
		ended(await cairn(up), EXIT.unexpected, /ENOSPC/)
		// Something in the mount point ends it when all else was made.
		spawnSync('mount', ['-o', 'remount,size=20m', small])
		mkdirSync(join(small, 'data/combined/in-the-way'), { recursive: true })
		ended(await cairn(up), EXIT.notEmpty, /not empty/)
	} finally {
		spawnSync('umount', [small])
	}
})

test('12, 15, 16: mount, umount and up beside a running up', async (t) => {
	const running = await startUp()
	t.after(() => running.remove())
	ended(await cairn(['up', running.dir]), EXIT.running, /already \(process \d+\)/)
	ended(await running.cairn('mount', running.mountPoint), EXIT.mounted, /already mounted/)

	const config = readFileSync(running.config, 'utf8')
	assert.match(config, /defineConfig/)
	const second = await running.secondMount()
	t.after(() => second.stop())
	const busy = spawn('cat', { cwd: second.mountPoint, stdio: ['pipe', 'ignore', 'ignore'] })
	await new Promise((resolve) => busy.once('spawn', resolve))
	ended(await running.cairn('umount', second.mountPoint), EXIT.busy, /busy/)
	const freed = new Promise((resolve) => busy.once('exit', resolve))
	busy.stdin.end()
	await freed
	assert.equal((await running.cairn('umount', second.mountPoint)).code, EXIT.ok)
	assert.equal(isMounted(second.mountPoint), false)
})

test('8: a node does not move into another', async (t) => {
	const place = makeWorkplace(t)
	await place.cairn('init')
	for (const name of ['a', 'b']) await place.cairn('node', 'add', name, place.makeDirectory(name))
	spawnSync('cp', ['-a', join(place.directory, 'a'), join(place.directory, 'b/a')])
	ended(await place.cairn('node', 'set', 'a', '--path', join(place.directory, 'b/a')), EXIT.refused, /lie within each other/)
	renameSync(join(place.directory, 'b/a'), join(place.directory, 'c'))
	assert.equal((await place.cairn('node', 'set', 'a', '--path', join(place.directory, 'c'))).code, EXIT.ok)
})

test('where nothing can be made there is no node, and none is left in the catalogue', async (t) => {
	const place = makeWorkplace(t)
	await place.cairn('init')
	const taken = place.makeDirectory('taken')
	writeFileSync(join(taken, '.cairn'), '')
	ended(await place.cairn('node', 'add', 'a', taken), EXIT.refused, /taken: its \.cairn cannot be made \(EEXIST\)/)
	ended(await place.cairn('node', 'add', 'a', '/proc'), EXIT.refused, /\/proc: its \.cairn cannot be made \(ENOENT\)/)
	assert.deepEqual(JSON.parse((await place.cairn('node', 'list', '--json')).stdout), [])
})

test('restore takes --to, and not with --overwrite', async (t) => {
	const place = makeWorkplace(t)
	await place.cairn('init')
	const words = ['restore', '/', '--from', 'attic', '--to', join(place.directory, 'out')]
	ended(await place.cairn(...words), EXIT.refused, /there is no site attic/)
	ended(await place.cairn(...words, '--overwrite'), EXIT.usage, /--to and --overwrite: which\?/)
	await place.cairn('site', 'add', 'attic')
	const to = (path: string) => place.cairn('restore', '/', '--from', 'attic', '--to', path)
	ended(await to(place.config), EXIT.refused, /--to: .*config\.ts cannot be made \(EEXIST\)/)
	ended(await to('/proc/out'), EXIT.refused, /--to: \/proc\/out cannot be made \(ENOENT\)/)
})

test('what is missing or makes no sense is named', async (t) => {
	const place = makeWorkplace(t)
	ended(await place.cairn('node', 'add', 'a'), EXIT.usage, /node add: something is missing; see cairn node add --help/)
	ended(await place.cairn('api', '--listen', 'foo'), EXIT.usage, /--listen: found "foo", allowed: host:port/)
	ended(await place.cairn('verify', '--max-bytes', 'much'), EXIT.usage, /--max-bytes: found 'much', allowed: a number of bytes/)
	assert.equal((await place.cairn('init')).code, EXIT.ok)
	ended(await place.cairn('find', '--since', 'yesterday'), EXIT.usage, /--since: found 'yesterday', allowed: a date/)
	for (const verb of ['dump', 'load']) ended(await place.cairn(verb, place.directory), EXIT.usage, /is a directory: name a file/)
	ended(await place.cairn('load', join(place.directory, 'none')), EXIT.usage, /none cannot be read \(ENOENT\)/)
	ended(await cairn(['up', '/proc/none/up']), EXIT.noMountPoint, /\/proc\/none\/up cannot be made/)
})

test('who has just tried `cairn up` is told where its configuration is', async (t) => {
	const place = makeWorkplace(t)
	const directory = join(place.directory, 'cairn-data')
	mkdirSync(directory)
	renameSync(place.config, join(directory, 'config.ts'))
	const said = spawnSync(join(import.meta.dirname, '../../cairn'), ['status'], { cwd: place.directory, encoding: 'utf8', env: { ...process.env, CAIRN_CONFIG: '' } })
	ended({ code: said.status ?? -1, stdout: said.stdout, stderr: said.stderr }, EXIT.configuration, /name the one that 'cairn up' made: --config cairn-data\/config\.ts/)
})

test('an `up` that names no directory takes none that another user left there', { skip: process.getuid?.() !== 0 && 'only root gives files away' }, (t) => {
	const place = makeWorkplace(t)
	const directory = place.makeDirectory('cairn-data')
	writeFileSync(join(directory, 'config.ts'), `import { writeFileSync } from 'node:fs'\nwriteFileSync(${JSON.stringify(join(place.directory, 'run'))}, '')\n`)
	chownSync(directory, 12_345, 12_345)
	const said = spawnSync(join(import.meta.dirname, '../../cairn'), ['up', '--no-api', '--no-replicator'], { cwd: place.directory, encoding: 'utf8', timeout: 20_000 })
	ended({ code: said.status ?? -1, stdout: said.stdout, stderr: said.stderr }, EXIT.configuration, /cairn-data: it belongs to another user, so it is not run; cairn up cairn-data if it is meant$/m)
	assert.deepEqual([existsSync(join(place.directory, 'run')), existsSync(join(directory, '.up.lock'))], [false, false])
})
