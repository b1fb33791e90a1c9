/** Whoever was told ESTALE finds the file open when he asks again; where a node is slow to open it he is gone by then, and it is closed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAskedAgain } from '../../client/asked-again.ts'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { lookup } from '../../core/filesystem/lookup.ts'
import { ROOT_ID } from '../../core/ids.ts'
import type { Node } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { sqlite } from '../catalogue/engines.ts'
import { put, tree } from './tree.ts'

const PID = 4711
const NOBODY = 999_999
const HELD_MS = 1_000

test('a node takes longer to open a file than it is held: nothing stays open', async (t) => {
	const made = await tree(t, sqlite)
	const { fs } = await made.start()
	await put(fs, 'x', 'content')
	await flushLater(fs)
	t.mock.timers.enable({ apis: ['setTimeout'] })
	const askedAgain = createAskedAgain(fs, () => false)
	await assert.rejects(async () => run(askedAgain.open(PID, NOBODY, { write: false, truncate: false })), { code: 'ESTALE' })
	const { operations } = fs.nodes.get(1) as Node
	const { open } = operations
	let opened = 0
	operations.open = async (...asked) => {
		opened++
		t.mock.timers.tick(HELD_MS)
		return open(...asked)
	}
	const row = await run(askedAgain.lookUp(PID, () => lookup(fs, ROOT_ID, Buffer.from('x'))))
	assert.deepEqual([row?.size, opened, fs.open.size, askedAgain.isEmpty()], [7, 1, 0, true])
})
