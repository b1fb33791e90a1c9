/** A catalogue that is lost comes back from the nodes: everything of it, from whatever is left. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import type { Driver } from '../../core/catalogue/driver.ts'
import { KIND } from '../../core/catalogue/files.ts'
import * as files from '../../core/catalogue/files.ts'
import { endMarked } from '../../core/catalogue/dump/fill.ts'
import { makeTree } from '../../core/catalogue/initialise.ts'
import * as volumes from '../../core/catalogue/object-volumes.ts'
import * as objects from '../../core/catalogue/objects.ts'
import { openSqlite } from '../../core/catalogue/sqlite.ts'
import { setAttributes } from '../../core/filesystem/attributes.ts'
import { makeDirectory, makeSpecial, makeSymlink } from '../../core/filesystem/create.ts'
import { transact } from '../../core/filesystem/filesystem.ts'
import { stopFilesystem } from '../../core/filesystem/start.ts'
import { getAttributes } from '../../core/filesystem/lookup.ts'
import { link } from '../../core/filesystem/links.ts'
import { removeDirectory, unlink } from '../../core/filesystem/remove.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { type StoreOptions, storeWhole } from '../../core/filesystem/store.ts'
import { setXattr } from '../../core/filesystem/xattrs.ts'
import type { Node } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { dumpJob } from '../../replicator/manifest/dump-job.ts'
import { manifest } from '../../replicator/manifest/manifest.ts'
import { fill } from '../../replicator/reindex/fill.ts'
import { takeNewer } from '../../replicator/reindex/newer.ts'
import { planOf } from '../../replicator/reindex/sources.ts'
import { survey } from '../../replicator/reindex/survey.ts'
import { replicate } from '../../replicator/replicate/replicate.ts'
import { type Job, runJob } from '../../replicator/replicator.ts'
import type { Summary } from '../../replicator/run.ts'
import { walk } from '../../replicator/walk/walk.ts'
import { randomFrom, seedOfRun } from '../support/random.ts'
import { at, type Client, type Installation, installation, now, OWNER, writeFile } from '../unit/installation.ts'

const CLASSES = [
	{ name: 'precious', pattern: '^precious/', copies: 2 },
	{ name: 'default', pattern: '', copies: 1 },
]
const never = new AbortController().signal

async function once({ fs }: Client, job: Job, number: number): Promise<Summary> {
	const { summary } = await runJob(fs, fs.nodes.get(number) as Node, job, { signal: never })
	assert.ok(summary)
	return summary
}

async function onEach(client: Client, job: () => Job): Promise<void> {
	for (const id of client.fs.nodes.keys()) await once(client, job(), id)
}

/** The catalogue is gone, with all that was running. */
async function lose(place: Installation, client: Client): Promise<void> {
	await stopFilesystem(client.fs)
	for (const end of ['', '-wal', '-shm']) rmSync(join(place.directory, `catalogue.db${end}`), { force: true })
}

interface Made {
	client: Client
	notes: string[]
	/** What was found when the nodes were looked at. */
	looked: Summary[]
}

async function reindex(t: TestContext, place: Installation, numbers: readonly number[]): Promise<Made> {
	const notes: string[] = []
	const found = await survey({
		directories: numbers.map((number) => ({ path: place.node(number) })),
		from: [],
		note: (line) => notes.push(line),
	})
	const plan = await planOf(found, (line) => notes.push(line))
	const driver: Driver = openSqlite(join(place.directory, 'catalogue.db'), { timeoutMs: 5_000 })
	t.after(() => driver.close())
	await fill(driver, found, plan, (line) => notes.push(line))
	await makeTree(driver, { owner: { uid: 0, gid: 0 }, classes: CLASSES, now: { s: 1, ns: 0 } })
	const client = await place.start()
	const best = plan.parts[plan.parts.length - 1]?.source
	const knownAt = best && 'found' in best ? Date.parse(best.found.state.date) / 1000 : 0
	const looked = [await once(client, takeNewer(knownAt), numbers[0])]
	await endMarked(driver)
	for (const node of client.fs.nodes.values()) if (existsSync(node.root)) looked.push(await once(client, walk(), node.id))
	return { client, notes, looked }
}

