/** What was seen of a directory and of a name right before a change is not asked for again, unless others have been there. On both engines. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setAttributes } from '../../core/filesystem/attributes.ts'
import { create, makeDirectory } from '../../core/filesystem/create.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { lookup } from '../../core/filesystem/lookup.ts'
import type { Place } from '../../core/filesystem/names.ts'
import { release } from '../../core/filesystem/publish.ts'
import { removeDirectory, unlink } from '../../core/filesystem/remove.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { type FileId, ROOT_ID } from '../../core/ids.ts'
import { run } from '../../core/op.ts'
import { type Engine, engines } from '../catalogue/engines.ts'
import { OWNER, tree } from './tree.ts'

const S_ISGID = 0o2000
const GROUP = 7

const place = (parent: FileId, name: string): Place => ({ parent, name: Buffer.from(name) })
const find = ({ parent, name }: Place, fs: Filesystem) => run(lookup(fs, parent, name))

async function make(fs: Filesystem, at: Place): Promise<void> {
	const made = await run(create(fs, at, OWNER, true))
	assert.ok('open' in made)
	await run(release(fs, made.open, true))
	await flushLater(fs)
}

/** Two processes and a directory in which the first has just made a file, as both know. */
async function ground(t: TestContext, engine: Engine) {
	const made = await tree(t, engine)
	const [{ fs: here }, { fs: there }] = [await made.start(), await made.start()]
	const { id } = await run(makeDirectory(here, place(ROOT_ID, 'd'), { ...OWNER, mode: 0o755 }))
	await make(here, place(id, 'first'))
	for (const fs of [here, there]) await run(catchUp(fs))
	await make(here, place(id, 'second'))
	return { made, here, there, id }
}

for (const engine of engines) {
	test(`${engine.name}: a name that was not there and that another has made since`, async (t) => {
		const { here, there, id } = await ground(t, engine)
		const at = place(id, 'x')
		assert.equal(await find(at, here), undefined)
		await make(there, at)
		await assert.rejects(async () => run(create(here, at, OWNER, true)), { code: 'EEXIST' })
		assert.equal(await find(place(id, 'y'), here), undefined)
		await make(there, place(id, 'y'))
		await run(rename(here, place(id, 'first'), place(id, 'y'), 'replace'))
		assert.equal(await find(place(id, 'first'), there), undefined)
		assert.notEqual(await find(place(id, 'y'), there), undefined)
	})

	test(`${engine.name}: a name that was not there and that this process has made since`, async (t) => {
		const { here, id } = await ground(t, engine)
		assert.equal(await find(place(id, 'x'), here), undefined)
		await make(here, place(id, 'x'))
		await run(unlink(here, place(id, 'x')))
		assert.equal(await find(place(id, 'x'), here), undefined)
	})

	test(`${engine.name}: a directory whose group and mode another has changed since`, async (t) => {
		const { here, there, id } = await ground(t, engine)
		await run(setAttributes(there, id, { mode: 0o755 | S_ISGID, gid: GROUP }))
		await make(here, place(id, 'x'))
		assert.equal((await find(place(id, 'x'), there))?.gid, GROUP)
	})

	test(`${engine.name}: a directory that another has removed since`, async (t) => {
		const { made, here, there, id } = await ground(t, engine)
		for (const name of ['first', 'second']) await run(rename(here, place(id, name), place(ROOT_ID, name), 'replace'))
		await flushLater(here)
		await run(removeDirectory(there, place(ROOT_ID, 'd')))
		await assert.rejects(async () => run(create(here, place(id, 'x'), OWNER, true)), { code: 'ENOENT' })
		assert.deepEqual(await made.rows('SELECT name FROM entry WHERE parent_id = ?', id), [])
	})
}

test('SQLite: neither is asked for again', async (t) => {
	const { here, id } = await ground(t, engines[0])
	const asked: string[] = []
	const at = place(id, 'x')
	await find(at, here)
	const { transaction } = here.catalogue
	here.catalogue.transaction = ((body: Parameters<typeof transaction>[0]) =>
		transaction((tx) => body({ ...tx, read: (...queries) => (asked.push(...queries.map(([sql]) => sql)), tx.read(...queries)) }))) as typeof transaction
	await make(here, at)
	assert.deepEqual(asked.filter((sql) => /FROM entry/.test(sql)), [])
	assert.equal(asked.filter((sql) => /FROM file/.test(sql)).length, 1, 'what is published')
})
