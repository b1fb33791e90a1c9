/** What was seen of a file on its node is older than what another has published meanwhile. On both engines. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { open } from '../../core/filesystem/open.ts'
import type { OpenFile } from '../../core/filesystem/open-files.ts'
import { publishAtClose, release } from '../../core/filesystem/publish.ts'
import { settle } from '../../core/filesystem/settle.ts'
import type { Node } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { type Engine, engines } from '../catalogue/engines.ts'
import { close, get, put, tree } from './tree.ts'

const WRITE = { write: true, truncate: false }

async function append(file: OpenFile, text: string): Promise<void> {
	await file.node.operations.write(file.fd, Buffer.from(text), -1)
}

/** Two processes that have a file with `1` in it open for writing, and a third. */
async function ground(t: TestContext, engine: Engine) {
	const made = await tree(t, engine)
	const [one, two, third] = [await made.start(), await made.start(), await made.start()]
	const [a, b] = [one.fs, two.fs]
	const { row: { id } } = await put(a, 'x', '1')
	await flushLater(a)
	for (const { fs } of [two, third]) await run(catchUp(fs))
	const [ofA, ofB] = [await run(open(a, id, WRITE)), await run(open(b, id, WRITE))]
	const size = async () => Number((await made.rows('SELECT size FROM file WHERE id = ?', id))[0].size)
	return { made, one, a, b, c: third.fs, id, ofA, ofB, size }
}

/** Once: `meanwhile` happens when the node has answered, before anybody hears. */
function onceAnswered(fs: Filesystem, name: 'fstat' | 'stat', meanwhile: () => Promise<unknown>): void {
	const { operations } = fs.nodes.get(1) as Node
	const real = operations[name] as (what: unknown) => unknown
	Object.assign(operations, {
		async [name](what: unknown) {
			Object.assign(operations, { [name]: real })
			const answer = await real(what)
			await meanwhile()
			return answer
		},
	})
}

for (const engine of engines) {
	test(`${engine.name}: another has written on and closed since: when the close returns all of it is there`, async (t) => {
		const { made, a, b, ofA, ofB, size } = await ground(t, engine)
		await append(ofA, '2')
		onceAnswered(a, 'fstat', async () => {
			await append(ofB, '3')
			await close(b, ofB)
		})
		await run(publishAtClose(a, ofA))
		assert.deepEqual([await size(), readFileSync(made.node(1, 'x'), 'latin1')], [3, '123'])
		await run(release(a, ofA, true))
		await flushLater(a)
		await run(catchUp(b))
		assert.deepEqual([String(await get(b, 'x')), await made.problems()], ['123', []])
	})

	test(`${engine.name}: the same at the last look of one that has closed`, async (t) => {
		const { made, a, b, ofA, ofB, size } = await ground(t, engine)
		await append(ofA, '2')
		await run(publishAtClose(a, ofA))
		await append(ofB, '3')
		onceAnswered(a, 'fstat', async () => {
			await append(ofB, '4')
			await close(b, ofB)
		})
		await run(release(a, ofA, true))
		await flushLater(a)
		assert.equal(await size(), 4)
		await run(catchUp(b))
		assert.deepEqual([String(await get(b, 'x')), await made.problems()], ['1234', []])
	})

	test(`${engine.name}: somebody who publishes all the time keeps nobody from closing`, async (t) => {
		const { made, a, b, id, ofA, ofB, size } = await ground(t, engine)
		await append(ofA, '2')
		const { operations } = a.nodes.get(1) as Node
		const real = operations.fstat
		let looks = 0
		Object.assign(operations, {
			async fstat(fd: number) {
				const answer = await real(fd)
				// With a look that never ends the test would not either.
				if (++looks > 100) throw new Error('it looks for ever')
				await append(ofB, '3')
				await run(publishAtClose(b, ofB))
				return answer
			},
		})
		await run(publishAtClose(a, ofA))
		Object.assign(operations, { fstat: real })
		await run(release(a, ofA, true))
		await flushLater(a)
		await append(ofB, '4')
		await close(b, ofB)
		assert.equal(await size(), readFileSync(made.node(1, 'x')).length)
		assert.deepEqual([await made.rows('SELECT * FROM writer WHERE file_id = ?', id), await made.problems()], [[], []])
	})

	test(`${engine.name}: what one that ended had written is settled while another writes on and closes`, async (t) => {
		const { made, one, b, c, id, ofA, ofB, size } = await ground(t, engine)
		await append(ofA, '2')
		await one.kill()
		onceAnswered(c, 'stat', async () => {
			await append(ofB, '3')
			await close(b, ofB)
		})
		await run(settle(c))
		await flushLater(c)
		assert.equal(await size(), 3)
		await run(settle(c))
		await flushLater(c)
		assert.deepEqual([await size(), await made.rows('SELECT * FROM writer WHERE file_id = ?', id)], [3, []])
		assert.equal(String(await get(b, 'x')), '123')
	})
}
