/** A call to a node that times out while it is settled, and happens after all, later than anybody thought. On both engines. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { fail } from '../../core/errors.ts'
import { create } from '../../core/filesystem/create.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { publishAtClose, release } from '../../core/filesystem/publish.ts'
import { unlink } from '../../core/filesystem/remove.ts'
import { settle } from '../../core/filesystem/settle.ts'
import type { Node } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { type Engine, engines } from '../catalogue/engines.ts'
import { OWNER, put, tree } from '../content/tree.ts'
import { at } from '../unit/installation.ts'

/** One was killed after it had committed the removal of `x` and before the node had heard of it; another settles the node, and its call hangs. */
async function ground(t: TestContext, engine: Engine) {
	const made = await tree(t, engine)
	const [killed, living, settling] = [await made.start(), await made.start(), await made.start()]
	const [a, b, c] = [killed.fs, living.fs, settling.fs]
	await put(a, 'x', 'old')
	await flushLater(a)
	await run(catchUp(b))
	// A file that is there is made anew without waiting for the node for long.
	Object.assign(b.config, { nodeDeadlineMs: 100 })
	;(a.nodes.get(1) as Node).health.up = false
	await run(unlink(a, at('x')))
	await killed.kill()
	const node = c.nodes.get(1) as Node
	const real = node.operations.unlink
	let returns = async (): Promise<void> => undefined
	Object.assign(node.operations, {
		async unlink(path: Buffer) {
			if (!path.equals(Buffer.from('x'))) return real(path)
			Object.assign(node.operations, { unlink: real })
			node.health.stuck++
			returns = async () => {
				await real(path)
				node.health.stuck--
			}
			fail('ETIMEDOUT')
		},
	})
	await run(settle(c))
	assert.equal(node.health.stuck, 1)
	const pass = (seconds: number) => b.catalogue.change('UPDATE lease SET until_at = until_at - ?', [seconds])
	const leases = async () => (await made.rows("SELECT name FROM lease WHERE name LIKE 'settle:%'")).map(({ name }) => name)
	return { made, b, c, pass, leases, returns: () => returns() }
}

async function writeAnew(fs: Filesystem): Promise<void> {
	const made = await run(create(fs, at('x'), OWNER, true))
	assert.ok('open' in made)
	await made.open.node.operations.write(made.open.fd, Buffer.from('new'), 0)
	await run(publishAtClose(fs, made.open))
	await run(release(fs, made.open, true))
	await flushLater(fs)
}

for (const engine of engines) {
	test(`${engine.name}: the name is nobody's until the call has returned, however long that is`, async (t) => {
		const { made, b, c, pass, leases, returns } = await ground(t, engine)
		for (let round = 0; round < 3; round++) {
			await pass(50)
			await run(settle(c))
			await run(settle(b))
			await assert.rejects(writeAnew(b), { code: 'EIO' })
		}
		await returns()
		await run(settle(c))
		assert.equal(existsSync(made.node(1, 'x')), false)
		await writeAnew(b)
		assert.equal(readFileSync(made.node(1, 'x'), 'latin1'), 'new')
		assert.deepEqual([await leases(), await made.rows('SELECT * FROM intent'), await made.problems()], [[], [], []])
	})

	test(`${engine.name}: another goes on with the node as soon as the call has returned`, async (t) => {
		const { made, b, c, pass, returns } = await ground(t, engine)
		await pass(50)
		await run(settle(c))
		await returns()
		await run(settle(c))
		await run(settle(b))
		await writeAnew(b)
		assert.deepEqual([readFileSync(made.node(1, 'x'), 'latin1'), await made.problems()], ['new', []])
	})
}
