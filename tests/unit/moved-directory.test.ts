/** A directory that another client has renamed a moment ago: what happens in it goes to the nodes by its new path. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startFilesystem } from '../../core/filesystem/start.ts'
import { makeDirectory } from '../../core/filesystem/create.ts'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { unlink } from '../../core/filesystem/remove.ts'
import { closeNode } from '../../core/nodes/open-node.ts'
import { run } from '../../core/op.ts'
import { engines, open } from '../catalogue/engines.ts'
import { writeFile } from '../stats/meddle.ts'
import { place } from '../stats/place.ts'

const OWNER = { mode: 0o755, uid: 0, gid: 0 }
const at = (name: string, parent = 1) => ({ parent, name: Buffer.from(name) })

for (const engine of engines) {
	test(`${engine.name}: removed and renamed where it is now`, async (t) => {
		const { fs, address, config, node } = await place(t, engine, { nodes: 1, classes: [{ name: 'default', pattern: '', copies: 1 }] })
		const other = await run(startFilesystem({ config, catalogue: await open(t, address), what: 'mount', report: () => undefined }))
		t.after(() => {
			other.later.end()
			for (const each of other.nodes.values()) closeNode(each)
		})
		fs.shared = true
		const { id: above } = await run(makeDirectory(fs, at('above'), OWNER))
		const { id: directory } = await run(makeDirectory(fs, at('old', above), OWNER))
		for (const name of ['gone', 'kept', 'twice']) await writeFile(fs, at(name, directory), Buffer.from(name))
		await flushLater(fs)
		await run(rename(other, at('above'), at('below'), 'replace'))
		await flushLater(other)
		// Something else stands at the old path by now.
		const { id: again } = await run(makeDirectory(other, at('above'), OWNER))
		const { id: inside } = await run(makeDirectory(other, at('old', again), OWNER))
		await writeFile(other, at('gone', inside), Buffer.from('another'))
		await flushLater(other)

		await run(unlink(fs, at('gone', directory)))
		await run(rename(fs, at('kept', directory), at('renamed', directory), 'replace'))
		await run(rename(fs, at('twice', directory), at('thrice'), 'replace'))
		await flushLater(fs)
		const path = (...names: string[]) => join(node(1), ...names)
		assert.equal(existsSync(path('below/old/gone')), false)
		assert.equal(readFileSync(path('above/old/gone'), 'utf8'), 'another')
		assert.equal(readFileSync(path('below/old/renamed'), 'utf8'), 'kept')
		assert.equal(readFileSync(path('thrice'), 'utf8'), 'twice')
	})
}
