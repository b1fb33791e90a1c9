/** Copies are read, oldest proof first; a bad one is kept aside and wanted anew, the last one is left where it is. */
import assert from 'node:assert/strict'
import * as disk from 'node:fs'
import { test, type TestContext } from 'node:test'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import { fail } from '../../core/errors.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { makeSymlink, makeDirectory } from '../../core/filesystem/create.ts'
import { link } from '../../core/filesystem/links.ts'
import { open } from '../../core/filesystem/open.ts'
import { rename } from '../../core/filesystem/rename.ts'
import type { Node } from '../../core/nodes/node.ts'
import { KINDS } from '../../replicator/service/jobs.ts'
import { recheck, verify, type VerifyOptions } from '../../replicator/verify/verify.ts'
import { at, type Client, installation, now, setState, setUp, writeFile } from '../unit/installation.ts'
import { copiedFile, holders, putCopy, runOn, setCopy, sha256, states } from './copies.ts'

const { good, wanted, suspect } = REPLICA
const TWO = [{ name: 'two', pattern: '', copies: 2 }]

async function two(t: TestContext) {
	const place = await installation(t, 2, TWO)
	const client = await place.start()
	const id = await copiedFile(place, client, 'f', 'text', [1, 2])
	const check = (options: VerifyOptions = { all: true }, node = 1) => runOn(client.fs, node, verify(options))
	const conflicts = () =>
		place
			.rows('SELECT node_id, path, aside, file_id, reason FROM conflict ORDER BY id')
			.map((row) => ({ ...row, path: `${Buffer.from(row.path)}`, aside: `${Buffer.from(row.aside)}` }))
	return { place, client, id, fs: client.fs, catalogue: client.catalogue, check, conflicts }
}

test('a copy that is right is proved', async (t) => {
	const { place, id, catalogue, check } = await two(t)
	await catalogue.change('UPDATE replica SET verified_at = 1000')
	const { outcomes, bytes, troubles } = await check({})
	assert.deepEqual({ outcomes, bytes, troubles }, { outcomes: { good: 1 }, bytes: 4, troubles: 0 })
	const [mine, other] = place.rows('SELECT verified_at, unixepoch() AS now FROM replica WHERE file_id = ? ORDER BY node_id', id)
	assert.ok(mine.now - mine.verified_at < 60)
	assert.equal(other.verified_at, 1000)
})

const DAMAGES: Record<string, string | Buffer> = {
	'a flipped bit': 'tex\x75',
	zeroes: Buffer.alloc(4),
	'a shorter copy': 'te',
	'an empty copy': '',
	'a longer copy': 'text and more',
}

for (const [what, bytes] of Object.entries(DAMAGES)) {
	test(`${what}, at the old time: kept aside, wanted anew`, async (t) => {
		const { place, fs, id, check, conflicts } = await two(t)
		putCopy(place, fs, { id, node: 1, name: 'f' }, bytes)
		const nodes: number[] = []
		const { outcomes, notes, troubles } = await check({ all: true, onWanted: (node) => nodes.push(node) })
		assert.deepEqual({ outcomes, troubles, nodes }, { outcomes: { damaged: 1 }, troubles: 0, nodes: [1] })
		assert.match(notes.join(), /^f: .* on node1; kept as .cairn\/conflicts\/.*-f; a new copy is wanted$/)
		assert.deepEqual(states(place, id), { 1: wanted, 2: good })
		assert.equal(place.rows('SELECT version FROM replica WHERE node_id = 1')[0].version, 0)
		assert.ok(!disk.existsSync(place.node(1, 'f')))
		const [conflict] = conflicts()
		assert.deepEqual([conflict.node_id, conflict.path, conflict.file_id, conflict.reason], [1, 'f', id, 'damaged'])
		assert.deepEqual(disk.readFileSync(place.node(1, conflict.aside)), Buffer.from(bytes))
		assert.deepEqual(place.rows('SELECT * FROM intent'), [])
	})
}

