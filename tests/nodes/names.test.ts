/** Names on a node that takes longer than descriptors of directories are trusted. */
import assert from 'node:assert/strict'
import { closeSync, fstatSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openNames } from '../../core/nodes/names.ts'

const SLOWLY_MS = 3

test('both directories of a rename are open while it is made, however long each took, and others open files meanwhile', (t) => {
	const directory = mkdtempSync(join(tmpdir(), 'cairn-names-'))
	const root = openSync(directory, 'r')
	const others: number[] = []
	t.after(() => {
		for (const fd of [...others, root]) closeSync(fd)
		rmSync(directory, { recursive: true })
	})
	for (const name of ['a', 'b']) mkdirSync(join(directory, name))
	const { onBoth } = openNames(() => {
		const until = performance.now() + SLOWLY_MS
		while (performance.now() < until) continue
		// As another thread of the process would, in just that moment.
		others.push(openSync('/dev/null', 'r'))
		return root
	})
	const inode = (name: string) => statSync(join(directory, name)).ino
	for (const [from, to] of [['a/x', 'a/y'], ['a/x', 'b/y'], ['b/x', 'a/x']]) {
		onBoth(Buffer.from(from), Buffer.from(to), (source, _name, target) => {
			assert.deepEqual([fstatSync(source).ino, fstatSync(target).ino], [inode(from[0]), inode(to[0])])
			return 0
		})
	}
})
