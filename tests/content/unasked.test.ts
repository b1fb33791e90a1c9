/** What a process takes for granted when it makes a file: asked for by nobody while it is so, and found out when another has changed it. Both databases. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Reader } from '../../core/catalogue/driver.ts'
import * as intents from '../../core/catalogue/intents.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import { setAttributes } from '../../core/filesystem/attributes.ts'
import { create, makeDirectory } from '../../core/filesystem/create.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { link } from '../../core/filesystem/links.ts'
import { getAttributes, lookup } from '../../core/filesystem/lookup.ts'
import type { OpenFile } from '../../core/filesystem/open-files.ts'
import { publishAtClose, release } from '../../core/filesystem/publish.ts'
import { removeDirectory, unlink } from '../../core/filesystem/remove.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { ROOT_ID } from '../../core/ids.ts'
import { run } from '../../core/op.ts'
import { type Engine, engines, mariadb } from '../catalogue/engines.ts'
import { OWNER, tree } from './tree.ts'

const DIRECTORY = { ...OWNER, mode: 0o755 }
const GROUP = 7
const BEGIN = 'a transaction begins'
const at = (parent: number, name: string) => ({ parent, name: Buffer.from(name) })

async function begin(fs: Filesystem, parent: number, name: string): Promise<OpenFile> {
	const made = await run(create(fs, at(parent, name), OWNER, true))
	if (!('open' in made)) throw new Error('it was there')
	await made.open.node.operations.write(made.open.fd, Buffer.from('text'), 0)
	return made.open
}

async function end(fs: Filesystem, file: OpenFile): Promise<void> {
	await run(publishAtClose(fs, file))
	await run(release(fs, file, true))
}

async function make(fs: Filesystem, parent: number, name: string): Promise<number> {
	const file = await begin(fs, parent, name)
	await end(fs, file)
	return file.id
}

/** A directory that one process made, with a file in it, and another process that knows both. */
async function ground(t: TestContext, engine: Engine, nodes = 1) {
	const made = await tree(t, engine, { nodes })
	const { fs } = await made.start()
	const { fs: other } = await made.start()
	const directory = (await run(makeDirectory(fs, at(ROOT_ID, 'd'), DIRECTORY))).id
	await run(catchUp(fs))
	await make(fs, directory, 'known')
	await flushLater(fs)
	await run(catchUp(other))
	assert.ok(fs.touched.get(directory))
	const rowOf = async (id: number) => (await made.rows('SELECT mode, gid, nlink, size, version FROM file WHERE id = ?', id))[0]
	return { ...made, fs, other, directory, rowOf }
}

type Ground = Awaited<ReturnType<typeof ground>>

const BEFORE_A_CREATE: Record<string, (ground: Ground) => Promise<unknown>> = {
	'gave the directory a group that what is in it inherits': async ({ fs, other, directory, rowOf }) => {
		await run(setAttributes(other, directory, { gid: GROUP }))
		await run(setAttributes(other, directory, { mode: 0o2775 }))
		await flushLater(other)
		assert.equal((await rowOf(await make(fs, directory, 'new'))).gid, GROUP)
	},
	'removed the directory': async ({ fs, other, directory, rows }) => {
		await run(unlink(other, at(directory, 'known')))
		await run(removeDirectory(other, at(ROOT_ID, 'd')))
		await assert.rejects(make(fs, directory, 'new'), { code: 'ENOENT' })
		assert.deepEqual(await rows('SELECT name FROM entry WHERE parent_id = ?', directory), [])
	},
	'made a file of that name': async ({ fs, other, directory }) => {
		const id = await make(other, directory, 'new')
		await assert.rejects(begin(fs, directory, 'new'), { code: 'EEXIST' })
		const found = await run(create(fs, at(directory, 'new'), OWNER, false))
		assert.equal('existing' in found && found.existing.id, id)
	},
}

