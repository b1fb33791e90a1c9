/** A file outgrows its node while others use its names. On both engines. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { Errno } from '../../core/errors.ts'
import { refreshClients } from '../../core/filesystem/clients.ts'
import { create } from '../../core/filesystem/create.ts'
import { read, write } from '../../core/filesystem/data.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import type { OpenFile } from '../../core/filesystem/open-files.ts'
import { publishAtClose, sync } from '../../core/filesystem/publish.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { ASIDE_BYTES_MIN, readAside } from '../../core/nodes/aside.ts'
import type { Node } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { engines } from '../catalogue/engines.ts'
import { at } from '../unit/installation.ts'
import { close, get, OWNER, tree } from './tree.ts'

async function make(fs: Filesystem): Promise<OpenFile> {
	const made = await run(create(fs, at('x'), OWNER, true))
	if (!('open' in made)) throw new Error('it was there')
	return made.open
}

function fullAtOnce({ operations }: Node): void {
	const real = operations.write
	operations.write = () => {
		operations.write = real
		throw new Errno('ENOSPC')
	}
}

for (const engine of engines) {
	test(`${engine.name}: when room is made for it on another node its name is another's: that is not taken for unknown`, async (t) => {
		const made = await tree(t, engine, { nodes: 2 })
		const [a, b] = [await made.start(), await made.start()]
		for (const { fs } of [a, b]) await run(refreshClients(fs))
		const file = await make(a.fs)
		await run(write(a.fs, file, Buffer.from('of A'), 0))
		await run(publishAtClose(a.fs, file))
		await run(catchUp(b.fs))
		const first = b.fs.nodes.get(1) as Node
		first.space = { ...first.space, free: 2 ** 48 }
		fullAtOnce(a.fs.nodes.get(1) as Node)
		const { operations } = a.fs.nodes.get(2) as Node
		const real = operations.stat
		let isTaken = false
		operations.stat = async (path) => {
			if (isTaken) return real(path)
			isTaken = true
			await run(rename(b.fs, at('x'), at('y'), 'replace'))
			await flushLater(b.fs)
			const other = await make(b.fs)
			await run(write(b.fs, other, Buffer.from('of B'), 0))
			await close(b.fs, other)
			return real(path)
		}
		await run(write(a.fs, file, Buffer.from(', and more'), 4))
		await close(a.fs, file)
		await run(catchUp(b.fs))
		assert.deepEqual([isTaken, file.node.id], [true, 2])
		assert.deepEqual([String(await get(b.fs, 'y')), String(await get(b.fs, 'x'))], ['of A, and more', 'of B'])
		assert.deepEqual([a.reports, readdirSync(made.node(2, '.cairn/conflicts')), await made.problems()], [[], [], []])
	})

	test(`${engine.name}: what a thread has yet to begin with the descriptor of before is done with that`, async (t) => {
		const made = await tree(t, engine, { nodes: 2 })
		const { fs, reports } = await made.start()
		const file = await make(fs)
		await run(write(fs, file, Buffer.alloc(ASIDE_BYTES_MIN, 'mine'), 0))
		const first = fs.nodes.get(1) as Node
		const busy = Promise.withResolvers<void>()
		const { sync: real } = first.operations
		first.operations.sync = async (fd, dataOnly) => busy.promise.then(() => real(fd, dataOnly))
		const buffer = Buffer.alloc(ASIDE_BYTES_MIN)
		const under = [
			run(sync(fs, file, false)),
			run(read(fs, file, buffer, 0, (node, fd, ...range) => busy.promise.then(() => readAside(node, fd, ...range)))),
		]
		fullAtOnce(first)
		await run(write(fs, file, Buffer.from('more'), ASIDE_BYTES_MIN))
		assert.equal(file.node.id, 2)
		busy.resolve()
		const [, bytes] = await Promise.all(under)
		assert.equal(bytes, ASIDE_BYTES_MIN)
		assert.deepEqual(buffer, Buffer.alloc(ASIDE_BYTES_MIN, 'mine'))
		await close(fs, file)
		assert.deepEqual([String(await get(fs, 'x')).length, reports, await made.problems()], [ASIDE_BYTES_MIN + 4, [], []])
	})
}