test('nothing there: wanted anew; a directory there: kept aside', async (t) => {
	const { place, id, catalogue, check, conflicts } = await two(t)
	disk.unlinkSync(place.node(1, 'f'))
	assert.deepEqual((await check()).outcomes, { missing: 1 })
	assert.deepEqual([states(place, id), conflicts()], [{ 1: wanted, 2: good }, []])
	disk.mkdirSync(place.node(1, 'f/below'), { recursive: true })
	await setCopy(catalogue, id, 1, good)
	assert.deepEqual((await check()).outcomes, { damaged: 1 })
	assert.equal(conflicts()[0].reason, 'differs')
	assert.ok(disk.statSync(place.node(1, `${conflicts()[0].aside}/below`)).isDirectory())
})

test('changed past the catalogue: kept aside as another content', async (t) => {
	const { place, check, conflicts } = await two(t)
	disk.writeFileSync(place.node(1, 'f'), 'best')
	assert.deepEqual((await check()).outcomes, { damaged: 1 })
	assert.equal(conflicts()[0].reason, 'differs')
})

test('touched and not changed is no damage', async (t) => {
	const { place, check } = await two(t)
	disk.utimesSync(place.node(1, 'f'), 1, 1)
	assert.deepEqual((await check()).outcomes, { good: 1 })
})

test('the disk gives no bytes: kept aside', async (t) => {
	const { place, fs, id, check } = await two(t)
	const before = (fs.nodes.get(1) as Node).remote
	assert.equal(before, false)
	// A remote node is read through its operations, and these can be made to fail.
	const node = fs.nodes.get(1) as Node
	Object.assign(node, { remote: true })
	const { operations } = node
	const read = operations.read
	operations.read = () => {
		throw Object.assign(new Error('lost'), { code: 'EIO' })
	}
	assert.deepEqual((await check()).outcomes, { damaged: 1 })
	operations.read = read
	assert.deepEqual(states(place, id), { 1: wanted, 2: good })
})

test('the only copy stays, is not read any more, and is good again when it is right again', async (t) => {
	const { place, fs, id, catalogue, check, conflicts } = await two(t)
	await catalogue.change('DELETE FROM replica WHERE node_id = 2')
	putCopy(place, fs, { id, node: 1, name: 'f' }, 'rots')
	for (const round of [1, 2]) {
		const { outcomes, said } = await check({})
		assert.deepEqual(outcomes, {}, `round ${round}`)
		assert.match(
			said.join(),
			/^f: its bytes are not what they were, and no other copy can be seen good: it stays as it is, and is not read$/,
		)
		assert.deepEqual(
			[states(place, id), conflicts(), disk.readFileSync(place.node(1, 'f'), 'utf8')],
			[{ 1: suspect }, [], 'rots'],
		)
		const reader = await place.start()
		assert.throws(() => now(open(reader.fs, id, { write: false, truncate: false })), { code: 'EIO' })
	}
	putCopy(place, fs, { id, node: 1, name: 'f' }, 'text')
	assert.deepEqual((await check({})).outcomes, { 'good again': 1 })
	assert.deepEqual(states(place, id), { 1: good })
	assert.ok(place.rows('SELECT verified_at FROM replica')[0].verified_at)
})

test('what is in doubt is looked at by itself, as soon as there is any', async (t) => {
	const { place, fs, catalogue } = await two(t)
	const doubtful = await copiedFile(place, { fs, catalogue } as Client, 'g', 'other', [1, 2])
	assert.equal(await KINDS.recheck?.isDue?.(fs, 1), false)
	await setCopy(catalogue, doubtful, 1, suspect)
	assert.equal(await KINDS.recheck?.isDue?.(fs, 1), true)
	assert.deepEqual((await runOn(fs, 1, recheck)).outcomes, { 'good again': 1 })
	assert.deepEqual(states(place, doubtful), { 1: good, 2: good })
})

test('all copies bad: nothing is moved, reads give EIO', async (t) => {
	const { place, fs, id, check, conflicts } = await two(t)
	for (const node of [1, 2]) putCopy(place, fs, { id, node, name: 'f' }, 'rots')
	for (const node of [1, 2]) assert.equal((await check({ all: true }, node)).troubles, 1)
	assert.deepEqual(
		[states(place, id), conflicts(), holders(place, 'f', 'rots', [1, 2])],
		[{ 1: suspect, 2: suspect }, [], [1, 2]],
	)
	const reader = await place.start()
	assert.throws(() => now(open(reader.fs, id, { write: false, truncate: false })), { code: 'EIO' })
})

