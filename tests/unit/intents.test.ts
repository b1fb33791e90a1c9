/** Carrying out what the catalogue decided, on nodes that answer, fail, hang or come back. */
import assert from 'node:assert/strict'
import * as disk from 'node:fs'
import { test } from 'node:test'
import { setTimeout as after } from 'node:timers/promises'
import type { Driver } from '../../core/catalogue/driver.ts'
import type { IntentRow } from '../../core/catalogue/intents.ts'
import { Errno, fail } from '../../core/errors.ts'
import { setAttributes } from '../../core/filesystem/attributes.ts'
import { makeDirectory, makeSymlink } from '../../core/filesystem/create.ts'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { isDone } from '../../core/filesystem/intents.ts'
import { link } from '../../core/filesystem/links.ts'
import { removeDirectory, unlink } from '../../core/filesystem/remove.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { settle } from '../../core/filesystem/settle.ts'
import { storeWhole } from '../../core/filesystem/store.ts'
import type { Node } from '../../core/nodes/node.ts'
import { run, wait } from '../../core/op.ts'
import { at, installation, now, OWNER, setUp, writeFile } from './installation.ts'
import { names, replaceOperations } from './on-node.ts'

test('a symlink on a node has the owner it has in the tree', async (t) => {
	const { start, node } = await installation(t)
	const { fs } = await start()
	now(makeSymlink(fs, at('l'), Buffer.from('target'), { uid: 1000, gid: 1001 }))
	const { uid, gid } = disk.lstatSync(node(1, 'l'))
	assert.deepEqual([uid, gid], process.getuid?.() === 0 ? [1000, 1001] : [process.getuid?.(), process.getgid?.()])
})

test('what was carried out leaves no row, on each node of a file', async (t) => {
	const { start, rows, node } = await installation(t)
	const { fs } = await start()
	writeFile(fs, 'f', 'text')
	now(rename(fs, at('f'), at('g'), 'replace'))
	now(setAttributes(fs, rows('SELECT file_id FROM entry')[0].file_id, { mode: 0o600 }))
	now(unlink(fs, at('g')))
	flushLater(fs)
	assert.deepEqual(rows('SELECT * FROM intent'), [])
	assert.deepEqual(names(node(1)), [])
})

for (const code of ['ETIMEDOUT', 'ENOTCONN', 'EIO', 'ENOSPC', 'EROFS', 'EACCES', 'ESTALE']) {
	test(`a node that answers ${code} leaves the intent standing, and the caller has his answer`, async (t) => {
		const { start, rows, node } = await installation(t)
		const client = await start()
		writeFile(client.fs, 'f', 'text')
		replaceOperations(client, 1, { unlink: () => fail(code) })
		now(unlink(client.fs, at('f')))
		flushLater(client.fs)
		assert.deepEqual(
			rows('SELECT op, client_id FROM intent').map((row) => ({ ...row })),
			[{ op: 'unlink', client_id: null }],
		)
		const other = await start()
		assert.deepEqual(names(node(1)), [])
		flushLater(other.fs)
		assert.deepEqual(rows('SELECT * FROM intent'), [])
	})
}

test('as long as a call is stuck on the node, nobody else may carry its intent out', async (t) => {
	const { start, rows } = await installation(t)
	const client = await start()
	writeFile(client.fs, 'f', 'text')
	replaceOperations(client, 1, { unlink: () => fail('ETIMEDOUT') })
	const { health } = client.fs.nodes.get(1) as Node
	health.stuck = 1
	now(unlink(client.fs, at('f')))
	flushLater(client.fs)
	assert.deepEqual(rows('SELECT client_id FROM intent')[0].client_id, client.fs.client)
	health.stuck = 0
})

test('the others go on when one node fails', async (t) => {
	const { start, rows, node } = await installation(t, 3, [{ name: 'default', pattern: '', copies: 3 }])
	const client = await start()
	now(makeSymlink(client.fs, at('l'), Buffer.from('target'), { uid: 0, gid: 0 }))
	for (const number of [1, 2, 3]) assert.deepEqual(names(node(number)), ['l'])
	replaceOperations(client, 2, { unlink: () => Promise.reject(new Errno('EIO')) as never })
	await run(unlink(client.fs, at('l')))
	flushLater(client.fs)
	assert.deepEqual([1, 2, 3].map((number) => names(node(number))), [[], ['l'], []])
	assert.deepEqual(rows('SELECT node_id FROM intent').map((row) => row.node_id), [2])
})

test('a second rename does not overtake a first that still stands', async (t) => {
	const { start, rows, node } = await installation(t)
	const { fs } = await start()
	writeFile(fs, 'f', 'text')
	setUp(fs, 1, false)
	now(rename(fs, at('f'), at('g'), 'replace'))
	setUp(fs, 1, true)
	now(rename(fs, at('g'), at('h'), 'replace'))
	flushLater(fs)
	now(settle(fs))
	assert.deepEqual(rows('SELECT name FROM entry').map((row) => `${Buffer.from(row.name)}`), ['h'])
	assert.deepEqual(names(node(1)), ['h'])
})

