/** Walking a node: what is new is adopted, what is known is proved, what is neither is kept aside. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import * as disk from 'node:fs'
import { test } from 'node:test'
import { catchUp } from '../../core/filesystem/follow.ts'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { makeDirectory, makeSymlink } from '../../core/filesystem/create.ts'
import type { Stat } from '../../core/nodes/node.ts'
import { at, now, OWNER, writeFile } from '../unit/installation.ts'
import { change, ground } from './walked.ts'

const TWO = [{ name: 'default', pattern: '', copies: 2 }]

test('everything on a new node is in the tree afterwards, as it is on the disk', async (t) => {
	const { put, walk, file, node, copies, client, start } = await ground(t, 1)
	put(1, 'a/b/deep', 'deep')
	put(1, 'top', 'top')
	put(1, 'empty', '')
	disk.mkdirSync(node(1, 'bare'), { mode: 0o750 })
	disk.symlinkSync('a/b/deep', node(1, 'link'))
	disk.chmodSync(node(1, 'top'), 0o604)
	disk.chownSync(node(1, 'top'), 12, 34)
	disk.utimesSync(node(1, 'top'), 1_000, 2_000)
	const other = await start()
	const { outcomes, troubles } = await walk()
	assert.deepEqual([outcomes, troubles], [{ directory: 3, adopted: 4 }, []])
	const top = file('top')
	assert.deepEqual([top?.mode, top?.uid, top?.gid, top?.mtime, top?.size, top?.version], [0o604, 12, 34, 2_000, 3, 1])
	assert.deepEqual([file('bare')?.mode, file('bare')?.nlink, file('a')?.nlink], [0o750, 2, 3])
	assert.equal(`${Buffer.from(file('link')?.target ?? [])}`, 'a/b/deep')
	const hash = createHash('sha256').update('deep').digest()
	assert.deepEqual([Buffer.from(file('a/b/deep')?.hash ?? []), file('a/b/deep')?.hash_version], [hash, 1])
	assert.deepEqual([copies('top'), copies('empty'), copies('link')], [{ 1: 'good 1' }, { 1: 'good 1' }, { 1: 'good 1' }])
	now(catchUp(other.fs))
	assert.equal(other.told.filter(({ op }) => op === 'create').length, 4)
	assert.equal(client.fs.nodes.size, 1)
})

test('names of any bytes and of any length, more in one directory than are asked for at once', async (t) => {
	const { node, walk, rows } = await ground(t)
	const names = Array.from({ length: 1_200 }, (_, index) => Buffer.from(`n${index}`))
	names.push(
		Buffer.from([0xff, 0x0a, 0x27]),
		Buffer.alloc(255, 'x'),
		Buffer.from('A'),
		Buffer.from('a'),
		Buffer.from('a '),
		Buffer.from('q\'"%_\\'),
	)
	for (const name of names) disk.writeFileSync(Buffer.concat([Buffer.from(`${node(1)}/`), name]), name)
	assert.deepEqual((await walk()).outcomes, { adopted: names.length })
	const found = rows('SELECT name FROM entry').map(({ name }) => Buffer.from(name).toString('latin1'))
	assert.deepEqual(found.sort(), names.map((name) => name.toString('latin1')).sort())
	assert.deepEqual((await walk()).outcomes, { known: names.length })
})

test('a known tree is passed over, and nothing is written', async (t) => {
	const { put, walk, rows, client } = await ground(t)
	put(1, 'd/f', 'text')
	writeFile(client.fs, 'g', 'other')
	await walk()
	const before = ['file', 'entry', 'replica', 'change', 'conflict'].map((table) => rows(`SELECT * FROM \`${table}\``))
	assert.deepEqual((await walk()).outcomes, { known: 2 })
	assert.deepEqual(
		['file', 'entry', 'replica', 'change', 'conflict'].map((table) => rows(`SELECT * FROM \`${table}\``)),
		before,
	)
})

test('directories that are as they were are not gone through name by name; one in which anything differs is', async (t) => {
	const { put, walk, node, client, file } = await ground(t)
	const ways: Record<string, (path: string) => void> = {
		added: (path) => put(1, `${path}/new`, 'new'),
		removed: (path) => disk.rmSync(node(1, `${path}/a`)),
		larger: (path) => {
			disk.appendFileSync(node(1, `${path}/a`), 'x')
			disk.utimesSync(node(1, `${path}/a`), 1, 1)
		},
		later: (path) => disk.utimesSync(node(1, `${path}/a`), 1, 1.001),
		'another kind': (path) => {
			disk.rmSync(node(1, `${path}/a`))
			disk.mkdirSync(node(1, `${path}/a`))
		},
		'below it': (path) => put(1, `${path}/d/new`, 'new'),
		nothing: () => undefined,
	}
	for (const name of Object.keys(ways)) {
		for (const file of ['a', 'b,1;2', 'c', 'd/e']) {
			put(1, `${name}/${file}`, file)
			disk.utimesSync(node(1, `${name}/${file}`), 1, 1)
		}
	}
	await walk()
	const listed: string[] = []
	change(client, 1, ({ list }) => ({
		list(path) {
			if (!path.equals(Buffer.from('.cairn/conflicts'))) listed.push(path.toString())
			return list(path)
		},
	}))
	assert.deepEqual((await walk()).outcomes, { known: 4 * Object.keys(ways).length })
	assert.deepEqual(listed, [])
	for (const [name, way] of Object.entries(ways)) way(name)
	const { outcomes } = await walk()
	assert.deepEqual(listed, ['added', 'another kind', 'below it/d', 'larger', 'later', 'removed'])
	assert.equal(outcomes.known, 4 * Object.keys(ways).length - 4)
	assert.ok(file('added/new') && file('below it/d/new'))
})

test('what a class asks of other nodes is wanted there; a symlink is made there at once', async (t) => {
	const { put, walk, copies, node } = await ground(t, 2, TWO)
	put(1, 'd/f', 'text')
	disk.symlinkSync('f', node(1, 'd/l'))
	await walk()
	assert.deepEqual(copies('d/f'), { 1: 'good 1', 2: 'wanted 0' })
	assert.deepEqual(copies('d/l'), { 1: 'good 1', 2: 'good 1' })
	assert.equal(disk.readlinkSync(node(2, 'd/l')), 'f')
})

test('a node that has copies already keeps them, whether their hash is known yet or not', async (t) => {
	const { put, walk, copies, client, copy, file, rows } = await ground(t, 2)
	put(1, 'known', 'known')
	await walk()
	writeFile(client.fs, 'written', 'written')
	flushLater(client.fs)
	const [holder] = Object.keys(copies('written')).map(Number)
	const other = 3 - holder
	copy('known', 1, 2)
	copy('written', holder, other)
	assert.equal(file('written')?.hash, null)
	for (const number of [1, 2]) await walk(number)
	for (const name of ['known', 'written']) {
		assert.deepEqual(copies(name), { 1: 'good 1', 2: 'good 1' }, name)
		assert.deepEqual(Buffer.from(file(name)?.hash ?? []), createHash('sha256').update(name).digest())
	}
	assert.equal(rows('SELECT * FROM replica WHERE verified_at IS NULL').length, 1)
})

test('another content than is known is kept aside, and the copy is wanted again', async (t) => {
	const { put, walk, copies, client, conflicts, rows, read, has, node } = await ground(t, 2, TWO)
	writeFile(client.fs, 'f', 'content')
	const [holder, other] = Object.entries(copies('f'))
		.sort(([, a]) => (a.startsWith('good') ? -1 : 1))
		.map(([id]) => Number(id))
	put(other, 'f', 'CONTENT')
	disk.utimesSync(node(other, 'f'), 5, 5)
	await walk(other)
	assert.deepEqual(conflicts(), ['f differs'])
	const [{ aside, size, file_id }] = rows('SELECT * FROM conflict')
	assert.equal(read(other, `${Buffer.from(aside)}`), 'CONTENT')
	assert.deepEqual([size, file_id > 0, has(other, 'f')], [7, true, false])
	assert.deepEqual(copies('f'), { [holder]: 'good 1', [other]: 'wanted 0' })
	assert.deepEqual(rows('SELECT * FROM intent'), [])
})

test('a good copy that was edited on its node goes aside only while another is seen to be good', async (t) => {
	const { put, walk, copies, copy, client, conflicts, node } = await ground(t, 2, TWO)
	put(1, 'f', 'content')
	await walk()
	copy('f', 1, 2)
	assert.deepEqual((await walk(2)).outcomes, { copy: 1 })
	assert.deepEqual(copies('f'), { 1: 'good 1', 2: 'good 1' })
	disk.writeFileSync(node(2, 'f'), 'edited, and longer')
	disk.renameSync(node(1, 'f'), node(1, '.cairn/f'))
	const { troubles } = await walk(2)
	assert.match(troubles[0], /^f: .*no other good copy can be seen now/)
	assert.deepEqual([conflicts(), copies('f')], [[], { 1: 'good 1', 2: 'good 1' }])
	disk.renameSync(node(1, '.cairn/f'), node(1, 'f'))
	await walk(2)
	assert.deepEqual([conflicts(), copies('f')], [['f differs'], { 1: 'good 1', 2: 'wanted 0' }])
	assert.equal(client.reports.length, 0)
})

test('the only good copy, edited on its node, stays where it is, and is listed once', async (t) => {
	const { put, walk, copies, conflicts, read } = await ground(t)
	put(1, 'f', 'content')
	await walk()
	put(1, 'f', 'edited on the node')
	assert.deepEqual((await walk()).outcomes, { conflict: 1 })
	assert.deepEqual((await walk()).outcomes, { conflict: 1 })
	assert.deepEqual(conflicts(), ['f differs in place'])
	assert.deepEqual([copies('f'), read(1, 'f')], [{ 1: 'good 1' }, 'edited on the node'])
})

test('the same content with another time gets its time back', async (t) => {
	const { put, walk, conflicts, node, file } = await ground(t)
	put(1, 'f', 'content')
	await walk()
	disk.utimesSync(node(1, 'f'), 5, 5)
	assert.deepEqual((await walk()).outcomes, { repaired: 1 })
	assert.equal(Math.floor(disk.statSync(node(1, 'f')).mtimeMs / 1_000), file('f')?.mtime)
	assert.deepEqual(conflicts(), [])
	assert.deepEqual((await walk()).outcomes, { known: 1 })
})

test('an old version that is known to be one is left alone', async (t) => {
	const { put, walk, copies, client, conflicts, read, rows } = await ground(t, 2, TWO)
	const id = writeFile(client.fs, 'f', 'new content')
	const [other] = Object.entries(copies('f')).flatMap(([node, state]) => (state.startsWith('wanted') ? Number(node) : []))
	client.catalogue.change('UPDATE file SET version = 3 WHERE id = ?', [id])
	client.catalogue.change('UPDATE replica SET version = CASE WHEN state = 1 THEN 3 ELSE 2 END WHERE file_id = ?', [id])
	put(other, 'f', 'old')
	assert.deepEqual((await walk(other)).outcomes, { outdated: 1 })
	assert.deepEqual([conflicts(), read(other, 'f'), rows('SELECT version FROM file WHERE id = ?', id)[0].version], [[], 'old', 3])
})

test('a copy that is gone is wanted again; the only one is missed and its name kept', async (t) => {
	const { put, walk, copies, node, file, client } = await ground(t, 2, TWO)
	put(1, 'both', 'both')
	put(1, 'one', 'one')
	await walk()
	client.catalogue.change('UPDATE replica SET state = 1, version = 1 WHERE node_id = 2 AND file_id = ?', [file('both')?.id ?? 0])
	disk.unlinkSync(node(1, 'both'))
	disk.unlinkSync(node(1, 'one'))
	const { outcomes, troubles } = await walk()
	assert.deepEqual(outcomes, { missing: 1 })
	assert.match(troubles.join(), /^one: the only copy is gone/)
	assert.deepEqual([copies('both')[1], copies('one')[1]], ['wanted 0', 'suspect 1'])
	assert.ok(file('one'))
	put(1, 'one', 'one')
	await walk()
	assert.deepEqual(copies('one')[1], 'good 1')
})

test('something of another kind than the tree has makes way for it', async (t) => {
	const { put, walk, copies, node, client, conflicts, file, read, rows } = await ground(t)
	put(1, 'file', 'file')
	put(1, 'dir/in', 'in')
	now(makeSymlink(client.fs, at('link'), Buffer.from('file'), { uid: 0, gid: 0 }))
	await walk()
	for (const name of ['file', 'dir', 'link']) disk.rmSync(node(1, name), { recursive: true })
	put(1, 'file/below', 'below')
	put(1, 'dir', 'no directory')
	put(1, 'link', 'no link')
	const { troubles } = await walk()
	assert.deepEqual(conflicts(), ['dir differs', 'file differs', 'link differs'])
	assert.equal(disk.readlinkSync(node(1, 'link')), 'file')
	assert.equal(copies('file')[1], 'suspect 1')
	assert.match(troubles.join(), /dir\/in: the only copy is gone/)
	assert.ok(file('dir/in'))
	const asides = rows('SELECT aside FROM conflict ORDER BY path').map(({ aside }) => `${Buffer.from(aside)}`)
	assert.deepEqual([read(1, asides[0]), read(1, `${asides[1]}/below`), read(1, asides[2])], ['no directory', 'below', 'no link'])
})

test('what a network filesystem calls a file that was removed and is open is not adopted, unless the tree knows it', async (t) => {
	const { client, put, walk, file } = await ground(t)
	const names = ['.fuse_hidden0000000700000002', '.nfs00000000000a1b2c0000000d']
	writeFile(client.fs, names[0], 'made by that name')
	await flushLater(client.fs)
	for (const [at, name] of names.entries()) {
		for (const path of [`new/${name}`, `new/beside${at}`]) put(1, path, path)
	}
	put(1, names[1], 'open')
	assert.deepEqual((await walk()).outcomes, { known: 1, directory: 1, adopted: 2, busy: 3 })
	put(1, `new/${names[0]}0`, 'of another form')
	assert.deepEqual((await walk()).outcomes, { known: 3, adopted: 1, busy: 3 })
	assert.equal(file(`new/${names[0]}`), undefined)
})

test('hard links are one file with several names, whether one of them is known or none', async (t) => {
	const { put, walk, node, file } = await ground(t)
	put(1, 'known', 'known')
	await walk()
	disk.mkdirSync(node(1, 'd'))
	disk.linkSync(node(1, 'known'), node(1, 'd/again'))
	put(1, 'x', 'x')
	disk.linkSync(node(1, 'x'), node(1, 'd/x'))
	disk.linkSync(node(1, 'x'), node(1, 'y'))
	assert.deepEqual((await walk()).outcomes, { known: 1, directory: 1, adopted: 1, linked: 3 })
	assert.deepEqual([file('d/again')?.id, file('known')?.nlink], [file('known')?.id, 2])
	assert.deepEqual([file('d/x')?.id, file('y')?.id, file('x')?.nlink], [file('x')?.id, file('x')?.id, 3])
	assert.deepEqual((await walk()).outcomes, { known: 5 })
})

test('a node that has a file of several names already has one copy of it', async (t) => {
	const { put, copy, node, walk, copies, file } = await ground(t, 2)
	put(1, 'x', 'text')
	disk.linkSync(node(1, 'x'), node(1, 'y'))
	await walk(1)
	copy('x', 1, 2)
	disk.linkSync(node(2, 'x'), node(2, 'y'))
	const { outcomes, troubles } = await walk(2)
	assert.deepEqual([outcomes, troubles, copies('x'), file('x')?.nlink], [{ copy: 2 }, [], { 1: 'good 1', 2: 'good 1' }, 2])
})

test('what is no file, directory or symlink is left alone, with a word', async (t) => {
	const { walk, node, rows, client } = await ground(t)
	const { execFileSync } = await import('node:child_process')
	execFileSync('mkfifo', [node(1, 'pipe')])
	const { outcomes, notes } = await walk()
	assert.deepEqual([outcomes, rows('SELECT * FROM entry')], [{ skipped: 1 }, []])
	assert.match(notes[0], /pipe is a fifo/)
	assert.ok(client)
})

test('a part of the tree, and what is nowhere', async (t) => {
	const { put, walk, file } = await ground(t)
	put(1, 'a/one/f', 'f')
	put(1, 'a/two/f', 'f')
	put(1, 'b/f', 'f')
	assert.deepEqual((await walk(1, { part: Buffer.from('a/two') })).outcomes, { directory: 2, adopted: 1 })
	assert.deepEqual([!!file('a/two/f'), !!file('a/one'), !!file('b')], [true, false, false])
	await walk(1, { part: Buffer.from('b/f') })
	assert.ok(file('b/f'))
	assert.match((await walk(1, { part: Buffer.from('c/d') })).troubles.join(), /^c\/d: neither the node nor the tree has it/)
})

test('a dry run says what it would do and changes nothing', async (t) => {
	const { put, walk, rows, client, read, copies } = await ground(t, 2, TWO)
	writeFile(client.fs, 'f', 'content')
	const [other] = Object.entries(copies('f')).flatMap(([node, state]) => (state.startsWith('wanted') ? Number(node) : []))
	put(other, 'f', 'CONTENT')
	put(other, 'd/new', 'new')
	const before = ['file', 'entry', 'replica', 'change', 'conflict'].map((table) => rows(`SELECT * FROM \`${table}\``))
	const { outcomes, notes } = await walk(other, { dryRun: true })
	assert.deepEqual(outcomes, { conflict: 1, directory: 1, adopted: 1 })
	const name = client.fs.nodes.get(other)?.name
	assert.deepEqual(notes.filter((line) => line.includes('would adopt')).sort(), [`node ${name}: would adopt d`, `node ${name}: would adopt d/new`])
	assert.deepEqual(
		['file', 'entry', 'replica', 'change', 'conflict'].map((table) => rows(`SELECT * FROM \`${table}\``)),
		before,
	)
	assert.equal(read(other, 'f'), 'CONTENT')
})

test('a dry run counts hard links in a new directory as the walk does', async (t) => {
	const { put, walk, node } = await ground(t)
	put(1, 'd/f', 'f')
	disk.linkSync(node(1, 'd/f'), node(1, 'd/g'))
	const { outcomes, notes } = await walk(1, { dryRun: true })
	assert.deepEqual(notes.map((line) => line.replace(/^node \S+: /, '')), ['would adopt d', 'would adopt d/f', 'would adopt d/g, another name of a file'])
	assert.deepEqual([outcomes, (await walk()).outcomes], [{ directory: 1, adopted: 1, linked: 1 }, { directory: 1, adopted: 1, linked: 1 }])
})

test('what mkfs made in the root of a disk is no part of the tree, and a directory of that name is', async (t) => {
	const { put, walk, client, file } = await ground(t)
	put(1, 'lost+found/#12', 'found by fsck')
	put(1, 'd/lost+found/f', 'f')
	let isOfMkfs = true
	change(client, 1, ({ stat }) => ({
		stat: (path) => (`${path}` === 'lost+found' && isOfMkfs ? { ...(stat(path) as Stat), ino: 11 } : stat(path)),
	}))
	const { outcomes, notes } = await walk()
	assert.deepEqual(outcomes, { skipped: 1, directory: 2, adopted: 1 })
	assert.match(notes.join(), /lost\+found is of its filesystem and is left alone/)
	assert.deepEqual([!!file('lost+found'), !!file('d/lost+found/f')], [false, true])
	isOfMkfs = false
	assert.deepEqual((await walk()).outcomes, { known: 1, directory: 1, adopted: 1 })
})

test('reading everything again finds what rotted with its size and time unchanged', async (t) => {
	const { put, walk, copies, node, conflicts } = await ground(t)
	put(1, 'f', 'content')
	put(1, 'g', 'content')
	disk.utimesSync(node(1, 'f'), 5, 5)
	await walk()
	disk.writeFileSync(node(1, 'f'), 'cOntent')
	disk.utimesSync(node(1, 'f'), 5, 5)
	assert.deepEqual((await walk()).outcomes.known, 2)
	assert.deepEqual((await walk(1, { rehash: true })).outcomes, { proved: 1, conflict: 1 })
	assert.deepEqual([conflicts(), copies('f'), copies('g')], [['f damaged in place'], { 1: 'suspect 1' }, { 1: 'good 1' }])
})

test('a file that cannot be read is named, and the rest goes on', async (t) => {
	const { put, walk, file, client } = await ground(t)
	put(1, 'bad', 'bad')
	put(1, 'good', 'good')
	const { fs } = client
	Object.assign(fs.nodes.get(1) as object, { remote: true })
	change(client, 1, ({ open }) => ({
		open: (path, flags) =>
			`${path}` === 'bad' ? Promise.reject(Object.assign(new Error('EIO'), { code: 'EIO' })) : open(path, flags),
	}))
	const { outcomes, troubles } = await walk()
	assert.deepEqual([outcomes, troubles], [{ adopted: 1 }, ['bad: cannot be read: EIO']])
	assert.deepEqual([!!file('good'), !!file('bad')], [true, false])
})

test('directories of the tree that the node does not have cost nothing and mean nothing', async (t) => {
	const { walk, client, file } = await ground(t)
	now(makeDirectory(client.fs, at('d'), { ...OWNER, mode: 0o755 }))
	assert.deepEqual(await walk(), { outcomes: {}, troubles: [], notes: [], stopped: false, holder: '' })
	assert.ok(file('d'))
})
