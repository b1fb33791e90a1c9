/** A catalogue made from what is damaged, older than the files, or not there at all. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { KIND } from '../../core/catalogue/files.ts'
import { setAttributes } from '../../core/filesystem/attributes.ts'
import { makeDirectory, makeSpecial } from '../../core/filesystem/create.ts'
import { getAttributes } from '../../core/filesystem/lookup.ts'
import { dumpJob } from '../../replicator/manifest/dump-job.ts'
import { manifest } from '../../replicator/manifest/manifest.ts'
import { replicate } from '../../replicator/replicate/replicate.ts'
import { at, type Installation, installation, now, OWNER, writeFile } from '../unit/installation.ts'
import { assertSame, CLASSES, lose, once, onEach, reindex, rowsOf } from './reindex-ground.ts'

test('what is damaged in the newest manifest comes from an older one, and from a dump', async (t) => {
	const place = await installation(t, 2, CLASSES)
	const client = await place.start()
	const directory = now(makeDirectory(client.fs, at('d'), OWNER)).id
	for (let i = 0; i < 2_100; i++) now(makeSpecial(client.fs, at(`f${i}`, directory), OWNER, KIND.fifo, i))
	await once(client, dumpJob, 1)
	await once(client, manifest(), 1)
	const last = now(makeSpecial(client.fs, at('last'), OWNER, KIND.fifo, 1)).id
	await once(client, manifest(), 1)
	await once(client, manifest(), 2)
	const before = rowsOf(place)
	await lose(place, client)
	const damage = (number: number, shard: number) => {
		const folder = place.node(number, '.cairn/manifest')
		const base = readdirSync(folder).find((name) => name.startsWith('base')) as string
		const path = join(folder, base, String(shard).padStart(6, '0'))
		const bytes = readFileSync(path)
		writeFileSync(path, bytes.subarray(0, bytes.length >> 1))
	}
	damage(2, 0)
	const first = await reindex(t, place, [1, 2])
	assert.ok(first.notes.some((line) => /damaged/.test(line)))
	assertSame(rowsOf(place), before)

	await lose(place, first.client)
	damage(1, 0)
	const second = await reindex(t, place, [1, 2])
	assertSame(rowsOf(place), before)
	assert.ok(rowsOf(place).file.some((row) => String(row).includes(`["id",${last}]`)))

	await lose(place, second.client)
	rmSync(place.node(1, '.cairn/manifest'), { recursive: true })
	rmSync(place.node(2, '.cairn/manifest'), { recursive: true })
	await reindex(t, place, [1, 2])
	assert.equal(rowsOf(place).file.length, before.file.length - 1, 'the dump alone')
})

test('a file written after the manifest has its new content, and the other copy is replaced', async (t) => {
	const place = await installation(t, 2, CLASSES)
	const client = await place.start()
	const directory = now(makeDirectory(client.fs, at('precious'), OWNER)).id
	const id = writeFile(client.fs, 'f', 'old', directory)
	const both = writeFile(client.fs, 'both', 'old', directory)
	await onEach(client, replicate)
	await onEach(client, () => manifest())
	await lose(place, client)
	writeFileSync(place.node(2, 'precious/f'), 'newer')
	writeFileSync(place.node(1, 'precious/both'), 'one')
	writeFileSync(place.node(2, 'precious/both'), 'other')
	utimesSync(place.node(2, 'precious/both'), 4e9, 4e9)
	writeFileSync(place.node(1, 'precious/unknown'), 'created since')
	const made = await reindex(t, place, [1, 2])
	const copies = (of: number) => copiesOf(place, of)
	assert.deepEqual(copies(id), [
		[1, 2],
		[2, 1],
	])
	await onEach(made.client, replicate)
	assert.equal(readFileSync(place.node(1, 'precious/f'), 'utf8'), 'newer')
	assert.equal(readFileSync(place.node(1, 'precious/both'), 'utf8'), 'other')
	assert.deepEqual(copies(both), [
		[1, 1],
		[2, 1],
	])
	const aside = readdirSync(place.node(1, '.cairn/conflicts')).map((name) =>
		readFileSync(place.node(1, `.cairn/conflicts/${name}`), 'utf8'),
	)
	assert.deepEqual(aside, ['one'])
	const listed = await made.client.catalogue.all<{ path: Uint8Array; file_id: number; reason: string }>('SELECT path, file_id, reason FROM conflict')
	assert.deepEqual(listed.map(({ path, ...rest }) => ({ path: `${Buffer.from(path)}`, ...rest })), [{ path: 'precious/both', file_id: both, reason: 'differs' }])
	assert.ok(rowsOf(place).entry.some((row) => String(row).includes('unknown')))
})

test('a file closed to others after the manifest was written stays closed to them', async (t) => {
	const place = await installation(t, 2, CLASSES)
	const client = await place.start()
	const directory = now(makeDirectory(client.fs, at('precious'), OWNER)).id
	const closed = writeFile(client.fs, 'closed', 'secret', directory)
	const same = writeFile(client.fs, 'same', 'content', directory)
	now(setAttributes(client.fs, closed, { mode: 0o4755 }))
	now(setAttributes(client.fs, same, { mode: 0o4711 }))
	await onEach(client, replicate)
	await onEach(client, () => manifest())
	now(setAttributes(client.fs, closed, { mode: 0o4700 }))
	await lose(place, client)
	const { client: again, looked } = await reindex(t, place, [1, 2])
	assert.deepEqual([closed, same].map((id) => now(getAttributes(again.fs, id)).mode), [0o4700, 0o4711])
	for (const number of [1, 2]) assert.equal(statSync(place.node(number, 'precious/closed')).mode & 0o777, 0o700)
	assert.deepEqual(looked[0].outcomes, { permissions: 1, known: 1 })
})

function copiesOf(place: Installation, id: number): number[][] {
	const database = new DatabaseSync(join(place.directory, 'catalogue.db'), { readOnly: true })
	try {
		return database
			.prepare('SELECT node_id, state FROM replica WHERE file_id = ? ORDER BY node_id')
			.all(id)
			.map((row) => [Number(row.node_id), Number(row.state)])
	} finally {
		database.close()
	}
}

test('with no manifest and no dump at all the files come back, each with its copies', async (t) => {
	const place = await installation(t, 2, CLASSES)
	const client = await place.start()
	const directory = now(makeDirectory(client.fs, at('precious'), OWNER)).id
	for (let i = 0; i < 5; i++) writeFile(client.fs, `f${i}`, `text ${i}`, directory)
	await onEach(client, replicate)
	await lose(place, client)
	await reindex(t, place, [1, 2])
	const rows = rowsOf(place)
	assert.equal(rows.file.length, 7)
	assert.equal(rows.replica.length, 10)
	assert.deepEqual(
		rows.node.map((row) => JSON.parse(String(row))[1][1]),
		['node1', 'node2'],
	)
	const database = new DatabaseSync(join(place.directory, 'catalogue.db'), { readOnly: true })
	t.after(() => database.close())
	assert.deepEqual(database.prepare('SELECT name FROM node WHERE since = 0').all(), [], 'in this state since 1970')
})

test('a node that is away keeps its id, its name and its copies', async (t) => {
	const place = await installation(t, 2, CLASSES)
	const client = await place.start()
	const directory = now(makeDirectory(client.fs, at('precious'), OWNER)).id
	const id = writeFile(client.fs, 'f', 'text', directory)
	await onEach(client, replicate)
	await onEach(client, () => manifest())
	await lose(place, client)
	renameSync(place.node(2), `${place.node(2)}-away`)
	await reindex(t, place, [1])
	assert.deepEqual(copiesOf(place, id), [
		[1, 1],
		[2, 1],
	])
})
