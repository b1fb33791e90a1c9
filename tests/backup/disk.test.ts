/** Disks that are full, give no bytes or have a damaged record. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { hashOf } from '../../core/off-site/signature.ts'
import { agent, server } from './ground.ts'

/** From now on the agent's disk does not give the bytes of this file, or does not open it. Its inode. */
function badSectorIn(path: string, where: 'read' | 'open' = 'read'): number {
	const preload = join(agent.base, 'bad-sector.mjs')
	const bad = statSync(join(agent.folder, path)).ino
	writeFileSync(preload, where === 'open' ? `import fs from 'node:fs'
const { openSync } = fs
fs.openSync = (path, ...rest) => {
	if (fs.lstatSync(path, { throwIfNoEntry: false })?.ino !== ${bad}) return openSync(path, ...rest)
	throw Object.assign(new Error('EUCLEAN'), { code: 'Unknown system error -117', errno: -117, syscall: 'open' })
}
` : `import fs from 'node:fs'
const { read, readSync } = fs
fs.readSync = (fd, ...rest) => {
	if (fs.fstatSync(fd).ino !== ${bad}) return readSync(fd, ...rest)
	throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' })
}
fs.read = (fd, ...rest) => {
	if (fs.fstatSync(fd).ino !== ${bad}) return read(fd, ...rest)
	rest.at(-1)(Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' }))
}
`)
	agent.environment['NODE_OPTIONS'] = `--import ${preload}`
	return bad
}

for (const where of ['read', 'open'] as const) {
	test(`a copy that the disk does not ${where} any more: comes again, what stood there is set aside`, async () => {
		server.offer('d/f', 'content')
		await agent.run('-a', 'replicate')
		const bad = badSectorIn('d/f', where)
		const verified = await agent.run('-a', 'verify')
		assert.equal(verified.code, 1)
		assert.match(verified.err, /d\/f: cannot be read; the server is told and sends it again/)
		server.failed.length = 0
		server.claimed.clear()
		assert.deepEqual(await agent.run('-a', 'replicate'), { code: 0, out: '', err: '' })
		assert.deepEqual(agent.paths(), ['d', 'd/f', 'd/f.old'])
		assert.notEqual(statSync(join(agent.folder, 'd/f')).ino, bad)
		assert.equal(server.claimed.size, 1)
	})

	test(`a copy that the disk does not ${where} any more, and a good one that was set aside: that one is restored and given back`, async () => {
		server.offer('f', 'content')
		await agent.run('-a', 'replicate')
		writeFileSync(join(agent.folder, 'f.old'), 'content')
		badSectorIn('f', where)
		const to = join(agent.base, 'to')
		assert.deepEqual(await agent.run('-a', 'restore', '--to', to), { code: 0, out: '', err: '' })
		assert.equal(readFileSync(join(to, 'f'), 'utf8'), 'content')
		server.orders.push({ order: 1, path: Buffer.from('f'), hash: hashOf(Buffer.from('content')), size: 7, received: Buffer.alloc(0) })
		assert.equal((await agent.run('-a', 'replicate')).code, 0)
		assert.equal(server.orders[0]?.done, true)
	})
}

test('a file that is wanted back, of which no hash is known and the disk does not give the bytes: the server is told, and the next is sent', async () => {
	server.offer('f', 'content')
	server.offer('g', 'another')
	await agent.run('-a', 'replicate')
	badSectorIn('f')
	for (const [order, path] of ['f', 'g'].entries()) server.orders.push({ order, path: Buffer.from(path), hash: null, size: 7, received: Buffer.alloc(0) })
	assert.equal((await agent.run('-a', 'replicate')).code, 1)
	assert.deepEqual(server.orders.map(({ failed, done }) => failed ?? done), ['io', true])
})

test('a copy that the disk cannot read any more, and no other: the server is told; what else there is is restored', async () => {
	server.offer('f', 'content')
	server.offer('g', 'another')
	await agent.run('-a', 'replicate')
	badSectorIn('f')
	server.orders.push({ order: 2, path: Buffer.from('f'), hash: hashOf(Buffer.from('content')), size: 7, received: Buffer.alloc(0) })
	assert.equal((await agent.run('-a', 'replicate')).code, 1)
	assert.equal(server.orders[0]?.failed, 'io')
	const left = await agent.run('-a', 'restore', '--to', join(agent.base, 'empty'))
	assert.deepEqual(left, { code: 1, out: '', err: 'cairn-backup: f: EIO: i/o error, read\n' })
	assert.deepEqual(readdirSync(join(agent.base, 'empty')), ['g'])
})

