/** A file with two copies: who reads one of them, and opens it again while another writes to the other, reads what is written. */
import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { test } from 'node:test'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { open } from '../../core/filesystem/open.ts'
import { installation, now, setUp, writeFile } from './installation.ts'

const READ = { write: false, truncate: false }
const WRITE = { write: true, truncate: false }

test('every open goes to the copy that is being written, also where another is open already', async (t) => {
	const { start, node } = await installation(t, 2)
	const { fs, catalogue } = await start()
	const other = await start()
	const id = writeFile(fs, 'f', 'before')
	await flushLater(fs)
	const [{ node_id: first }] = await catalogue.all<{ node_id: number }>('SELECT node_id FROM replica')
	const second = first === 1 ? 2 : 1
	cpSync(node(first, 'f'), node(second, 'f'), { preserveTimestamps: true })
	await catalogue.change('INSERT INTO replica (file_id, node_id, version, state, verified_at) SELECT file_id, ?, version, state, verified_at FROM replica', [second])
	setUp(fs, second, false)
	const read = now(open(fs, id, READ))
	assert.equal(read.node.id, first)
	setUp(fs, second, true)
	setUp(other.fs, first, false)
	const written = now(open(other.fs, id, WRITE))
	assert.equal(written.node.id, second)
	written.node.operations.write(written.fd, Buffer.from('after.'), 0)
	const again = now(open(fs, id, READ))
	assert.equal(again.node.id, second)
	const bytes = Buffer.alloc(6)
	await again.node.operations.read(again.fd, bytes, 0)
	assert.equal(bytes.toString(), 'after.')
})
