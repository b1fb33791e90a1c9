/** Making copies of files that somebody changes meanwhile. */
import assert from 'node:assert/strict'
import * as disk from 'node:fs'
import { test } from 'node:test'
import { setAttributes } from '../../core/filesystem/attributes.ts'
import { makeDirectory } from '../../core/filesystem/create.ts'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { open } from '../../core/filesystem/open.ts'
import { publish, release } from '../../core/filesystem/publish.ts'
import { unlink } from '../../core/filesystem/remove.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { setTimes } from '../support/libc.ts'
import { at, createFile, now, writeFile } from '../unit/installation.ts'
import { makeCopies } from './copying.ts'
import { once, prepare, type Prepared, rewrite } from './replicate-ground.ts'

test('a file whose other copies change while it is copied is copied once', async (t) => {
	const { fs, rows, statesOf, node } = await prepare(t, 4, 2)
	fs.config.replicator.copiesAtOnce = 2
	const names = ['f', 'g', 'h']
	const [f, g, h] = names.map((name) => writeFile(fs, name, name)) as [number, number, number]
	await flushLater(fs)
	rows('DELETE FROM replica')
	const good = (id: number, ...nodes: number[]) => {
		for (const on of nodes) rows('INSERT INTO replica (file_id, node_id, version, state) VALUES (?, ?, 1, 1)', id, on)
	}
	// Those with one good copy are looked for first, then those with two, then those with three.
	for (const [id, ...nodes] of [[f, 1], [g, 1, 3], [h, 1, 3, 4]] as const) {
		good(id, ...nodes)
		rows('INSERT INTO replica (file_id, node_id, version, state) VALUES (?, 2, 0, 2)', id)
	}
	for (const on of [1, 3, 4]) for (const [index, name] of names.entries()) copyTo(node(on, name), name, rows, [f, g, h][index] as number)
	const copied: number[] = []
	const [first, last] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
	const { summary, notes } = await makeCopies(fs, 2, {
		async hold(point, files) {
			if (point === 'looked' && files.includes(g)) await first.promise
			if (point !== 'copied') return
			copied.push(...files)
			if (files.includes(h)) return last.resolve()
			if (!files.includes(f)) return
			good(f, 3, 4)
			first.resolve()
			await last.promise
		},
	})
	assert.deepEqual([copied.sort(), summary.outcomes, notes], [[f, g, h], { copied: 3 }, []])
	assert.deepEqual([statesOf(f)[1], disk.readFileSync(node(2, 'f'), 'utf8')], ['2: 1@1', 'f'])
})

/** With the times that the catalogue has. */
function copyTo(path: string, text: string, rows: Prepared['rows'], id: number): void {
	disk.writeFileSync(path, text)
	const [{ mtime, mtime_ns }] = rows('SELECT mtime, mtime_ns FROM file WHERE id = ?', id)
	const time = { seconds: mtime, nanoseconds: mtime_ns }
	setTimes(path, time, time)
}

test('rewritten while it is copied: busy, and the next run copies the new content', async (t) => {
	const { fs, node, statesOf, incoming } = await prepare(t, 2)
	const id = writeFile(fs, 'f', 'old content')
	await flushLater(fs)
	const first = await makeCopies(fs, 2, { hold: once('copied', () => rewrite(fs, id, 'new content')) })
	assert.deepEqual(first.summary.outcomes, { busy: 1 })
	assert.equal(disk.existsSync(node(2, 'f')), false)
	assert.deepEqual(incoming(2), [])
	await flushLater(fs)
	const second = await makeCopies(fs, 2)
	assert.deepEqual(second.summary.outcomes, { copied: 1 })
	assert.equal(disk.readFileSync(node(2, 'f'), 'utf8'), 'new content')
	assert.deepEqual(statesOf(id), ['1: 1@2', '2: 1@2'])
})

test('opened for writing while it is copied: busy', async (t) => {
	const { fs, node } = await prepare(t, 2)
	const id = writeFile(fs, 'f', 'content')
	await flushLater(fs)
	const made = await makeCopies(fs, 2, { hold: once('copied', () => void now(open(fs, id, { write: true, truncate: false }))) })
	assert.deepEqual(made.summary.outcomes, { busy: 1 })
	assert.equal(disk.existsSync(node(2, 'f')), false)
})

test('a file that is being written is left to the next run', async (t) => {
	const { fs } = await prepare(t, 2)
	const file = createFile(fs, 'f')
	file.node.operations.write(file.fd, Buffer.from('half'), 0)
	now(publish(fs, file))
	assert.deepEqual((await makeCopies(fs, 2)).summary.outcomes, { busy: 1 })
	now(release(fs, file, true))
	await flushLater(fs)
	assert.deepEqual((await makeCopies(fs, 2)).summary.outcomes, { copied: 1 })
})