test('another copy counts only when it can be read now', async (t) => {
	const { place, fs, id, check } = await two(t)
	putCopy(place, fs, { id, node: 1, name: 'f' }, 'rots')
	setUp(fs, 2, false)
	assert.equal((await check()).troubles, 1)
	assert.deepEqual([states(place, id)[1], holders(place, 'f', 'rots', [1])], [suspect, [1]])
	setUp(fs, 2, true)
	setState(fs, 2, 'drain')
	assert.deepEqual((await check({})).outcomes, { damaged: 1 })
	assert.equal(states(place, id)[1], wanted)
})

test('hard links: the bytes are kept once, a stranger with one of the names is left alone', async (t) => {
	const { place, fs, id, check, conflicts } = await two(t)
	for (const name of ['g', 'h']) now(link(fs, id, at(name)))
	await flushLater(fs)
	putCopy(place, fs, { id, node: 1, name: 'f' }, 'rots')
	disk.unlinkSync(place.node(1, 'h'))
	disk.writeFileSync(place.node(1, 'h'), 'stranger')
	assert.deepEqual((await check()).outcomes, { damaged: 1 })
	assert.deepEqual(
		[
			conflicts().length,
			holders(place, 'f', 'rots', [1]),
			holders(place, 'g', 'rots', [1]),
			holders(place, 'h', 'stranger', [1]),
		],
		[1, [], [], [1]],
	)
})

test('hard links: a name that leads to other bytes is brought back, missing ones too', async (t) => {
	const { place, fs, id, check, conflicts } = await two(t)
	for (const name of ['g', 'h', 'i']) now(link(fs, id, at(name)))
	disk.rmSync(place.node(1, 'g'))
	disk.writeFileSync(place.node(1, 'g'), 'another')
	disk.rmSync(place.node(1, 'h'))
	disk.rmSync(place.node(1, 'i'))
	putCopy(place, fs, { id, node: 1, name: 'i' }, 'text')
	const { outcomes, notes, troubles } = await check()
	assert.deepEqual({ outcomes, troubles }, { outcomes: { relinked: 1 }, troubles: 0 })
	assert.match(notes.join(), /^f: its names led to different files on node1, and to one again; kept as .cairn/)
	const inodes = ['f', 'g', 'h', 'i'].map((name) => disk.statSync(place.node(1, name)).ino)
	assert.equal(new Set(inodes).size, 1)
	const [{ path, aside }, ...others] = conflicts()
	assert.deepEqual([path, others], ['g', []])
	assert.equal(disk.readFileSync(place.node(1, aside), 'utf8'), 'another')
	assert.deepEqual(states(place, id), { 1: good, 2: good })
	assert.deepEqual((await check()).outcomes, { good: 1 })
})

test('hard links: a name that leads to a copy as good and cannot be read at once is no conflict', async (t) => {
	const { place, fs, id, check, conflicts } = await two(t)
	now(link(fs, id, at('g')))
	putCopy(place, fs, { id, node: 1, name: 'g2' }, 'text')
	disk.renameSync(place.node(1, 'g2'), place.node(1, 'g'))
	const node = fs.nodes.get(1) as Node
	Object.assign(node, { remote: true })
	const { operations } = node
	const open = operations.open
	let failures = 1
	operations.open = (path, flags) => {
		if (path.equals(Buffer.from('g')) && failures-- > 0) fail('EIO')
		return open(path, flags)
	}
	assert.deepEqual((await check()).outcomes, { relinked: 1 })
	assert.ok(failures < 1)
	assert.deepEqual([states(place, id), conflicts()], [{ 1: good, 2: good }, []])
	assert.equal(disk.statSync(place.node(1, 'g')).ino, disk.statSync(place.node(1, 'f')).ino)
})

for (const [what, spoil, kept] of [
	['is gone', () => undefined, 0],
	['leads to other bytes', (name: string) => disk.writeFileSync(name, 'another'), 1],
] as const) {
	test(`hard links: where the first name ${what} the others still have the only copy`, async (t) => {
		const { place, fs, id, catalogue, check, conflicts } = await two(t)
		await catalogue.change('DELETE FROM replica WHERE node_id = 2')
		for (const name of ['g', 'h']) now(link(fs, id, at(name)))
		disk.rmSync(place.node(1, 'f'))
		spoil(place.node(1, 'f'))
		assert.deepEqual((await check()).outcomes, { relinked: 1 })
		assert.deepEqual([states(place, id), conflicts().length], [{ 1: good }, kept])
		for (const name of ['f', 'g', 'h']) assert.equal(disk.readFileSync(place.node(1, name), 'utf8'), 'text')
		assert.equal(new Set(['f', 'g', 'h'].map((name) => disk.statSync(place.node(1, name)).ino)).size, 1)
	})
}