const TABLES = {
	node: 'SELECT id, name, path, zone, state, uuid, io, reserve, weight FROM node ORDER BY id',
	class: 'SELECT * FROM class ORDER BY id',
	file: 'SELECT * FROM file ORDER BY id',
	entry: 'SELECT * FROM entry ORDER BY parent_id, name',
	replica:
		'SELECT file_id, node_id, CASE state WHEN 1 THEN version ELSE 0 END AS version, state, verified_at FROM replica ORDER BY file_id, node_id',
	xattr: 'SELECT * FROM xattr ORDER BY file_id, name',
	object: 'SELECT * FROM object ORDER BY id',
	object_volume: 'SELECT * FROM object_volume ORDER BY id',
}

/** Past everything of ours. */
function rowsOf(place: Installation): Record<string, unknown[]> {
	const database = new DatabaseSync(join(place.directory, 'catalogue.db'), { readOnly: true })
	try {
		return Object.fromEntries(Object.entries(TABLES).map(([table, sql]) => [table, database.prepare(sql).all().map(asText)]))
	} finally {
		database.close()
	}
}

function asText(row: Record<string, unknown>): string {
	return JSON.stringify(
		Object.entries(row).map(([name, value]) => [
			name,
			value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
		]),
	)
}

/** Says which rows differ, and not all that do not. */
function assertSame(actual: Record<string, unknown[]>, expected: Record<string, unknown[]>): void {
	for (const table of Object.keys(TABLES)) {
		const [have, want] = [new Set(actual[table]), new Set(expected[table])]
		const differences = [...want.difference(have)].slice(0, 5).map((row) => `- ${row}`)
		differences.push(...[...have.difference(want)].slice(0, 5).map((row) => `+ ${row}`))
		assert.deepEqual(differences, [], table)
		assert.equal(actual[table].length, expected[table].length, table)
	}
}

const ODD_NAMES = ['a', 'A', 'a ', 'ä', '\n', '*?"', '-rf', 'x'.repeat(255), '\\', '🐎'].map((name) => Buffer.from(name))
ODD_NAMES.push(Buffer.from([0xff, 0xfe, 0x80]))

