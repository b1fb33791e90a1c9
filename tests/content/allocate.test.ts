/** Room set aside on a disk that takes what it has before it says that this is not enough. */
import assert from 'node:assert/strict'
import { statSync, truncateSync } from 'node:fs'
import { test } from 'node:test'
import { fail } from '../../core/errors.ts'
import { allocate } from '../../core/filesystem/data.ts'
import { run } from '../../core/op.ts'
import { createFile, installation } from '../unit/installation.ts'

test('what did not fit leaves the size as it was', async (t) => {
	const place = await installation(t)
	const { fs } = await place.start()
	const file = createFile(fs, 'f')
	file.node.operations.write(file.fd, Buffer.from('text'), 0)
	file.node.operations.allocate = () => {
		truncateSync(place.node(1, 'f'), 500)
		fail('ENOSPC')
	}
	await assert.rejects(async () => await run(allocate(fs, file, 0, { offset: 0, length: 1_000 })), { code: 'ENOSPC' })
	assert.equal(statSync(place.node(1, 'f')).size, 4)
})