const BEFORE_A_CLOSE: Record<string, (ground: Ground, file: OpenFile) => Promise<{ mode?: number; nlink?: number } | undefined>> = {
	'took rights away': async ({ other }, { id }) => {
		await run(setAttributes(other, id, { mode: 0o600 }))
		return { mode: 0o600 }
	},
	'gave the file another name': async ({ other, directory }, { id }) => {
		await run(link(other, id, at(directory, 'too')))
		return { nlink: 2 }
	},
	'moved it': async ({ other, directory }) => {
		await run(rename(other, at(directory, 'new'), at(directory, 'moved'), 'replace'))
		return {}
	},
	'removed it': async ({ other, directory }) => {
		await run(unlink(other, at(directory, 'new')))
		return undefined
	},
}

const COPIES: ReadonlyArray<[title: string, before: number, after: number]> = [
	['came into doubt stays in doubt', REPLICA.suspect, REPLICA.suspect],
	['was taken for lost is good', REPLICA.wanted, REPLICA.good],
]

for (const engine of engines) {
	for (const [title, change] of Object.entries(BEFORE_A_CREATE)) {
		test(`${engine.name}: another process ${title}, and a file is made there`, async (t) => {
			await change(await ground(t, engine))
		})
	}

	for (const [title, change] of Object.entries(BEFORE_A_CLOSE)) {
		test(`${engine.name}: another process ${title} before a new file was closed`, async (t) => {
			const there = await ground(t, engine)
			const { fs, directory, rowOf } = there
			const file = await begin(fs, directory, 'new')
			const expected = await change(there, file)
			await run(publishAtClose(fs, file))
			const row = await rowOf(file.id)
			const { mode, gid, nlink, size, version } = file.row
			await run(release(fs, file, true))
			assert.equal(file.orphan, expected === undefined)
			if (!expected) return assert.equal(row, undefined)
			assert.deepEqual({ ...row }, { mode: OWNER.mode, gid: 0, nlink: 1, size: 4, version: 1, ...expected })
			assert.deepEqual({ mode, gid, nlink, size, version }, { ...row })
		})
	}

	test(`${engine.name}: where something has yet to be removed under that name the new file goes to another node`, async (t) => {
		const { fs, other, directory, rows } = await ground(t, engine, 2)
		const [{ node_id: first }] = await rows('SELECT node_id FROM replica')
		const intent = { nodeId: first, op: 'unlink', path: Buffer.from('d/new'), toPath: null, fileId: 99, token: 1 } as const
		await other.catalogue.transaction(function* (tx) {
			intents.insertAll(tx, other.client, [intent], other.capabilities)
		})
		const id = await make(fs, directory, 'new')
		assert.notEqual((await rows('SELECT node_id FROM replica WHERE file_id = ?', id))[0].node_id, first)
		// As long as it stands nothing is tried in vain.
		const asked = await questions(fs, () => make(fs, directory, 'next'))
		assert.equal(asked.filter((each) => each === BEGIN).length, 2)
	})

	for (const [title, before, after] of COPIES) {
		test(`${engine.name}: a copy that ${title} before the first close`, async (t) => {
			const { fs, other, directory, rows } = await ground(t, engine)
			const file = await begin(fs, directory, 'new')
			await other.catalogue.change('UPDATE replica SET state = ? WHERE file_id = ?', [before, file.id])
			await end(fs, file)
			const copies = await rows('SELECT state, version FROM replica WHERE file_id = ?', file.id)
			assert.deepEqual(copies.map((row) => ({ ...row })), [{ state: after, version: 1 }])
		})
	}

	test(`${engine.name}: alone, whatever came into a new directory is found there`, async (t) => {
		const { fs } = await (await tree(t, engine)).start()
		const { id } = await run(makeDirectory(fs, at(ROOT_ID, 'd'), DIRECTORY))
		const file = await make(fs, ROOT_ID, 'file')
		await run(link(fs, file, at(id, 'linked')))
		await run(rename(fs, at(ROOT_ID, 'file'), at(id, 'moved'), 'replace'))
		await run(makeDirectory(fs, at(id, 'made'), DIRECTORY))
		for (const name of ['linked', 'moved', 'made']) {
			assert.ok(await run(lookup(fs, id, Buffer.from(name))), name)
			assert.equal(fs.readAhead.whole.lacks(id, Buffer.from(name)), false)
		}
		await run(unlink(fs, at(id, 'moved')))
		assert.equal(await run(lookup(fs, id, Buffer.from('moved'))), undefined)
	})

	test(`${engine.name}: files made at a time in one directory are all there, and its attributes what the catalogue says`, async (t) => {
		const { fs } = await (await tree(t, engine)).start()
		const { id } = await run(makeDirectory(fs, at(ROOT_ID, 'd'), DIRECTORY))
		await make(fs, id, 'first')
		const names = Array.from({ length: 12 }, (_, index) => `f${index}`)
		await Promise.all([...names.map((name) => make(fs, id, name)), run(makeDirectory(fs, at(id, 's'), DIRECTORY))])
		for (const name of names) {
			assert.ok(await run(lookup(fs, id, Buffer.from(name))), name)
			assert.equal(fs.readAhead.whole.lacks(id, Buffer.from(name)), false)
		}
		const said = await fs.catalogue.get('SELECT nlink, mtime, mtime_ns FROM file WHERE id = ?', [id])
		const { nlink, mtime, mtime_ns } = await run(getAttributes(fs, id))
		assert.deepEqual({ nlink, mtime, mtime_ns }, { ...said })
	})
}

