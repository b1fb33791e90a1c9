/** What a process remembers of names and attributes is what is there, whoever changes it: random changes at two of them, both databases. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setAttributes } from '../../core/filesystem/attributes.ts'
import { create, makeDirectory } from '../../core/filesystem/create.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { link } from '../../core/filesystem/links.ts'
import { listNames } from '../../core/filesystem/list.ts'
import { lookup } from '../../core/filesystem/lookup.ts'
import { open } from '../../core/filesystem/open.ts'
import type { OpenFile } from '../../core/filesystem/open-files.ts'
import { release } from '../../core/filesystem/publish.ts'
import { removeDirectory, unlink } from '../../core/filesystem/remove.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { settle } from '../../core/filesystem/settle.ts'
import type { Row } from '../../core/catalogue/driver.ts'
import { codeOf } from '../../core/errors.ts'
import { ROOT_ID } from '../../core/ids.ts'
import { run } from '../../core/op.ts'
import { engines } from '../catalogue/engines.ts'
import { type Random, randomFrom, seedOfRun } from '../support/random.ts'
import { OWNER, tree } from './tree.ts'

const STEPS = 150
const NAMES = ['a', 'b', 'c', 'd'].map((name) => Buffer.from(name))
const BEGINNING = Buffer.alloc(0)
const LIMIT = 100
/** What a caller may be told: the changes are chosen without a look at what is there. */
const ANSWERS = new Set(['EEXIST', 'ENOENT', 'ENOTEMPTY', 'EISDIR', 'ENOTDIR', 'EINVAL', 'EPERM', 'ESTALE'])

type Change = (fs: Filesystem, random: Random, places: () => { parent: number; name: Buffer }) => Promise<unknown>

async function write(fs: Filesystem, id: number, text: string): Promise<void> {
	const file = await run(open(fs, id, { write: true, truncate: true }))
	await run(release(fs, await written(file, text), true))
}

async function written(file: OpenFile, text: string): Promise<OpenFile> {
	await file.node.operations.write(file.fd, Buffer.from(text), 0)
	return file
}

const idOf = async (fs: Filesystem, { parent, name }: { parent: number; name: Buffer }) => (await run(lookup(fs, parent, name)))?.id ?? 0

const CHANGES: readonly Change[] = [
	async (fs, _, place) => {
		const made = await run(create(fs, place(), OWNER, true))
		if ('open' in made) await run(release(fs, await written(made.open, 'new'), true))
	},
	async (fs, random, place) => write(fs, await idOf(fs, place()), 'x'.repeat(random.below(50))),
	async (fs, _, place) => run(makeDirectory(fs, place(), OWNER)),
	async (fs, _, place) => run(unlink(fs, place())),
	async (fs, _, place) => run(removeDirectory(fs, place())),
	async (fs, _, place) => run(rename(fs, place(), place(), 'replace')),
	async (fs, _, place) => run(rename(fs, place(), place(), 'exchange')),
	async (fs, _, place) => run(link(fs, await idOf(fs, place()), place())),
	async (fs, random, place) => run(setAttributes(fs, await idOf(fs, place()), { mode: random.below(0o777) })),
]

async function attempt(change: Promise<unknown>): Promise<void> {
	try {
		await change
	} catch (error) {
		assert.ok(ANSWERS.has(codeOf(error)), (error as Error).stack)
	}
}

for (const engine of engines) {
	test(`names and attributes are never old: ${engine.name}`, async (context: TestContext) => {
		const seed = seedOfRun()
		context.diagnostic(`CAIRN_TEST_SEED=${seed}`)
		const random = randomFrom(seed)
		const { start, rows } = await tree(context, engine)
		const [{ fs: here }, { fs: there }] = [await start(), await start()]
		const directories = async () => [ROOT_ID, ...(await rows('SELECT id FROM file WHERE kind = 4 AND id > 1')).map(({ id }) => id)]
		for (let step = 0; step < STEPS; step++) {
			const parents = await directories()
			await attempt(random.pick(CHANGES)(random.chance(0.5) ? here : there, random, () => ({ parent: random.pick(parents), name: random.pick(NAMES) })))
			// What one could not do at once is done, as a process that lives on would see to.
			for (const fs of [here, there]) await flushLater(fs)
			await run(settle(there))
			// Across a socket the journal is followed now and then.
			if (!here.capabilities.synchronous) for (const fs of [here, there]) await run(catchUp(fs))
			for (const directory of await directories()) await compare(here, directory, rows)
		}
	})
}

const SHOWN = 'e.name, f.id, f.kind, f.mode, f.nlink, f.size, f.mtime_ns, f.ctime_ns, f.version'

/** Looked up before the directory is listed: a listing follows the journal first. */
async function compare(fs: Filesystem, directory: number, rows: (sql: string, ...params: number[]) => Promise<Row[]>): Promise<void> {
	const there = await rows(`SELECT ${SHOWN} FROM entry e JOIN file f ON f.id = e.file_id WHERE e.parent_id = ? ORDER BY e.name`, directory)
	for (const row of there) assertSame((await run(lookup(fs, directory, Buffer.from(row.name)))) ?? {}, row)
	const listed = await run(listNames(fs, directory, BEGINNING, LIMIT))
	assert.equal(listed.length, there.length)
	for (const [index, row] of there.entries()) assertSame(listed[index], row)
}

/** As far as it is told. */
function assertSame(told: Row, row: Row): void {
	for (const [key, value] of Object.entries(row)) {
		if (!(key in told)) assert.ok(key === 'name' || told.kind === 8, `${key} of ${row.id} is not told`)
		else if (key === 'name') assert.deepEqual(Buffer.from(told.name), Buffer.from(row.name))
		else assert.equal(told[key], value, `${key} of ${row.id}`)
	}
}
