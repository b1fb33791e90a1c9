/** The database commits and its answer is lost, or the commit is, or it comes late: each operation happens exactly once. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { addNode } from '../../cli/node-add.ts'
import { initialise } from '../../core/catalogue/initialise.ts'
import { openCatalogue } from '../../core/catalogue/open.ts'
import { withDefaults } from '../../core/config/defaults.ts'
import { create, makeDirectory, makeSymlink } from '../../core/filesystem/create.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { link } from '../../core/filesystem/links.ts'
import { open } from '../../core/filesystem/open.ts'
import { release } from '../../core/filesystem/publish.ts'
import { removeDirectory, unlink } from '../../core/filesystem/remove.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { settle } from '../../core/filesystem/settle.ts'
import { startFilesystem, stopFilesystem } from '../../core/filesystem/start.ts'
import { ROOT_ID } from '../../core/ids.ts'
import { type Op, run } from '../../core/op.ts'
import { config } from '../catalogue/engines.ts'
import { type Loss, type MysqlProxy, startProxy } from '../catalogue/proxy.ts'
import { readCatalogue } from '../support/catalogue-rows.ts'
import { checkTree } from '../support/check-tree.ts'
import { startMariadb } from '../support/mariadb.ts'
import { until } from '../support/until.ts'
import { at, OWNER } from '../unit/installation.ts'

const CLASSES = [{ name: 'default', pattern: '', copies: 1 }]
let databases = 0

interface Ground {
	fs: Filesystem
	proxy: MysqlProxy
	/** Names of the tree and the version of what they lead to, once nothing is mounted and all is as it should be. */
	end(): Promise<Record<string, number>>
}

/** One filesystem on a node, whose catalogue is behind the proxy. */
async function prepare(t: TestContext, catalogueTimeoutMs = 20_000): Promise<Ground> {
	const server = await startMariadb()
	const database = `answer_lost_${process.pid}_${++databases}`
	const direct = await server.freshDatabase(database)
	const directory = mkdtempSync(join(tmpdir(), 'cairn-answer-'))
	const proxy = await startProxy(server.port)
	const own = await openCatalogue(config(direct))
	await initialise(own, { owner: { uid: 0, gid: 0 }, classes: CLASSES, now: { s: 1, ns: 0 } })
	mkdirSync(join(directory, 'node1'))
	const node = { path: join(directory, 'node1'), zone: '', reserve: 0, weight: 100, io: 'auto', state: 'rw' } as const
	await addNode(own, 'node1', node)
	await own.close()
	const catalogue = await openCatalogue(config(server.tcpUrl(database, proxy.port), { catalogueTimeoutMs }))
	const settings = withDefaults({ classes: CLASSES })
	const fs = await run(startFilesystem({ config: settings, catalogue, what: 'test', report: () => undefined }))
	t.after(() => {
		proxy.close()
		rmSync(directory, { recursive: true })
	})
	return {
		fs,
		proxy,
		async end() {
			await flushLater(fs)
			await stopFilesystem(fs)
			await catalogue.close()
			proxy.close()
			assert.deepEqual(await checkTree(direct), [])
			const { entries, files } = await readCatalogue(direct)
			assert.equal(files.length, new Set(entries.map(({ file }) => file)).size + 1, 'a file no name leads to')
			const versionOf = (id: number) => files.find((row) => row.id === id)?.version ?? 0
			return Object.fromEntries(entries.map(({ name, file }) => [String(name), versionOf(file)]))
		},
	}
}

async function writeFile(fs: Filesystem, name: string): Promise<number> {
	const made = await run(create(fs, at(name), OWNER, true))
	assert.ok('open' in made)
	await made.open.node.operations.write(made.open.fd, Buffer.from(name), 0)
	await run(release(fs, made.open, true))
	await flushLater(fs)
	return made.open.id
}

interface Case {
	before?: string[]
	/** `id` is that of the last file there was before. */
	act(fs: Filesystem, id: number): Op<unknown>
}

function* createAndClose(fs: Filesystem): Op<void> {
	const made = yield* create(fs, at('created'), OWNER, true)
	assert.ok('open' in made)
	yield* release(fs, made.open, true)
}

function* openAndClose(fs: Filesystem, id: number): Op<void> {
	yield* release(fs, yield* open(fs, id, { write: true, truncate: false }), true)
}