test(`${mariadb.name}: what a process changed itself before the close is known`, async (t) => {
	const { start, rows } = await tree(t, mariadb)
	const { fs } = await start()
	const file = await begin(fs, ROOT_ID, 'new')
	await run(setAttributes(fs, file.id, { mode: 0o640, mtime: { s: 9, ns: 0 } }))
	assert.deepEqual(await questions(fs, () => run(publishAtClose(fs, file))), [BEGIN])
	await end(fs, file)
	assert.equal((await rows('SELECT mode FROM file WHERE id = ?', file.id))[0].mode, 0o640)
	assert.equal((await run(getAttributes(fs, file.id))).mtime, 9)
})

test(`${mariadb.name}: alone, files in a new directory are made without a question`, async (t) => {
	const made = await tree(t, mariadb)
	const { fs } = await made.start()
	const { id } = await run(makeDirectory(fs, at(ROOT_ID, 'd'), DIRECTORY))
	await make(fs, id, 'first')
	const asked = await questions(fs, async () => {
		assert.equal(fs.readAhead.whole.lacks(id, Buffer.from('second')), true)
		await make(fs, id, 'second')
		await run(getAttributes(fs, id))
	})
	assert.deepEqual(asked, [BEGIN, BEGIN])
	assert.deepEqual(await made.problems(), [])
})

/** What the catalogue is asked while something is done, with the beginnings of transactions. */
async function questions({ catalogue }: Filesystem, act: () => unknown): Promise<string[]> {
	const asked: string[] = []
	const noting = <R extends Reader>(reader: R): R => ({
		...reader,
		all: (sql, params) => (asked.push(sql), reader.all(sql, params)),
		get: (sql, params) => (asked.push(sql), reader.get(sql, params)),
		read: (...queries) => (asked.push(...queries.map(([sql]) => sql)), reader.read(...queries)),
	})
	const plain = { ...catalogue }
	Object.assign(catalogue, noting(plain), {
		transaction: ((body) => (asked.push(BEGIN), plain.transaction((tx) => body(noting(tx))))) satisfies typeof plain.transaction,
	})
	try {
		await act()
	} finally {
		Object.assign(catalogue, plain)
	}
	return asked
}