test('what the disk has refused to write is fetched anew, for what is in memory of it passes for whole', async () => {
	server.offer('f', 'content', { mtimeS: Math.floor(Date.now() / 1000) })
	const preload = join(agent.base, 'refusing.mjs')
	writeFileSync(preload, `import fs from 'node:fs'
const { fsync } = fs
fs.fsync = (fd, done) => (fs.fstatSync(fd).isFile() ? done(Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO', syscall: 'fsync' })) : fsync(fd, done))
`)
	agent.environment['NODE_OPTIONS'] = `--import ${preload}`
	const refused = await agent.run('-a', 'replicate')
	assert.equal(refused.code, 1)
	assert.match(refused.err, /f: EIO: i\/o error, fsync/)
	delete agent.environment['NODE_OPTIONS']
	server.requests.length = 0
	server.failed.length = 0
	assert.equal((await agent.run('-a', 'replicate')).code, 0)
	assert.equal(server.requests.filter((request) => request.includes('/file/')).length, 1)
	assert.deepEqual([readFileSync(join(agent.folder, 'f'), 'utf8'), server.claimed.size], ['content', 1])
})

for (const [where, fails] of [['its own folder', 'true'], ['the files', "!fs.readdirSync('/proc/self/fd/' + fd).includes('agent.json')"]] as const) {
	test(`a disk that takes no more of ${where}: the folder cannot be used, and the next run goes on`, async () => {
		server.offer('d/f', 'content')
		await agent.run()
		const preload = join(agent.base, 'refusing.mjs')
		writeFileSync(preload, `import fs from 'node:fs'
const { fsync } = fs
fs.fsync = (fd, done) => (fs.fstatSync(fd).isDirectory() && ${fails} ? done(Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO', syscall: 'fsync' })) : fsync(fd, done))
`)
		agent.environment['NODE_OPTIONS'] = `--import ${preload}`
		assert.deepEqual(await agent.run('-a', 'replicate'), { code: 7, out: '', err: `cairn-backup: the folder ${agent.folder} cannot be used: EIO, fsync\n` })
		assert.equal(server.claimed.size, 0)
		delete agent.environment['NODE_OPTIONS']
		assert.equal((await agent.run('-a', 'replicate')).code, 0)
		assert.equal(server.claimed.size, 1)
	})
}

test('a disk behind a program that is killed: the folder cannot be used', async () => {
	const preload = join(agent.base, 'aborted.mjs')
	writeFileSync(preload, `import fs from 'node:fs'
const { openSync } = fs
fs.openSync = (path, ...rest) => {
	if (!String(path).endsWith('agent.json.new')) return openSync(path, ...rest)
	throw Object.assign(new Error('ECONNABORTED: software caused connection abort, open'), { code: 'ECONNABORTED', syscall: 'open' })
}
`)
	agent.environment['NODE_OPTIONS'] = `--import ${preload}`
	assert.deepEqual(await agent.run('-a', 'replicate'), { code: 7, out: '', err: `cairn-backup: the folder ${agent.folder} cannot be used: ECONNABORTED, open\n` })
})

test('agent.json damaged: restore and status, which need no server, do their work all the same', async () => {
	server.offer('f', 'content')
	await agent.run('-a', 'replicate')
	const file = join(agent.folder, '.cairn-backup/agent.json')
	for (const damaged of ['', '\0'.repeat(100), '{"agent":', 'null', '{}', '{"agent":"","notice":0}', '{"agent":"x"}']) {
		writeFileSync(file, damaged)
		assert.match((await agent.run('-a', 'status')).out, /copies: 1 files/, damaged)
		const to = join(agent.base, 'to')
		assert.deepEqual(await agent.run('-a', 'restore', '--to', to), { code: 0, out: '', err: '' }, damaged)
		assert.equal(readFileSync(join(to, 'f'), 'utf8'), 'content')
		const { agent: name, notice } = JSON.parse(readFileSync(file, 'utf8'))
		assert.match(name, /^[A-Za-z0-9_-]{24}$/)
		assert.equal(notice, 0)
	}
})

test('restore where the record speaks of nothing: that is said, and is no success', async () => {
	server.offer('d/f', 'content')
	await agent.run('-a', 'replicate')
	const restore = (...words: string[]) => agent.run('-a', 'restore', '--to', join(agent.base, 'to'), ...words)
	assert.deepEqual(await restore('-p', 'e'), { code: 2, out: '', err: 'cairn-backup: -p e: the record speaks of nothing there\n' })
	rmSync(join(agent.folder, '.cairn-backup/held.log'))
	const { code, err } = await restore()
	assert.equal(code, 7)
	assert.match(err, /^cairn-backup: the record of this folder speaks of no file; if there are copies, -a walk makes it again\n$/)
	assert.equal((await agent.run('-a', 'walk')).code, 0)
	assert.equal((await restore('-p', 'd')).code, 0)
})