test('an unlink does not overtake the rename that still stands before it', async (t) => {
	const { start, node } = await installation(t)
	const { fs } = await start()
	writeFile(fs, 'f', 'text')
	setUp(fs, 1, false)
	now(rename(fs, at('f'), at('g'), 'replace'))
	setUp(fs, 1, true)
	now(unlink(fs, at('g')))
	flushLater(fs)
	now(settle(fs))
	assert.deepEqual(names(node(1)), [])
})

test('another client does not overtake it either', async (t) => {
	const { start, node } = await installation(t)
	const one = await start()
	const other = await start()
	writeFile(one.fs, 'f', 'text')
	setUp(one.fs, 1, false)
	now(rename(one.fs, at('f'), at('g'), 'replace'))
	flushLater(one.fs)
	now(rename(other.fs, at('g'), at('h'), 'replace'))
	flushLater(other.fs)
	now(settle(other.fs))
	assert.deepEqual(names(node(1)), ['h'])
})

test('a node that refuses attributes keeps its file', async (t) => {
	for (const code of ['EINVAL', 'EOPNOTSUPP', 'EOVERFLOW', 'ENOSYS']) {
		const { start, node } = await installation(t)
		const client = await start()
		const id = writeFile(client.fs, 'f', 'text')
		replaceOperations(client, 1, { setAttributes: () => fail(code) })
		try {
			now(setAttributes(client.fs, id, { uid: 12_345 }))
		} catch (error) {
			assert.equal((error as Errno).code, code)
		}
		assert.deepEqual(names(node(1)), ['f'], code)
	}
})

test('what stands in the way and is unknown is set aside, not removed', async (t) => {
	const { start, node } = await installation(t)
	const { fs, reports } = await start()
	writeFile(fs, 'f', 'text')
	disk.mkdirSync(node(1, 'g'))
	disk.writeFileSync(node(1, 'g/stray'), 'stray')
	now(rename(fs, at('f'), at('g'), 'replace'))
	assert.equal(disk.readFileSync(node(1, 'g'), 'utf8'), 'text')
	const [aside] = disk.readdirSync(node(1, '.cairn/conflicts'))
	assert.equal(disk.readFileSync(node(1, `.cairn/conflicts/${aside}/stray`), 'utf8'), 'stray')
	assert.equal(reports.length, 1)
})

test('what was brought to its new name already is not taken for something in the way, whatever stands where it was', async (t) => {
	const { start, node } = await installation(t)
	const { fs, reports } = await start()
	const { id } = now(makeDirectory(fs, at('d'), { mode: 0o755, uid: 0, gid: 0 }))
	writeFile(fs, 'f', 'text', id)
	disk.renameSync(node(1, 'd/f'), node(1, 'g'))
	disk.rmdirSync(node(1, 'd'))
	disk.writeFileSync(node(1, 'd'), 'a file')
	now(rename(fs, at('f', id), at('g'), 'replace'))
	assert.deepEqual([disk.readFileSync(node(1, 'g'), 'utf8'), reports], ['text', []])
})

test('of directories in the way those with nothing but directories in them go, and others are kept whole', async (t) => {
	const { start, node, rows } = await installation(t)
	const { fs, reports } = await start()
	for (const name of ['hollow', 'filled']) {
		now(makeDirectory(fs, at(name), { mode: 0o755, uid: 0, gid: 0 }))
		for (const below of ['a/b', 'c']) disk.mkdirSync(node(1, `${name}/${below}`), { recursive: true })
	}
	disk.writeFileSync(node(1, 'filled/c/f'), 'mine')
	for (const name of ['hollow', 'filled']) now(removeDirectory(fs, at(name)))
	flushLater(fs)
	assert.deepEqual(names(node(1)), [])
	const kept = disk.readdirSync(node(1, '.cairn/conflicts'), { recursive: true, encoding: 'utf8' }).map((path) => path.split('/').slice(1).join('/'))
	assert.deepEqual([kept.sort(), reports.length, rows('SELECT * FROM conflict').length], [['', 'a', 'a/b', 'c', 'c/f'], 1, 1])
})

test('what others made in the way of what is moved, and has nothing but directories in it, goes', async (t) => {
	const { start, node } = await installation(t)
	const { fs, reports } = await start()
	const { id } = now(makeDirectory(fs, at('directory'), { mode: 0o755, uid: 0, gid: 0 }))
	writeFile(fs, 'below', 'below', id)
	writeFile(fs, 'file', 'text')
	for (const name of ['file', 'directory']) {
		disk.mkdirSync(node(1, `${name} moved/a/b`), { recursive: true })
		now(rename(fs, at(name), at(`${name} moved`), 'replace'))
	}
	flushLater(fs)
	assert.deepEqual([names(node(1)), reports], [['directory moved', 'file moved'], []])
	assert.deepEqual([disk.readdirSync(node(1, 'directory moved')), disk.readFileSync(node(1, 'file moved'), 'utf8')], [['below'], 'text'])
	assert.equal(disk.existsSync(node(1, '.cairn/conflicts')) && disk.readdirSync(node(1, '.cairn/conflicts')).length > 0, false)
})

