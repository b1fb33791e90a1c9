/**
 * What was carried out on a node, by a process that is killed before the row of it is gone: whoever settles carries it out again, and what has the name
 * by then stays. On MariaDB, where the transaction that takes the row away may wait while others go on.
 */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { create } from '../../core/filesystem/create.ts'
import { flushLater, transact } from '../../core/filesystem/filesystem.ts'
import { publishAtClose } from '../../core/filesystem/publish.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { settle } from '../../core/filesystem/settle.ts'
import { run } from '../../core/op.ts'
import { mariadb } from '../catalogue/engines.ts'
import { at } from '../unit/installation.ts'
import { get, OWNER, put, tree } from './tree.ts'

test('a name that was given away is given to a new file', async (t) => {
	const made = await tree(t, mariadb)
	const [killed, settling] = [await made.start(), await made.start()]
	const { fs } = killed
	await put(fs, 'x', 'old')
	await flushLater(fs)
	await run(rename(fs, at('x'), at('y'), 'replace'))
	const waiting = Promise.withResolvers<void>()
	const taking = Promise.resolve(
		transact(fs, function* () {
			yield waiting.promise
			throw new Error('it never comes to its end')
		}),
	).catch(() => undefined)
	const created = await run(create(fs, at('x'), OWNER, true))
	assert.ok('open' in created)
	await created.open.node.operations.write(created.open.fd, Buffer.from('new'), 0)
	await run(publishAtClose(fs, created.open))
	fs.later.take()
	await settling.fs.catalogue.change("UPDATE client SET started = 'another boot' WHERE id = ?", [fs.client])
	waiting.resolve()
	await taking
	await killed.kill()
	await run(settle(settling.fs))
	await flushLater(settling.fs)
	assert.deepEqual(readdirSync(made.node(1)).sort(), ['.cairn', 'x', 'y'])
	assert.deepEqual([String(await get(settling.fs, 'x')), String(await get(settling.fs, 'y'))], ['new', 'old'])
})
