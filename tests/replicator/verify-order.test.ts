/** Which copies verify reads, in which order, and where a run ends. */
import assert from 'node:assert/strict'
import * as disk from 'node:fs'
import { test } from 'node:test'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { makeDirectory } from '../../core/filesystem/create.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { verify } from '../../replicator/verify/verify.ts'
import { at, now } from '../unit/installation.ts'
import { copiedFile, putCopy, runOn, setCopy } from './copies.ts'
import { good, two, whileRead } from './verify-ground.ts'

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
