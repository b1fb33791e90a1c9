/** Whose it is what is made on a node: nothing is set that is so by itself, and everything that is not. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openLocalOperations } from '../../core/nodes/local.ts'

const OTHER = 1234

test('a user, a group, or both are others than those of the process', (t) => {
	const root = mkdtempSync(join(tmpdir(), 'cairn-ownership-'))
	const node = openLocalOperations(root)
	t.after(() => {
		node.end()
		rmSync(root, { recursive: true })
	})
	const whose = (name: string) => [statSync(join(root, name)).uid, statSync(join(root, name)).gid]
	for (const [uid, gid] of [[0, OTHER], [OTHER, 0], [OTHER, OTHER], [0, 0]]) {
		const [file, directory] = [`f${uid}-${gid}`, `d${uid}-${gid}`]
		node.close(node.create(Buffer.from(file), { mode: 0o640, uid, gid }))
		node.makeDirectory(Buffer.from(directory), { mode: 0o750, uid, gid })
		assert.deepEqual([whose(file), whose(directory)], [[uid, gid], [uid, gid]])
	}
})