const SYMLINK_OWNER = { uid: 0, gid: 0 }
const CASES: Record<string, Case> = {
	create: { act: createAndClose },
	mkdir: { act: (fs) => makeDirectory(fs, at('made'), OWNER) },
	rmdir: { act: (fs) => removeDirectory(fs, at('made')) },
	symlink: { act: (fs) => makeSymlink(fs, at('pointer'), Buffer.from('a'), SYMLINK_OWNER) },
	link: { before: ['a'], act: (fs, id) => link(fs, id, at('b')) },
	rename: { before: ['c'], act: (fs) => rename(fs, at('c'), at('d'), 'replace') },
	'rename over another': { before: ['e', 'f'], act: (fs) => rename(fs, at('e'), at('f'), 'replace') },
	exchange: { before: ['g', 'h'], act: (fs) => rename(fs, at('g'), at('h'), 'exchange') },
	'open for writing': { before: ['k'], act: openAndClose },
	unlink: { before: ['i', 'j'], act: (fs) => unlink(fs, at('i')) },
}
/** Versions by name. */
const AFTER_ALL = { created: 1, pointer: 1, a: 1, b: 1, d: 1, f: 1, g: 1, h: 1, j: 1, k: 1 }

/** The late COMMIT holds its locks until it arrives, which is when the transaction is being tried again. */
async function despite(loss: Loss, { fs, proxy }: Ground, act: () => Op<unknown>): Promise<void> {
	const before = proxy.queries.length
	proxy.lose(loss)
	const acted = Promise.resolve(run(act()))
	if (loss === 'late') {
		await until('the operation is tried again', () => {
			const [, ...since] = proxy.queries
				.slice(before)
				.filter((query) => / FOR UPDATE|;COMMIT$/.test(query))
				.join()
				.split(';COMMIT')
			return since.some((query) => query.includes(' FOR UPDATE')) || undefined
		})
		await proxy.deliver()
	}
	await acted
	await flushLater(fs)
}

for (const loss of ['answer', 'request', 'late'] as Loss[]) {
	test(`a COMMIT whose ${loss} is lost, under each operation`, async (t) => {
		const ground = await prepare(t)
		for (const [what, { before = [], act }] of Object.entries(CASES)) {
			let id = ROOT_ID as number
			for (const name of before) id = await writeFile(ground.fs, name)
			await t.test(what, async () => await despite(loss, ground, () => act(ground.fs, id)))
		}
		assert.deepEqual(await ground.end(), AFTER_ALL)
	})
}

const SHORT_MS = 1_000

test('a COMMIT that is carried out while the server answers nobody for too long: EIO, and what was made is settled when it answers', async (t) => {
	const ground = await prepare(t, SHORT_MS)
	const { fs, proxy } = ground
	// Numbers are reserved in a transaction of their own.
	await run(fs.ids.next())
	for (const [what, { before = [], act }] of Object.entries(CASES)) {
		let id = ROOT_ID as number
		for (const name of before) id = await writeFile(fs, name)
		await t.test(what, async () => {
			const told: string[] = []
			fs.onChange = ({ op }) => void told.push(op)
			await fs.later.written()
			proxy.lose('hung')
			await assert.rejects(async () => run(act(fs, id)), { code: 'EIO' }).finally(() => proxy.wake())
			assert.ok(fs.undecided.size > 0)
			await until('it is known', () => fs.undecided.size === 0 || undefined)
			if (what !== 'open for writing') assert.ok(told.length > 0, 'the door has heard nothing of it')
			await run(settle(fs))
			await flushLater(fs)
			await fs.later.written()
		})
	}
	const { created: _, ...others } = AFTER_ALL
	assert.deepEqual(await ground.end(), others)
})

test('what was made is told to the door also where others have written much into the journal meanwhile', async (t) => {
	const { fs, proxy, end } = await prepare(t, SHORT_MS)
	await writeFile(fs, 'a')
	await fs.catalogue.change("INSERT INTO `change` (at, client_id, op, file_id) SELECT UNIX_TIMESTAMP(), 0, 'attributes', 1 FROM seq_1_to_5001")
	const told: string[] = []
	fs.onChange = ({ op }) => void told.push(op)
	proxy.lose('hung')
	await assert.rejects(async () => run(unlink(fs, at('a'))), { code: 'EIO' }).finally(() => proxy.wake())
	await until('it is known', () => fs.undecided.size === 0 || undefined)
	assert.ok(told.includes('unlink'), told.join())
	await run(settle(fs))
	assert.deepEqual(await end(), {})
})