test('a disk that was full before the first run: it is said as it is of one that got full', async () => {
	execFileSync('mount', ['-t', 'tmpfs', '-o', 'nr_inodes=1', 'none', agent.folder])
	try {
		assert.deepEqual(await agent.run('-a', 'replicate'), { code: 6, out: '', err: 'cairn-backup: the disk is full\n' })
	} finally {
		execFileSync('umount', [agent.folder])
	}
})

test('a disk that is full, or can only be read any more: everything is restored from it and given back, and what would write says so', async () => {
	server.offer('d/f', 'content')
	execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', agent.folder])
	try {
		assert.equal((await agent.run('-a', 'replicate')).code, 0)
		const filling = join(agent.folder, 'filling')
		assert.throws(() => writeFileSync(filling, Buffer.alloc(2_000_000)), { code: 'ENOSPC' })
		assert.deepEqual(await agent.run('-a', 'restore', '--to', join(agent.base, 'first')), { code: 0, out: '', err: '' })
		server.orders.push({ order: 1, path: Buffer.from('d/f'), hash: hashOf(Buffer.from('content')), size: 7, received: Buffer.alloc(0) })
		server.notices.push({ seq: 1, kind: 'deleted', path: Buffer.from('d/f') })
		assert.deepEqual(await agent.run('-a', 'replicate'), { code: 6, out: '', err: 'cairn-backup: the disk is full\n' })
		assert.equal(server.orders[0]?.done, true)
		rmSync(filling)
		execFileSync('mount', ['-o', 'remount,ro', agent.folder])
		const to = join(agent.base, 'to')
		assert.deepEqual(await agent.run('-a', 'restore', '--to', to), { code: 0, out: '', err: '' })
		for (const restored of ['first', 'to']) assert.equal(readFileSync(join(agent.base, restored, 'd/f'), 'utf8'), 'content')
		assert.match((await agent.run('-a', 'status')).out, /copies: 1 files/)
		for (const action of ['replicate', 'walk', 'verify', 'check']) {
			const { code, err } = await agent.run('-a', action)
			assert.equal(code, 7)
			assert.match(err, /^cairn-backup: the folder [^\n]* cannot be used: EROFS[^\n]*\n$/)
		}
	} finally {
		execFileSync('umount', [agent.folder])
	}
})

test('restore to a disk that is too small: what does not fit takes no room of what does', async () => {
	const to = join(agent.base, 'disk')
	mkdirSync(to)
	server.offer('a/large', Buffer.alloc(3_000_000, 'large'))
	server.offer('b/small', Buffer.alloc(500_000, 'small'))
	await agent.run('-a', 'replicate')
	execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', to])
	try {
		const { code, err } = await agent.run('-a', 'restore', '--to', to)
		assert.equal(code, 1)
		assert.match(err, /^cairn-backup: a\/large: ENOSPC[^\n]*\n$/)
		assert.deepEqual(readdirSync(to, { recursive: true }).sort(), ['a', 'b', 'b/small'])
		assert.equal(statSync(join(to, 'b/small')).size, 500_000)
	} finally {
		execFileSync('umount', [to])
	}
})

test('a full disk: what fits comes, the rest is named, the server is told; with room again it comes', async () => {
	const disk = join(agent.base, 'disk')
	mkdirSync(disk)
	execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', disk])
	try {
		agent.folder = disk
		for (let file = 0; file < 10; file++) server.offer(`f${file}`, Buffer.alloc(500_000, `${file}`))
		const full = await agent.run('-a', 'replicate')
		assert.equal(full.code, 6)
		assert.match(full.err, /f\d: there is no room|f\d: the disk is full/)
		assert.ok(server.claimed.size >= 2 && server.claimed.size <= 4, `${server.claimed.size}`)
		assert.ok(server.failed.every(({ error }) => error === 'no-space'))
		for (const { id } of server.claimed.values()) assert.equal(agent.content(`f${id - 1}`).length, 500_000)
		execFileSync('mount', ['-o', 'remount,size=8m', disk])
		server.failed.length = 0
		agent.environment['CAIRN_BACKUP_RESERVE'] = '4M'
		assert.equal((await agent.run('-a', 'replicate')).code, 6)
		assert.ok(server.claimed.size < 10)
		server.failed.length = 0
		agent.environment['CAIRN_BACKUP_RESERVE'] = '100K'
		assert.equal((await agent.run('-a', 'replicate')).code, 0)
		assert.equal(server.claimed.size, 10)
	} finally {
		execFileSync('umount', [disk])
	}
})