test('symlinks and empty files', async (t) => {
	const { place, fs, client, check } = await two(t)
	await copiedFile(place, client, 'empty', '', [1, 2])
	now(makeSymlink(fs, at('link'), Buffer.from('over there'), { uid: 0, gid: 0 }))
	await flushLater(fs)
	assert.deepEqual((await check()).outcomes, { good: 3 })
	disk.unlinkSync(place.node(1, 'link'))
	disk.symlinkSync('over here!', place.node(1, 'link'))
	assert.deepEqual((await check()).outcomes, { good: 2, damaged: 1 })
})

test('a file that was never hashed gets its hash from its copy', async (t) => {
	const { place, fs, check } = await two(t)
	const id = writeFile(fs, 'new', 'fresh')
	await flushLater(fs)
	const [{ node_id: node }] = place.rows('SELECT node_id FROM replica WHERE file_id = ? AND state = 1', id)
	assert.equal((await check({}, node)).outcomes.good, 2)
	const [row] = place.rows('SELECT hash, hash_version, version FROM file WHERE id = ?', id)
	assert.deepEqual([Buffer.from(row.hash), row.hash_version], [sha256(Buffer.from('fresh')), row.version])
})

test('a file that was never hashed and has been changed past the catalogue is nobody’s to judge', async (t) => {
	const { place, id, catalogue, check } = await two(t)
	await catalogue.change('UPDATE file SET hash = NULL WHERE id = ?', [id])
	disk.writeFileSync(place.node(1, 'f'), 'best')
	const { outcomes, said } = await check()
	assert.deepEqual(outcomes, {})
	assert.match(said.join(), /^f: it was changed past the catalogue/)
	assert.deepEqual([states(place, id)[1], place.rows('SELECT hash FROM file WHERE id = ?', id)[0].hash], [good, null])
})

test('a young proof is looked at, and holds until something is done to the copy', async (t) => {
	const { place, fs, id, catalogue, check } = await two(t)
	await catalogue.change('UPDATE replica SET verified_at = unixepoch() - 20')
	disk.rmSync(place.node(1, 'f'))
	putCopy(place, fs, { id, node: 1, name: 'f' }, 'text')
	assert.deepEqual((await check({})).outcomes, { good: 1 })
	await catalogue.change('UPDATE replica SET verified_at = verified_at + 2')
	assert.deepEqual((await check({})).outcomes, {})
	await catalogue.change('UPDATE replica SET verified_at = unixepoch() - 20')
	putCopy(place, fs, { id, node: 1, name: 'f' }, 'rots')
	assert.deepEqual((await check({})).outcomes, { damaged: 1 })
})

test('oldest proof first, after those never proved; a limit ends the run, and the next one goes on', async (t) => {
	const { place, client, catalogue, check } = await two(t)
	for (const name of ['a', 'b', 'c']) await copiedFile(place, client, name, `text of ${name}`, [1, 2])
	const age =
		'UPDATE replica SET verified_at = unixepoch() - ? * 86400 WHERE file_id = (SELECT file_id FROM entry WHERE name = ?)'
	for (const [name, days] of [
		['a', 200],
		['b', 300],
		['c', 100],
	] as const)
		await catalogue.change(age, [days, Buffer.from(name)])
	await catalogue.change('UPDATE replica SET verified_at = NULL WHERE file_id = (SELECT file_id FROM entry WHERE name = ?)', [
		Buffer.from('f'),
	])
	const proved = () =>
		place
			.rows(
				'SELECT e.name FROM replica r JOIN entry e ON e.file_id = r.file_id WHERE r.node_id = 1 AND r.verified_at > unixepoch() - 60 ORDER BY e.name',
			)
			.map((row) => `${Buffer.from(row.name)}`)
	const seen: string[][] = []
	for (let round = 0; round < 4; round++) {
		await check({ filesMax: 1 })
		seen.push(proved())
	}
	assert.deepEqual(seen, [['f'], ['b', 'f'], ['a', 'b', 'f'], ['a', 'b', 'c', 'f']])
})