test('renamed while it is copied, and its directory too: the copy comes to the name it has then', async (t) => {
	const { fs, start, node } = await prepare(t, 2)
	const directory = now(makeDirectory(fs, at('d'), { mode: 0o755, uid: 0, gid: 0 }))
	const id = writeFile(fs, 'f', 'content', directory.id)
	await flushLater(fs)
	// The catalogue has its hash: without it a copy read under another name is not trusted.
	const { hash } = await import('node:crypto')
	fs.catalogue.change('UPDATE file SET hash = ?, hash_version = version WHERE id = ?', [hash('sha256', 'content', 'buffer'), id])
	const other = await start()
	const hold = once('copied', () => {
		now(rename(other.fs, at('f', directory.id), at('g', directory.id), 'replace'))
		now(rename(other.fs, at('d'), at('e'), 'replace'))
		return flushLater(other.fs)
	})
	const made = await makeCopies(fs, 2, { hold })
	assert.deepEqual([made.summary.outcomes, made.troubles], [{ copied: 1 }, []])
	assert.equal(disk.readFileSync(node(2, 'e/g'), 'utf8'), 'content')
	assert.equal(disk.existsSync(node(2, 'd')), false)
})

test('renamed while it is copied, and nothing to tell its content by: not this time', async (t) => {
	const { fs, node } = await prepare(t, 2)
	writeFile(fs, 'f', 'content')
	await flushLater(fs)
	const first = await makeCopies(fs, 2, { hold: once('copied', () => now(rename(fs, at('f'), at('g'), 'replace'))) })
	assert.deepEqual(first.summary.outcomes, { busy: 1 })
	assert.deepEqual((await makeCopies(fs, 2)).summary.outcomes, { copied: 1 })
	assert.equal(disk.readFileSync(node(2, 'g'), 'utf8'), 'content')
})

test('deleted while it is copied, and another made of that name: no copy of the old one appears', async (t) => {
	const { fs, node, incoming, rows } = await prepare(t, 2)
	writeFile(fs, 'f', 'old')
	await flushLater(fs)
	const hold = once('copied', () => {
		now(unlink(fs, at('f')))
		writeFile(fs, 'f', 'another')
	})
	const made = await makeCopies(fs, 2, { hold })
	assert.deepEqual(made.summary.outcomes, { gone: 1 })
	assert.deepEqual(incoming(2), [])
	await flushLater(fs)
	await makeCopies(fs, 2)
	await makeCopies(fs, 1)
	for (const number of [1, 2]) assert.equal(disk.readFileSync(node(number, 'f'), 'utf8'), 'another')
	assert.equal(rows('SELECT * FROM replica WHERE state = 1').length, 2)
})

test('the mode is changed while it is copied: the copy has the new one', async (t) => {
	const { fs, node } = await prepare(t, 2)
	const id = writeFile(fs, 'f', 'content')
	await flushLater(fs)
	await makeCopies(fs, 2, { hold: once('copied', () => void now(setAttributes(fs, id, { mode: 0o600 }))) })
	assert.equal(disk.statSync(node(2, 'f')).mode & 0o777, 0o600)
})

test('a file that was given another name while it was copied is not named as one that cannot be read', async (t) => {
	const { fs, node, incoming } = await prepare(t, 2)
	writeFile(fs, 'f', 'content')
	await flushLater(fs)
	const move = async () => {
		now(rename(fs, at('f'), at('g'), 'replace'))
		await flushLater(fs)
	}
	const made = await makeCopies(fs, 2, { hold: once('looked', move) })
	assert.deepEqual([made.summary.outcomes, made.troubles, made.notes], [{ busy: 1 }, [], []])
	assert.deepEqual(incoming(2), [])
	await makeCopies(fs, 2)
	assert.equal(disk.readFileSync(node(2, 'g'), 'utf8'), 'content')
})

test('a file that was removed while it was copied is gone, and no trouble', async (t) => {
	const { fs } = await prepare(t, 2)
	writeFile(fs, 'f', 'content')
	await flushLater(fs)
	const remove = async () => {
		now(unlink(fs, at('f')))
		await flushLater(fs)
	}
	const made = await makeCopies(fs, 2, { hold: once('looked', remove) })
	assert.deepEqual([made.summary.outcomes, made.troubles, made.notes], [{ gone: 1 }, [], []])
})

test('another file of that name was read, and its hash is another: no copy is spoken ill of', async (t) => {
	const { fs, rows } = await prepare(t, 2)
	const id = writeFile(fs, 'f', 'old')
	await flushLater(fs)
	rows("UPDATE file SET hash = x'00', hash_version = version WHERE id = ?", id)
	const hold = once('looked', async () => {
		now(unlink(fs, at('f')))
		writeFile(fs, 'f', 'new')
		await flushLater(fs)
	})
	const made = await makeCopies(fs, 2, { hold })
	assert.deepEqual(made.summary.outcomes, { gone: 1 })
	assert.deepEqual([...made.notes, ...made.troubles], [])
})
