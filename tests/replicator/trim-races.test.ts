/** What happens between the look at the other copies and the removal of one. */
import assert from 'node:assert/strict'
import * as disk from 'node:fs'
import { test } from 'node:test'
import type { Driver } from '../../core/catalogue/driver.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { makeDirectory } from '../../core/filesystem/create.ts'
import { open } from '../../core/filesystem/open.ts'
import { rename } from '../../core/filesystem/rename.ts'
import type { Node } from '../../core/nodes/node.ts'
import { trim } from '../../replicator/trim/trim.ts'
import { at, now } from '../unit/installation.ts'
import { copiedFile, holders, runOn, setCopy, states } from './copies.ts'
import { standingStill } from './standing-still.ts'
import { good, surplus, three } from './trim-ground.ts'

/** Something happens just before the first transaction that finds the others seen. */
function justBefore({ fs, catalogue }: { fs: Filesystem; catalogue: Driver }, happen: () => void): void {
	let looks = 0
	const { operations } = fs.nodes.get(2) as Node
	const { stat } = operations
	operations.stat = (path) => {
		looks++
		return stat(path)
	}
	const { transaction } = catalogue
	catalogue.transaction = (body) => {
		// Once when the copy was looked for, once more when it was to go.
		if (looks === 2) happen()
		looks += looks === 2 ? 1 : 0
		return transaction.call(catalogue, body) as never
	}
}

type Happening = (other: Driver, fs: Filesystem, id: number) => unknown

const HAPPENINGS: Record<string, Happening> = {
	'another copy goes': (other, _, id) => other.change('DELETE FROM replica WHERE file_id = ? AND node_id = 2', [id]),
	'another copy is to go': (other, _, id) => other.change('UPDATE replica SET state = 4 WHERE file_id = ? AND node_id = 2', [id]),
	'another version': (other) => other.change('UPDATE file SET version = version + 1'),
	'a writer': (_, fs, id) => now(open(fs, id, { write: true, truncate: false })),
	'another name': (_, fs) => now(rename(fs, at('f'), at('g'), 'replace')),
	'another class': (other, _, id) => {
		other.change("INSERT INTO class (id, name, position, pattern, copies) VALUES (9, 'three', 9, '', 3)")
		return other.change('UPDATE file SET class_id = 9 WHERE id = ?', [id])
	},
	'its class asks for more': (other) => other.change('UPDATE class SET copies = 3'),
	'a change stands on a node whose copy counts': (other, _, id) =>
		other.change("INSERT INTO intent (node_id, op, path, file_id, token, created) VALUES (2, 'unlink', CAST('f' AS BLOB), ?, 1, 0)", [id]),
	'another process took over': (other) => other.change('UPDATE lease SET client_id = client_id + 1'),
	'the lease ran out': (other) => other.change('UPDATE lease SET until_at = 0'),
	'the copy is not surplus': (other, _, id) =>
		other.change('UPDATE replica SET state = 1 WHERE file_id = ? AND node_id = 3', [id]),
}

for (const [what, happen] of Object.entries(HAPPENINGS)) {
	test(`between the look and the removal: ${what}`, async (t) => {
		const { place, fs, catalogue, id } = await three(t)
		const other = await place.start()
		await flushLater(fs)
		justBefore({ fs, catalogue }, () => happen(other.catalogue, other.fs, id))
		assert.deepEqual((await runOn(fs, 3, trim())).outcomes, { kept: 1 })
		assert.ok(disk.existsSync(place.node(3, what === 'another name' ? 'g' : 'f')))
	})
}

test('what was seen long ago counts for nothing', async (t) => {
	const { place, fs, catalogue, id } = await three(t)
	const stand = standingStill(t)
	justBefore({ fs, catalogue }, () => stand.forMs(30_000))
	const { outcomes, notes } = await runOn(fs, 3, trim())
	assert.deepEqual([outcomes, states(place, id)[3]], [{ kept: 1 }, surplus])
	assert.match(notes.join(), /it took too long since the others were seen/)
})

test('decided, and then stood still: the removal is left to whoever settles the node', async (t) => {
	const { place, fs, catalogue, id } = await three(t)
	const stand = standingStill(t)
	const sync = catalogue.sync
	catalogue.sync = () => {
		stand.forMs(30_000)
		return sync.call(catalogue)
	}
	assert.deepEqual((await runOn(fs, 3, trim())).outcomes, { removed: 1 })
	assert.deepEqual(
		place.rows('SELECT client_id FROM intent').map((row) => row.client_id),
		[null],
	)
	assert.deepEqual([states(place, id), disk.existsSync(place.node(3, 'f'))], [{ 1: good, 2: good }, true])
	await place.start()
	assert.deepEqual(holders(place, 'f', 'text'), [1, 2])
})

test('the node is told after the catalogue was synced', async (t) => {
	const { place, fs, catalogue } = await three(t)
	const seen: boolean[] = []
	const sync = catalogue.sync
	catalogue.sync = () => {
		seen.push(disk.existsSync(place.node(3, 'f')))
		return sync.call(catalogue)
	}
	await runOn(fs, 3, trim())
	assert.deepEqual([seen, disk.existsSync(place.node(3, 'f'))], [[true], false])
})

test('a directory is renamed between the look and the removal: what has the old name by then is not touched', async (t) => {
	const { place, client, fs, catalogue, id: first } = await three(t)
	await setCopy(catalogue, first, 3, good)
	const { id: directory } = now(makeDirectory(fs, at('d'), { mode: 0o755, uid: 0, gid: 0 }))
	const id = await copiedFile(place, client, 'x', 'text', [1, 2, 3])
	now(rename(fs, at('x'), at('x', directory), 'replace'))
	await setCopy(catalogue, id, 3, surplus)
	const other = await place.start()
	await flushLater(fs)
	// Here the directory is remembered by its old name.
	assert.equal(`${now(fs.directories.path(catalogue, directory))}`, 'd')
	justBefore({ fs, catalogue }, () => {
		now(rename(other.fs, at('d'), at('e'), 'replace'))
		flushLater(other.fs)
		disk.mkdirSync(place.node(3, 'd'))
		disk.writeFileSync(place.node(3, 'd/x'), 'another')
	})
	assert.deepEqual((await runOn(fs, 3, trim())).outcomes, { kept: 1 })
	assert.deepEqual([disk.existsSync(place.node(3, 'e/x')), disk.readFileSync(place.node(3, 'd/x'), 'utf8')], [true, 'another'])
	assert.deepEqual((await runOn(fs, 3, trim())).outcomes, { removed: 1 })
	assert.deepEqual([disk.existsSync(place.node(3, 'e/x')), disk.readFileSync(place.node(3, 'd/x'), 'utf8')], [false, 'another'])
})
