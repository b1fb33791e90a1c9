/** The place of a file on its node, which somebody has yet to leave: it is held when what was decided about it before has been carried out. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as intents from '../../core/catalogue/intents.ts'
import { hold } from '../../core/filesystem/hold.ts'
import type { Node } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { installation, writeFile } from '../unit/installation.ts'

test('behind an older intent it is waited for', async (t) => {
	const { fs, catalogue } = await (await installation(t)).start()
	const id = writeFile(fs, 'f', 'text')
	const path = Buffer.from('f')
	await catalogue.transaction(function* (tx) {
		intents.insert(tx, null, { nodeId: 1, op: 'unlink', path, toPath: null, fileId: id, token: 1 }, catalogue.capabilities)
	})
	let isHeld = false
	const held = Promise.resolve(run(hold(fs, fs.nodes.get(1) as Node, id, path))).finally(() => (isHeld = true))
	await new Promise((resolve) => setImmediate(resolve))
	assert.equal(isHeld, false)
	const [older] = await catalogue.all<intents.IntentRow>('SELECT * FROM intent', [])
	await catalogue.transaction(function* (tx) {
		intents.remove(tx, older)
	})
	const { made, row } = await held
	assert.deepEqual([made.map(({ op, toPath }) => [op, String(toPath)]), row?.id], [[['rename', 'f']], id])
})
