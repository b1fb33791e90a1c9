/** A remote node answers when it answers: by then the file it was asked about may have been closed, and the number be another's. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Errno } from '../../core/errors.ts'
import { getAttributes, lookup } from '../../core/filesystem/lookup.ts'
import { release } from '../../core/filesystem/publish.ts'
import { ROOT_ID } from '../../core/ids.ts'
import type { Stat } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { createFile, installation, now } from './installation.ts'

const CONTENT = Buffer.from('as it was when it was closed')

for (const [what, answer] of [
	['says that nothing is open', () => Promise.reject(new Errno('EBADF'))],
	['says how large another file is', (own: Stat) => Promise.resolve({ ...own, size: 7 })],
] as const) {
	test(`a node that ${what} is not believed once the file is closed`, async (t) => {
		const { fs } = await (await installation(t)).start()
		const file = createFile(fs, 'f')
		const { operations } = file.node
		operations.write(file.fd, CONTENT, 0)
		const { fstat } = operations
		const own = fstat(file.fd) as Stat
		const asked = Promise.withResolvers<Stat>()
		operations.fstat = () => asked.promise
		const answers = [run(getAttributes(fs, file.id)), run(lookup(fs, ROOT_ID, Buffer.from('f')))]
		operations.fstat = fstat
		now(release(fs, file, true))
		answer(own).then(asked.resolve, asked.reject)
		for (const row of await Promise.all(answers)) assert.equal(row?.size, CONTENT.length)
	})
}

test('what fails while it is open fails', async (t) => {
	const { fs } = await (await installation(t)).start()
	const file = createFile(fs, 'f')
	const { operations } = file.node
	const { fstat } = operations
	operations.fstat = () => Promise.reject(new Errno('EIO'))
	await assert.rejects(async () => run(getAttributes(fs, file.id)), { code: 'EIO' })
	operations.fstat = fstat
	now(release(fs, file, true))
})