test('everything there is comes back, after whatever happened between two manifests', async (t) => {
	const seed = seedOfRun()
	t.diagnostic(`CAIRN_TEST_SEED=${seed}`)
	const random = randomFrom(seed)
	const place = await installation(t, 3, CLASSES)
	const client = await place.start()
	const { fs } = client
	const directories = [1, now(makeDirectory(fs, at('precious'), OWNER)).id]
	const attempt = (act: () => unknown) => {
		try {
			act()
		} catch (error) {
			if (!/^E[A-Z]+$/.test(String((error as { code?: string }).code))) throw error
		}
	}
	const somewhere = () => ({
		parent: random.pick(directories),
		name: random.chance(0.3) ? random.pick(ODD_NAMES) : Buffer.from(`n${random.below(40)}`),
	})
	const someFile = () => Number(random.pick(place.rows('SELECT id FROM file'))?.id)
	const steps: Array<() => unknown> = [
		() => writeFile(fs, `w${random.below(60)}`, random.bytes(random.below(3_000)).toString('latin1'), random.pick(directories)),
		() => directories.push(now(makeDirectory(fs, somewhere(), { ...OWNER, mode: 0o2750 })).id),
		() => now(makeSymlink(fs, somewhere(), Buffer.from([0x2e, 0x2e, 0x2f, 0xff, 0x0a]), { uid: 3, gid: 4 })),
		() =>
			now(
				makeSpecial(
					fs,
					somewhere(),
					{ mode: 0o640, uid: 1, gid: 2 },
					random.pick([KIND.fifo, KIND.socket, KIND.character]),
					random.below(9_999),
				),
			),
		() => now(link(fs, someFile(), somewhere())),
		() => now(rename(fs, somewhere(), somewhere(), random.pick(['replace', 'noreplace', 'exchange'] as const))),
		() => now(unlink(fs, somewhere())),
		() => now(removeDirectory(fs, somewhere())),
		() =>
			now(
				setXattr(fs, someFile(), Buffer.from(`user.x${random.below(3)}`), random.bytes(random.below(50)), {
					create: false,
					replace: false,
				}),
			),
		() =>
			now(
				setAttributes(fs, someFile(), {
					mode: random.pick([0o4755, 0o600, 0o1777]),
					uid: random.below(70_000),
					mtime: { s: random.below(2 ** 33), ns: random.below(1e9) },
				}),
			),
	]
	for (let i = 0; i < 600; i++) {
		attempt(random.pick(steps))
		if (i % 150 === 149) await once(client, manifest(), 1 + random.below(3))
		if (i === 300) await onEach(client, replicate)
	}
	await onEach(client, () => manifest())
	const before = rowsOf(place)
	assert.ok(before.file.length > 100)
	await lose(place, client)
	// Any node alone knows it all.
	for (const number of random.chance(0.5) ? [2] : [1, 3]) rmSync(place.node(number, '.cairn/manifest'), { recursive: true })
	const { looked } = await reindex(t, place, [1, 2, 3])
	assertSame(rowsOf(place), before)
	assert.deepEqual(
		looked.map(({ troubles }) => troubles),
		[0, 0, 0, 0],
	)
})

test('ids go on above all that were given out, and what was deleted before the newest manifest stays deleted', async (t) => {
	const place = await installation(t, 2, CLASSES)
	const client = await place.start()
	const kept = writeFile(client.fs, 'kept', 'k')
	const gone = now(makeSpecial(client.fs, at('gone'), OWNER, KIND.fifo, 0)).id
	await once(client, manifest(), 1)
	now(unlink(client.fs, at('gone')))
	await once(client, manifest(), 2)
	await lose(place, client)
	const made = await reindex(t, place, [1, 2])
	const names = rowsOf(place).entry.join()
	assert.ok(names.includes('kept') && !names.includes('gone'))
	assert.ok(writeFile(made.client.fs, 'new', 'n') > Math.max(kept, gone))
})

test('ids of objects come back with their files, uploaded anew, moved and removed between two manifests', async (t) => {
	const place = await installation(t, 2, CLASSES)
	const client = await place.start()
	const { fs } = client
	await transact(fs, function* (tx) {
		volumes.add(tx, { collection: 'pictures', ttl: '', zone: '', replication: '' }, fs.capabilities)
	})
	const upload = async (id: number, name: string, text: string) => {
		const also: StoreOptions['also'] = (tx, { id: file_id, version }) =>
			objects.set(tx, { id, volume_id: 1, cookie: 2 ** 32 - id, file_id, version, crc: text.length, name: `${name} 🐎`, mime: 'image/png', headers: '{"a":"b"}' }, id === 3 ? 5_000 : 0, fs.capabilities)
		await run(storeWhole(fs, { place: at(name), path: Buffer.from(name), attributes: OWNER }, Buffer.from(text), { flags: files.FLAG_IS_OBJECT, also }))
	}
	for (const id of [1, 2, 3, 4]) await upload(id, `o${id}`, 'first')
	await onEach(client, () => manifest())
	await upload(2, 'o2', 'second upload')
	now(rename(fs, at('o3'), at('moved'), 'replace'))
	now(unlink(fs, at('o4')))
	await upload(5, 'o5', 'late')
	await onEach(client, () => manifest())
	const before = rowsOf(place)
	assert.equal(before.object.length, 4)
	await lose(place, client)
	await reindex(t, place, [1, 2])
	assertSame(rowsOf(place), before)
})

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
