/** Two clients that remove at the same time, on both databases: one trash, nothing lost, nothing doubled. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { addNode } from '../../cli/node-add.ts'
import type { Driver } from '../../core/catalogue/driver.ts'
import { openCatalogue } from '../../core/catalogue/open.ts'
import { initialise } from '../../core/catalogue/initialise.ts'
import { withDefaults } from '../../core/config/defaults.ts'
import { create, makeDirectory } from '../../core/filesystem/create.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { release } from '../../core/filesystem/publish.ts'
import { lookup } from '../../core/filesystem/lookup.ts'
import { unlink } from '../../core/filesystem/remove.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { startFilesystem, stopFilesystem } from '../../core/filesystem/start.ts'
import { findRemoved } from '../../core/filesystem/trash-contents.ts'
import { restore } from '../../core/filesystem/trash-restore.ts'
import type { Node } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { startRun } from '../../replicator/run.ts'
import { purge } from '../../replicator/trash/purge.ts'
import { config, engines, ready } from '../catalogue/engines.ts'
import { at, OWNER } from '../unit/installation.ts'
import { KEEPING, keptPaths, today } from './trash-installation.ts'

const FILES = 12

async function start(t: TestContext, address: string, node?: string): Promise<Filesystem> {
	const catalogue: Driver = await openCatalogue(config(address))
	if (node !== undefined) {
		await initialise(catalogue, { owner: { uid: 0, gid: 0 }, classes: KEEPING, now: { s: 1, ns: 0 } })
		await addNode(catalogue, 'node1', { path: node, zone: '', reserve: 0, weight: 100, io: 'auto', state: 'rw' })
	}
	const fs = await run(
		startFilesystem({ config: withDefaults({ classes: KEEPING }), catalogue, what: 'test', report: () => undefined }),
	)
	t.after(async () => {
		await stopFilesystem(fs)
		await catalogue.close()
	})
	return fs
}

async function write(fs: Filesystem, name: string, parent: number): Promise<void> {
	const made = await run(create(fs, at(name, parent), OWNER, true))
	assert.ok('open' in made)
	await run(release(fs, made.open, true))
}

for (const engine of engines) {
	test(`${engine.name}: removals at the same time`, async (t) => {
		const node = mkdtempSync(join(tmpdir(), 'cairn-trash-'))
		t.after(() => rmSync(node, { recursive: true, force: true }))
		mkdirSync(join(node, 'n'))
		const { address } = await ready(t, engine)
		const a = await start(t, address, join(node, 'n'))
		const b = await start(t, address)
		const directory = (await run(makeDirectory(a, at('d'), { mode: 0o755, uid: 0, gid: 0 }))).id
		const names = Array.from({ length: FILES }, (_, index) => `f${index}`)
		for (const name of names) await write(a, name, directory)
		await flushLater(a)
		await Promise.all(names.map(async (name, index) => run(unlink(index % 2 === 0 ? a : b, at(name, directory)))))
		assert.deepEqual((await keptPaths(a)).sort(), names.map((name) => `d/${name}`).sort())
		const directories = await a.catalogue.all('SELECT id FROM file WHERE kind = 4')
		assert.equal(directories.length, 5, 'root, d, and in the trash: .trash, the day, d')
		const [kept] = await findRemoved(b.catalogue, Buffer.from('d/f3'))
		await run(restore(b, kept, Buffer.from('d/f3')))
		assert.equal((await keptPaths(a)).length, FILES - 1)
	})
	test(`${engine.name}: a directory that is moved out of the trash while that is emptied keeps what is in it`, async (t) => {
		const root = mkdtempSync(join(tmpdir(), 'cairn-trash-'))
		t.after(() => rmSync(root, { recursive: true, force: true }))
		const { address } = await ready(t, engine)
		const user = await start(t, address, root)
		const emptying = await start(t, address)
		const { id: photos } = await run(makeDirectory(user, at('photos'), { mode: 0o755, uid: 0, gid: 0 }))
		const { id: year } = await run(makeDirectory(user, at('2026', photos), { mode: 0o755, uid: 0, gid: 0 }))
		const names = Array.from({ length: FILES }, (_, index) => `f${index}`)
		for (const name of names) await write(user, name, year)
		for (const name of names) await run(unlink(user, at(name, year)))
		await flushLater(user)
		const trash = (await run(lookup(user, 1, Buffer.from('.trash'))))?.id as number
		const day = (await run(lookup(user, trash, Buffer.from(today()))))?.id as number
		const { operations } = emptying.nodes.get(1) as Node
		const { unlink: own } = operations
		let removed = 0
		operations.unlink = (path) => {
			if (++removed !== 3) return own(path)
			return Promise.resolve(run(rename(user, at('photos', day), at('back'), 'noreplace'))).then(() => own(path))
		}
		const emptied = startRun(new AbortController().signal)
		await purge(emptying, emptied, { isDue: () => true, filesMax: Number.POSITIVE_INFINITY })
		assert.deepEqual(emptied.summary().outcomes, { removed: 3, gone: FILES - 3 })
		const back = (await run(lookup(user, 1, Buffer.from('back'))))?.id as number
		const kept = await user.catalogue.all('SELECT 1 FROM entry up JOIN entry e ON e.parent_id = up.file_id WHERE up.parent_id = ?', [back])
		assert.equal(kept.length, FILES - 3)
	})
}
