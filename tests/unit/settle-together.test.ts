/** Two that go through what a third left on a node. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { settle } from '../../core/filesystem/settle.ts'
import type { Node } from '../../core/nodes/node.ts'
import { installation, now } from './installation.ts'

test('what another has removed by then is no trouble', async (t) => {
	const { start, node } = await installation(t)
	const { fs, reports } = await start()
	const left = node(1, '.cairn/uploads/999-1')
	mkdirSync(left, { recursive: true })
	writeFileSync(`${left}/content`, 'half')
	const { operations } = fs.nodes.get(1) as Node
	const { list } = operations
	operations.list = (path) => {
		if (path.toString().endsWith('999-1')) rmSync(left, { recursive: true })
		return list(path)
	}
	fs.nodesMarked.add(1)
	now(settle(fs))
	assert.deepEqual([reports, existsSync(left)], [[], false])
})
