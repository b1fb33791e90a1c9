/** Where a directory is was asked before it was moved, and the answer comes after that was heard of: it is not remembered. On MariaDB, whose answers come later. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeDirectory } from '../../core/filesystem/create.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { list } from '../../core/filesystem/list.ts'
import { lookup } from '../../core/filesystem/lookup.ts'
import { open } from '../../core/filesystem/open.ts'
import { release } from '../../core/filesystem/publish.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { locate, resolve } from '../../core/filesystem/resolve.ts'
import { ROOT_ID } from '../../core/ids.ts'
import { run } from '../../core/op.ts'
import { mariadb } from '../catalogue/engines.ts'
import { at } from '../unit/installation.ts'
import { OWNER, put, tree } from './tree.ts'

const DIRECTORY = { ...OWNER, mode: 0o755 }

/** The next question of this process outside a transaction that is not about the journal has its answer; `meanwhile` happens before it is handed on. */
function answeredLate({ catalogue }: Filesystem, meanwhile: () => Promise<unknown>): () => boolean {
	let isOver = false
	const own = { all: catalogue.all, get: catalogue.get }
	for (const [name, real] of Object.entries(own) as Array<[string, (...args: unknown[]) => unknown]>) {
		const late = async (...args: unknown[]) => {
			const answer = await real(...args)
			if (isOver || String(args[0]).includes('`change`')) return answer
			isOver = true
			Object.assign(catalogue, own)
			await meanwhile()
			return answer
		}
		Object.assign(catalogue, { [name]: late })
	}
	return () => isOver
}

const questions: Record<string, (fs: Filesystem, ids: { above: number; below: number }) => Promise<unknown>> = {
	path: async (fs, { below }) => run(fs.directories.path(fs.catalogue, below)),
	ancestors: async (fs, { below }) => run(fs.directories.ancestors(fs.catalogue, below)),
	resolve: async (fs) => run(resolve(fs, Buffer.from('resolve/s/f'))),
	lookup: async (fs) => run(lookup(fs, ROOT_ID, Buffer.from('lookup'))),
	list: async (fs) => run(list(fs, ROOT_ID, Buffer.alloc(0), 100)),
}

for (const who of ['itself', 'another'] as const) {
	test(`by ${who === 'itself' ? 'the process itself' : 'another'}`, async (t) => {
		const { start } = await tree(t, mariadb)
		const { fs } = await start()
		const other = who === 'another' ? (await start()).fs : fs
		const remembered: Record<string, string[]> = {}
		for (const [name, ask] of Object.entries(questions)) {
			const { id: above } = await run(makeDirectory(fs, at(name), DIRECTORY))
			const { id: below } = await run(makeDirectory(fs, at('s', above), DIRECTORY))
			for (const each of [fs, other]) await run(catchUp(each))
			fs.directories.forget()
			fs.readAhead.forget()
			const isOver = answeredLate(fs, async () => {
				await run(rename(other, at(name), at(`${name}-moved`), 'replace'))
				await flushLater(other)
				await run(catchUp(fs))
			})
			await ask(fs, { above, below }).catch(() => undefined)
			assert.ok(isOver())
			remembered[name] = [String(await run(fs.directories.path(fs.catalogue, above))), String(await run(fs.directories.path(fs.catalogue, below)))]
		}
		const moved = Object.keys(questions).map((name) => [name, [`${name}-moved`, `${name}-moved/s`]])
		assert.deepEqual(remembered, Object.fromEntries(moved))
	})
}

test('a name that is kept is asked for while it is followed what others moved', async (t) => {
	const { start } = await tree(t, mariadb)
	const [one, other] = [(await start()).fs, (await start()).fs]
	const [p, q] = [await run(makeDirectory(one, at('p'), DIRECTORY)), await run(makeDirectory(one, at('q'), DIRECTORY))]
	const { id } = await run(makeDirectory(one, at('d', p.id), DIRECTORY))
	await put(one, 'written', 'content')
	await flushLater(one)
	const { row } = await run(locate(one, Buffer.from('written')))
	const file = await run(open(one, row.id, { write: true, truncate: false }))
	await run(catchUp(one))
	for (const name of ['a', 'b', 'd']) await run(lookup(one, p.id, Buffer.from(name)))
	await run(rename(other, at('written'), at('renamed'), 'replace'))
	await run(rename(other, at('d', p.id), at('d', q.id), 'replace'))
	await flushLater(other)
	const isOver = answeredLate(one, async () => {
		await run(lookup(one, ROOT_ID, Buffer.from('p')))
		await run(lookup(one, p.id, Buffer.from('d')))
	})
	await run(catchUp(one))
	assert.ok(isOver())
	assert.equal(String(await run(one.directories.path(one.catalogue, id))), 'q/d')
	await run(release(one, file, true))
})
