/** A disk that is really full: the copy is not half there, the file not lost, and there is one line about it. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import * as disk from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { addNode } from '../../cli/node-add.ts'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { release } from '../../core/filesystem/publish.ts'
import type { Node } from '../../core/nodes/node.ts'
import { createFile, installation, now } from '../unit/installation.ts'
import { dealtWith, makeCopies } from './copying.ts'

const DISK_MIB = 24
const FILE_BYTES = 6 * 1024 * 1024

test('the disk of the node fills up in the middle of a copy', async (t) => {
	const { start, node, rows } = await installation(t, 1, [{ name: 'default', pattern: '', copies: 2 }])
	const writer = await start()
	for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
		const file = createFile(writer.fs, name)
		file.node.operations.write(file.fd, randomBytes(FILE_BYTES), 0)
		now(release(writer.fs, file, true))
	}
	await flushLater(writer.fs)
	const small = disk.mkdtempSync(join(tmpdir(), 'cairn-full-'))
	execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'none', small])
	t.after(() => {
		execFileSync('umount', ['-l', small])
		disk.rmdirSync(small)
	})
	await addNode(writer.catalogue, 'node2', { path: small, zone: '', reserve: 0, weight: 100, io: 'auto', state: 'rw' })
	rows('INSERT INTO replica (file_id, node_id, version, state) SELECT id, 2, 0, 2 FROM file WHERE kind = 8')
	const { fs } = await start()
	// What the node says of its room is old: only the disk itself refuses.
	const full = fs.nodes.get(2) as Node
	full.operations.space = () => ({ ...full.space, free: 1024 ** 4 })
	full.space = { ...full.space, free: 1024 ** 4 }
	const made = await makeCopies(fs, 2)
	assert.equal(made.summary.troubles, 1, made.troubles.join('\n'))
	assert.match(made.troubles[0], /node2: ENOSPC, and no other node can take it/)
	assert.equal(dealtWith(made), 6)
	const there = disk.readdirSync(small).filter((name) => name !== '.cairn')
	assert.equal(there.length, made.summary.outcomes.copied)
	for (const name of there) assert.ok(disk.readFileSync(`${small}/${name}`).equals(disk.readFileSync(node(1, name))))
	assert.deepEqual(disk.readdirSync(`${small}/.cairn/incoming`), [])
	assert.equal(rows('SELECT * FROM replica WHERE node_id = 2 AND state = 2').length, 6 - there.length)
})