test('what stands where something was to be removed, and is something else, stays', async (t) => {
	const { start, node, rows } = await installation(t)
	const { fs, reports } = await start()
	const [, above] = ['directory', 'above'].map((name) => now(makeDirectory(fs, at(name), { mode: 0o755, uid: 0, gid: 0 })))
	writeFile(fs, 'file', 'text')
	writeFile(fs, 'below', 'text', above.id)
	for (const name of ['file', 'above']) disk.rmSync(node(1, name), { recursive: true })
	disk.mkdirSync(node(1, 'file/in it'), { recursive: true })
	for (const name of ['directory', 'above']) disk.writeFileSync(node(1, name), 'mine')
	now(unlink(fs, at('file')))
	now(unlink(fs, at('below', above.id)))
	for (const name of ['directory', 'above']) now(removeDirectory(fs, at(name)))
	flushLater(fs)
	assert.deepEqual([names(node(1)), names(node(1, 'file'))], [['above', 'directory', 'file'], ['in it']])
	assert.deepEqual([reports, rows('SELECT * FROM intent'), rows('SELECT * FROM entry')], [[], [], []])
})

test('an intent that cannot be carried out does not stand under the name of a living client for good', async (t) => {
	const { start, rows, node } = await installation(t)
	const { fs } = await start()
	// An unknown file where a directory of the tree would be.
	disk.writeFileSync(node(1, 'd'), 'stray')
	const directory = now(makeDirectory(fs, at('d'), { mode: 0o755, uid: 0, gid: 0 }))
	try {
		now(makeSymlink(fs, at('l', directory.id), Buffer.from('target'), { uid: 0, gid: 0 }))
	} catch (error) {
		assert.equal((error as Errno).code, 'ENOTDIR')
	}
	flushLater(fs)
	assert.equal(rows('SELECT * FROM intent WHERE client_id IS NOT NULL').length, 0)
})

/** Answers of transactions come later than their effect, as across a socket. */
function late(driver: Driver): Driver {
	return {
		...driver,
		transaction(body) {
			const result = driver.transaction(body)
			return after(20).then(() => result)
		},
	}
}

test('an intent is not taken for done between its commit and the answer to it', async (t) => {
	const { start, rows } = await installation(t)
	const { fs } = await start()
	writeFile(fs, 'f', 'text')
	flushLater(fs)
	const remote = await start({ wrap: late })
	const renaming = run(rename(remote.fs, at('f'), at('g'), 'replace')) as Promise<void>
	const standing = rows('SELECT * FROM intent') as IntentRow[]
	assert.equal(standing.length, 1)
	const done = isDone(remote.fs, standing[0])
	await renaming
	await wait(flushLater(remote.fs)).next().value
	assert.equal(done, false)
})

test('on a node that knows no links nothing stands, and a copy has a name as long as its file has one', async (t) => {
	const { start, rows, node } = await installation(t)
	const client = await start()
	const { fs } = client
	replaceOperations(client, 1, { link: () => fail('EPERM'), symlink: () => fail('EPERM') })
	now(makeSymlink(fs, at('l'), Buffer.from('target'), { uid: 0, gid: 0 }))
	for (const name of ['a', 'x']) writeFile(fs, name, name)
	const [file] = rows("SELECT file_id FROM entry WHERE name = CAST('a' AS BLOB)")
	now(link(fs, file.file_id as number, at('b')))
	now(unlink(fs, at('a')))
	assert.deepEqual(names(node(1)), ['b', 'x'])
	now(link(fs, file.file_id as number, at('c')))
	now(rename(fs, at('x'), at('b'), 'replace'))
	assert.equal(disk.readFileSync(node(1, 'c'), 'utf8'), 'a')
	now(link(fs, file.file_id as number, at('d')))
	await run(storeWhole(fs, { place: at('c'), path: Buffer.from('c'), attributes: OWNER }, Buffer.from('brought')))
	assert.deepEqual(['c', 'd'].map((name) => disk.readFileSync(node(1, name), 'utf8')), ['brought', 'a'])
	now(unlink(fs, at('d')))
	flushLater(fs)
	assert.deepEqual(names(node(1)), ['b', 'c'])
	assert.deepEqual(rows('SELECT * FROM intent'), [])
})

test('a hard link is another name of the same inode', async (t) => {
	const { start, node } = await installation(t)
	const { fs } = await start()
	const id = writeFile(fs, 'f', 'text')
	now(link(fs, id, at('g')))
	assert.equal(disk.statSync(node(1, 'f')).ino, disk.statSync(node(1, 'g')).ino)
	now(rename(fs, at('f'), at('h'), 'replace'))
	now(unlink(fs, at('h')))
	assert.deepEqual(names(node(1)), ['g'])
})
