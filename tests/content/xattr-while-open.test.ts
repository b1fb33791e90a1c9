/** Extended attributes of a file that is open here, as another process gives and takes them. On both engines. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { catchUp } from '../../core/filesystem/follow.ts'
import { open } from '../../core/filesystem/open.ts'
import { release } from '../../core/filesystem/publish.ts'
import { findXattr, listXattrs, setXattr } from '../../core/filesystem/xattrs.ts'
import { run } from '../../core/op.ts'
import { engines } from '../catalogue/engines.ts'
import { put, tree } from './tree.ts'

const NAME = Buffer.from('user.a')

for (const engine of engines) {
	for (const write of [false, true]) {
		test(`${engine.name}: the first one, while it is open to ${write ? 'write' : 'read'}`, async (t) => {
			const { start } = await tree(t, engine)
			const [a, b] = [await start(), await start()]
			const { id } = (await put(a.fs, 'x', 'content')).row
			await run(catchUp(b.fs))
			const file = await run(open(a.fs, id, { write, truncate: false }))
			await run(setXattr(b.fs, id, NAME, Buffer.from('1'), { create: false, replace: false }))
			await run(catchUp(a.fs))
			assert.deepEqual(Buffer.from((await run(findXattr(a.fs, id, NAME))) ?? []), Buffer.from('1'))
			assert.equal(String(await run(listXattrs(a.fs, id))), 'user.a\0')
			await run(release(a.fs, file, write))
		})
	}
}
