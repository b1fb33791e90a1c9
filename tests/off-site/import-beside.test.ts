/** What others do while the old database is taken over, and what a kill leaves of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { run as runImport } from '../../cli/import-geograph.ts'
import * as entries from '../../core/catalogue/entries.ts'
import { makeDirectory } from '../../core/filesystem/create.ts'
import { removeDirectory, unlink } from '../../core/filesystem/remove.ts'
import { ROOT_ID } from '../../core/ids.ts'
import { type Account, importAll } from '../../core/off-site/geograph/import.ts'
import type { OldDatabase, OldFile } from '../../core/off-site/geograph/old-rows.ts'
import { run } from '../../core/op.ts'
import { engines } from '../catalogue/engines.ts'
import { oldDatabase } from './geograph.ts'
import { cairn, type Keeper, openKeeper } from './keeper.ts'

interface Old {
	paths: readonly string[]
	folders?: readonly string[]
	/** Done before the page after this file, or these folders, is written. */
	meanwhile(after: number | 'folders'): Promise<void>
}

/** A page for each file. */
function oldOf({ paths, folders = [], meanwhile }: Old, written: () => Promise<void>): OldDatabase {
	const rows = paths.map((path, at): OldFile => ({
		...{ file_id: at + 1, filename: Buffer.from(path), size: 1, modified: 0, md5sum: '', replicas: 'node1', replica_count: 1, backups: '', class: '' },
	}))
	let isFurther = false
	return {
		name: 'old',
		async files(after) {
			if (isFurther) await written()
			isFurther = true
			if (after > 0) await meanwhile(after)
			return rows.slice(after, after + 1)
		},
		async folders(after) {
			if (after === 0) await meanwhile('folders')
			return folders.map((folder, at) => ({ folder_id: at + 1, folder: Buffer.from(folder) })).slice(after)
		},
		remotes: async () => [],
		count: async () => rows.length,
		close: async () => undefined,
	}
}

function importInto({ fs }: Keeper, old: Old, leave: (old: OldFile) => void = () => undefined): Promise<Account> {
	let page = Promise.withResolvers<void>()
	const known = { root: Buffer.alloc(0), nodes: new Map([...fs.nodes.values()].map((node) => [node.name, node.id])), sites: new Map() }
	const progress = () => {
		page.resolve()
		page = Promise.withResolvers()
	}
	return importAll({ fs, old: oldOf(old, () => page.promise), known, owner: { uid: 0, gid: 0 }, signal: new AbortController().signal, leave, progress })
}

async function unreachable({ driver }: Keeper): Promise<unknown[]> {
	return await driver.all('SELECT e.name FROM entry e LEFT JOIN file f ON f.id = e.parent_id WHERE f.id IS NULL')
}

for (const engine of engines) {
	test(`${engine.name}: into a directory that somebody removed meanwhile nothing goes: it is made again`, async (t) => {
		const keeper = await openKeeper(t, { engine, nodes: 1 })
		const remove = async (...names: string[]) => {
			const a = (await entries.lookup(keeper.driver, ROOT_ID, Buffer.from('a')))?.id as number
			for (const name of names) await run(unlink(keeper.fs, { parent: a, name: Buffer.from(name) }))
			await run(removeDirectory(keeper.fs, { parent: ROOT_ID, name: Buffer.from('a') }))
		}
		const meanwhile = (after: number | 'folders') => (after === 1 ? remove('1') : after === 'folders' ? remove('2') : Promise.resolve())
		const { files, directories } = await importInto(keeper, { paths: ['/a/1', '/a/2'], folders: ['/a/b'], meanwhile })
		assert.deepEqual([files, directories], [2, 4])
		assert.deepEqual(await unreachable(keeper), [])
	})

	test(`${engine.name}: what somebody makes between the look and the entry is found`, async (t) => {
		const keeper = await openKeeper(t, { engine, nodes: 1 })
		const looked = keeper.fs.ids.range.bind(keeper.fs.ids)
		let made = false
		// Numbers are asked for once a name was looked for in vain.
		keeper.fs.ids.range = function* (many) {
			if (!made) {
				made = true
				yield* makeDirectory(keeper.fs, { parent: ROOT_ID, name: Buffer.from('a') }, { mode: 0o755, uid: 0, gid: 0 })
			}
			return yield* looked(many)
		}
		const { directories } = await importInto(keeper, { paths: [], folders: ['/a/b'], meanwhile: async () => undefined })
		assert.equal(directories, 1)
		const links = await keeper.driver.all('SELECT f.nlink FROM file f JOIN entry e ON e.file_id = f.id WHERE e.name = ?', [Buffer.from('a')])
		assert.deepEqual(links.map(({ nlink }) => nlink), [3])
	})
}

test('whoever was not told of a file that is not taken is told of it by the next run', async (t) => {
	const keeper = await openKeeper(t, { nodes: 1 })
	await keeper.put('taken', 'content')
	const old = { paths: ['/1', '//', '/taken', '/2'], meanwhile: async () => undefined }
	for (const path of ['//', '/taken']) {
		const full = importInto(keeper, old, ({ filename }) => {
			if (filename.equals(Buffer.from(path))) throw new Error('the disk is full')
		})
		await assert.rejects(full, /the disk is full/)
	}
	const told: string[] = []
	assert.equal((await importInto(keeper, old, ({ filename }) => told.push(filename.toString()))).files, 1)
	assert.deepEqual(told, ['/taken'])
})

test('an agent that was not active is no site that is let in, not even for a moment', async (t) => {
	const keeper = await openKeeper(t)
	await keeper.driver.script('CREATE TABLE began (name TEXT, state TEXT)')
	await keeper.driver.script('CREATE TRIGGER began_so AFTER INSERT ON site BEGIN INSERT INTO began VALUES (NEW.name, NEW.state); END')
	const from = await oldDatabase([])
	const said = await cairn(keeper, (deps) => runImport({ from, root: '', node: [], uid: 0, gid: 0, json: true }, deps))
	assert.equal(said.exitCode, 0, said.err)
	const began = await keeper.driver.all('SELECT name, state FROM began ORDER BY name')
	assert.deepEqual(began.map((row) => ({ ...row })), [{ name: 'amz-1', state: 'paused' }, { name: 'dwo', state: 'active' }])
})