test('--max-bytes ends a run as well', async (t) => {
	const { place, client, check } = await two(t)
	for (const name of ['a', 'b', 'c']) await copiedFile(place, client, name, 'text', [1, 2])
	assert.deepEqual((await check({ all: true, bytesMax: 5 })).outcomes, { good: 2 })
})

test('the clock of the database was days ahead, and behind', async (t) => {
	const { place, fs, id, catalogue, check } = await two(t)
	putCopy(place, fs, { id, node: 1, name: 'f' }, 'rots')
	await catalogue.change('UPDATE replica SET verified_at = unixepoch() + 2 * 86400')
	assert.deepEqual((await check({})).outcomes, { damaged: 1 })
	putCopy(place, fs, { id, node: 1, name: 'f' }, 'text')
	await setCopy(catalogue, id, 1, good)
	await catalogue.change('UPDATE replica SET verified_at = 0 WHERE node_id = 1')
	assert.deepEqual((await check({})).outcomes, { good: 1 })
})

test('below a path, whatever the proofs', async (t) => {
	const { place, fs, client, check } = await two(t)
	const { id: directory } = now(makeDirectory(fs, at('d'), { mode: 0o755, uid: 0, gid: 0 }))
	const { id: inner } = now(makeDirectory(fs, at('e', directory), { mode: 0o755, uid: 0, gid: 0 }))
	for (const [name, parent] of [['x', directory], ['y', inner], ['z', inner]] as const) {
		await copiedFile(place, client, name, 'text', [1, 2])
		now(rename(fs, at(name), at(name, parent), 'replace'))
	}
	await flushLater(fs)
	const counts: Record<string, number> = { '/d/': 3, 'd/e': 2, 'd/e/y': 1, f: 1, '': 4 }
	for (const [path, good] of Object.entries(counts)) assert.deepEqual((await check({ path: Buffer.from(path) })).outcomes, { good }, path)
	for (const path of ['nothing/here', 'd/..', '../f']) await assert.rejects(check({ path: Buffer.from(path) }), /there is no .* in the tree/)
})

/** Something happens while the copy is being read for that time. */
function whileRead({ fs, path, time }: { fs: Filesystem; path: string; time: number }, happen: () => void): void {
	const node = fs.nodes.get(1) as Node
	Object.assign(node, { remote: true })
	const { open: openFile } = node.operations
	let opened = 0
	node.operations.open = (name, flags) => {
		// Twice each time: to have it written to the disk, and to read it.
		if (name.equals(Buffer.from(path)) && ++opened === 2 * time) happen()
		return openFile(name, flags)
	}
}

test('a file that is written, renamed or removed while it is read is no damage', async (t) => {
	const happenings: Record<string, string> = {
		version: 'UPDATE file SET version = version + 1 WHERE id > 1',
		writer: 'INSERT INTO writer (file_id, client_id, node_id) SELECT id, 99, 1 FROM file WHERE kind = 8',
		name: "UPDATE entry SET name = CAST('g' AS BLOB)",
		removed: 'DELETE FROM entry',
		intent: "INSERT INTO intent (node_id, op, path, file_id, token, created) VALUES (1, 'unlink', CAST('f' AS BLOB), 2, 1, 0)",
		lease: 'UPDATE lease SET client_id = client_id + 1',
		'other copy': 'DELETE FROM replica WHERE node_id = 2',
	}
	for (const [what, sql] of Object.entries(happenings)) {
		const { place, fs, id, check, conflicts } = await two(t)
		const other = await place.start()
		putCopy(place, fs, { id, node: 1, name: 'f' }, 'rots')
		whileRead({ fs, path: 'f', time: 2 }, () => void other.catalogue.change(sql))
		const [outcome] = await check().then(
			({ outcomes }) => Object.keys(outcomes),
			() => ['changed'],
		)
		assert.equal(outcome, 'changed', what)
		assert.deepEqual([conflicts(), holders(place, 'f', 'rots', [1]), states(place, id)[1]], [[], [1], good], what)
	}
})

