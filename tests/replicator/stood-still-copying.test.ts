/** Who copies, stood still between the catalogue and the node, and was taken for dead: links that others made for it and removed since do not come back. */
import assert from 'node:assert/strict'
import * as disk from 'node:fs'
import { test } from 'node:test'
import { makeSymlink } from '../../core/filesystem/create.ts'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { link } from '../../core/filesystem/links.ts'
import { unlink } from '../../core/filesystem/remove.ts'
import { settle } from '../../core/filesystem/settle.ts'
import { at, installation, now, OWNER, writeFile } from '../unit/installation.ts'
import { makeCopies } from './copying.ts'

test('a symlink and a hard link that were removed meanwhile', async (t) => {
	const place = await installation(t, 2, [{ name: 'two', pattern: '', copies: 2 }])
	const [client, other] = [await place.start(), await place.start()]
	client.fs.alive.shownMs = Date.now()
	const clock = Date.now
	let sleptMs = 0
	t.mock.method(Date, 'now', () => clock() + sleptMs)
	const file = writeFile(other.fs, 'f', 'right')
	now(link(other.fs, file, at('g')))
	const { id } = now(makeSymlink(other.fs, at('s'), Buffer.from('f'), OWNER))
	await flushLater(other.fs)
	// The symlink is still to be made there.
	await other.catalogue.change('UPDATE replica SET state = 2, version = 0 WHERE file_id = ? AND node_id = 2', [id])
	disk.rmSync(place.node(2, 's'))
	const names = () => disk.readdirSync(place.node(2)).sort()
	let isOver = false
	const hold = async (point: string) => {
		if (point !== 'entered' || isOver) return
		isOver = true
		client.kill()
		sleptMs = 60_000
		for (let times = 0; times < 3; times++) {
			now(catchUp(other.fs))
			now(settle(other.fs))
			await flushLater(other.fs)
		}
		assert.deepEqual(names(), ['.cairn', 'f', 'g', 's'])
		for (const name of ['g', 's']) now(unlink(other.fs, at(name)))
		await flushLater(other.fs)
	}
	const { troubles } = await makeCopies(client.fs, 2, { hold })
	assert.deepEqual([names(), troubles], [['.cairn', 'f'], []])
	assert.equal(disk.readFileSync(place.node(2, 'f'), 'utf8'), 'right')
})
