/** A machine that sleeps right after it decided something, until others have taken it for dead: it does nothing to what has the name by then. On both engines. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { beat } from '../../core/filesystem/clients.ts'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { unlink } from '../../core/filesystem/remove.ts'
import { settle } from '../../core/filesystem/settle.ts'
import { run } from '../../core/op.ts'
import { engines } from '../catalogue/engines.ts'
import { at } from '../unit/installation.ts'
import { get, put, tree } from './tree.ts'

const SILENT = "UPDATE client SET host = 'elsewhere', started = 'another boot', heartbeat = heartbeat - 100 WHERE id = ?"

for (const engine of engines) {
	for (const wakes of ['goes on at once', 'shows that it is alive first']) {
		test(`${engine.name}: one that removed a name and ${wakes}`, async (t) => {
			const made = await tree(t, engine)
			const [{ fs: sleeper }, { fs: other }] = [await made.start(), await made.start()]
			await put(sleeper, 'x', 'old')
			await flushLater(sleeper)
			await run(catchUp(other))
			sleeper.alive.shownMs = Date.now()
			const clock = Date.now
			let sleptMs = 0
			t.mock.method(Date, 'now', () => clock() + sleptMs)
			const { transaction } = sleeper.catalogue
			sleeper.catalogue.transaction = async (body) => {
				const result = await transaction.call(sleeper.catalogue, body)
				sleeper.catalogue.transaction = transaction
				sleptMs = 60_000
				await other.catalogue.change(SILENT, [sleeper.client])
				await run(settle(other))
				await flushLater(other)
				await put(other, 'x', 'new')
				await flushLater(other)
				if (wakes !== 'goes on at once') await run(beat(sleeper))
				return result as never
			}
			await run(unlink(sleeper, at('x')))
			await flushLater(sleeper)
			assert.equal(readFileSync(made.node(1, 'x'), 'utf8'), 'new')
			assert.equal((await get(other, 'x')).toString(), 'new')
			await run(beat(sleeper))
			await put(sleeper, 'y', 'later')
			assert.equal(readFileSync(made.node(1, 'y'), 'utf8'), 'later')
			assert.deepEqual(await made.problems(), [])
		})
	}
}