test('a hash is taken only of what is still that version, under that name, and not being written', async (t) => {
	const happenings = {
		version: 'UPDATE file SET version = version + 1 WHERE id > 1',
		writer: 'INSERT INTO writer (file_id, client_id, node_id) SELECT id, 99, 1 FROM file WHERE kind = 8',
		name: "UPDATE entry SET name = CAST('g' AS BLOB)",
	}
	for (const [what, sql] of Object.entries(happenings)) {
		const { place, fs, id, catalogue, check } = await two(t)
		await catalogue.change('UPDATE file SET hash = NULL')
		const other = await place.start()
		whileRead({ fs, path: 'f', time: 1 }, () => void other.catalogue.change(sql))
		assert.deepEqual((await check()).outcomes, { changed: 1 }, what)
		assert.equal(place.rows('SELECT hash FROM file WHERE id = ?', id)[0].hash, null, what)
	}
})

test('what is not there, on a node that does not say which it is, is not missing', async (t) => {
	const { place, fs, check } = await two(t)
	const { id } = now(makeSymlink(fs, at('link'), Buffer.from('f'), { uid: 0, gid: 0 }))
	await flushLater(fs)
	disk.unlinkSync(place.node(1, 'link'))
	disk.unlinkSync(place.node(1, '.cairn/node.json'))
	assert.equal((await check({ path: Buffer.from('link') })).troubles, 1)
	assert.equal(states(place, id)[1], good)
})

test('a node whose directory is another by now loses nothing', async (t) => {
	const { place, id, check } = await two(t)
	disk.renameSync(place.node(1), place.node(9))
	disk.mkdirSync(place.node(1))
	const { outcomes, troubles } = await check()
	assert.deepEqual([outcomes, troubles, states(place, id)], [{}, 1, { 1: good, 2: good }])
})

test('too many bad ones: the run ends, and says how to go on', async (t) => {
	const { place, client, check } = await two(t)
	for (let number = 0; number < 130; number++) await copiedFile(place, client, `many${number}`, 'text', [1, 2])
	for (let number = 0; number < 130; number++) disk.unlinkSync(place.node(1, `many${number}`))
	const { outcomes, said } = await check()
	assert.deepEqual(outcomes, { good: 1, missing: 100 })
	assert.match(said.join(), /^node1: 100 of 131 copies are bad, and more: .*--believe-bad/)
	assert.deepEqual((await check({ all: true, believeBad: true })).outcomes, { good: 1, missing: 30 })
})

test('stopped in the middle, the next run goes on', async (t) => {
	const { place, client, fs, check } = await two(t)
	for (let number = 0; number < 30; number++) await copiedFile(place, client, `many${number}`, 'text', [1, 2])
	await client.catalogue.change('UPDATE replica SET verified_at = NULL')
	const stop = new AbortController()
	whileRead({ fs, path: 'many3', time: 1 }, () => stop.abort())
	const first = await runOn(fs, 1, verify(), stop.signal)
	assert.ok(first.stopped)
	const proved = first.outcomes.good ?? 0
	assert.ok(proved < 31, `${proved} proved`)
	assert.equal(place.rows('SELECT COUNT(*) AS many FROM replica WHERE node_id = 1 AND verified_at IS NOT NULL')[0].many, proved)
	assert.equal(first.troubles, 0)
	assert.ok(((await check({})).outcomes.good ?? 0) >= 31 - proved)
	assert.equal(place.rows('SELECT COUNT(*) AS many FROM replica WHERE node_id = 1 AND verified_at IS NULL')[0].many, 0)
})

test('figures by day', async (t) => {
	const { place, fs, id, check } = await two(t)
	await check()
	putCopy(place, fs, { id, node: 1, name: 'f' }, 'rots')
	await check()
	await check({ all: true }, 2)
	const today = Math.floor(place.rows('SELECT unixepoch() AS now')[0].now / 86_400)
	assert.deepEqual(
		place.rows('SELECT node_id, day, files, bytes, bad FROM verify_day ORDER BY node_id').map((row) => ({ ...row })),
		[
			{ node_id: 1, day: today, files: 2, bytes: 4, bad: 1 },
			{ node_id: 2, day: today, files: 1, bytes: 4, bad: 0 },
		],
	)
})
