/** An old dump put back costs no data: whatever it says is still to be done, and whatever the nodes have of later days. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { dumpInto } from '../../cli/dump.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import { loadDump } from '../../core/catalogue/dump/load.ts'
import { openSqlite } from '../../core/catalogue/sqlite.ts'
import { makeDirectory } from '../../core/filesystem/create.ts'
import { open } from '../../core/filesystem/open.ts'
import { release } from '../../core/filesystem/publish.ts'
import { removeDirectory, unlink } from '../../core/filesystem/remove.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { settle } from '../../core/filesystem/settle.ts'
import { stopFilesystem } from '../../core/filesystem/start.ts'
import { replicate } from '../../replicator/replicate/replicate.ts'
import { type Job, runJob } from '../../replicator/replicator.ts'
import { trim } from '../../replicator/trim/trim.ts'
import { walk } from '../../replicator/walk/walk.ts'
import { setCopy } from './copies.ts'
import { at, type Client, type Installation, installation, now, OWNER, setUp, writeFile } from '../unit/installation.ts'

const TWO = [{ name: 'default', pattern: '', copies: 2 }]
const never = new AbortController().signal

async function onEach({ fs }: Client, job: () => Job): Promise<void> {
	for (const node of fs.nodes.values()) await runJob(fs, node, job(), { signal: never })
}

/** In place of whatever the catalogue was. */
async function putBack(place: Installation, dump: string): Promise<Client> {
	for (const end of ['', '-wal', '-shm']) rmSync(join(place.directory, `catalogue.db${end}`), { force: true })
	const driver = openSqlite(join(place.directory, 'catalogue.db'), { timeoutMs: 5_000 })
	await loadDump(driver, dump)
	await driver.close()
	return place.start()
}

/** What is in the files of a node, wherever it keeps them. */
function contents(place: Installation, node: number): Set<string> {
	const files = readdirSync(place.node(node), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
	return new Set(files.filter(({ name }) => name !== 'node.json').map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8')))
}

function namesOf({ fs }: Client): string[] {
	return (fs.catalogue.all('SELECT name FROM entry') as Array<{ name: Uint8Array }>).map(({ name }) => Buffer.from(name).toString()).sort()
}

test('what was still to be removed or renamed on a node costs nothing that came since', async (t) => {
	const place = await installation(t, 2, TWO)
	const client = await place.start()
	const { fs } = client
	const directory = now(makeDirectory(fs, at('d'), OWNER)).id
	const empty = now(makeDirectory(fs, at('empty'), OWNER)).id
	for (const name of ['removed', 'renamed', 'rewritten', 'incoming', 'kept']) writeFile(fs, name, `old ${name}`, directory)
	writeFile(fs, 'x', 'old x', empty)
	await onEach(client, replicate)
	now(unlink(fs, { parent: empty, name: Buffer.from('x') }))
	setUp(fs, 2, false)
	const below = (name: string) => ({ parent: directory, name: Buffer.from(name) })
	now(unlink(fs, below('removed')))
	now(rename(fs, below('renamed'), below('target'), 'replace'))
	now(removeDirectory(fs, at('empty')))
	assert.ok(place.rows('SELECT id FROM intent WHERE node_id = 2').length >= 3)
	await fs.later.written()
	const old = join(place.directory, 'old')
	await dumpInto(fs.catalogue, old)

	setUp(fs, 2, true)
	now(settle(fs))
	assert.equal(place.rows('SELECT id FROM intent').length, 0)
	for (const name of ['removed', 'renamed', 'new']) writeFile(fs, name, `new ${name}`, directory)
	now(unlink(fs, below('target')))
	writeFile(fs, 'target', 'new target', directory)
	now(unlink(fs, below('rewritten')))
	writeFile(fs, 'rewritten', 'new rewritten, longer', directory)
	const again = now(makeDirectory(fs, at('empty'), OWNER)).id
	writeFile(fs, 'y', 'new y', again)
	await onEach(client, replicate)
	const held = [contents(place, 1), contents(place, 2)]
	await stopFilesystem(fs)

	const nothingLost = () => {
		for (const [i, before] of held.entries()) {
			const lost = [...before].filter((text) => text.startsWith('new') && !contents(place, i + 1).has(text))
			assert.deepEqual(lost, [], `node ${i + 1}`)
		}
	}
	const late = await putBack(place, old)
	now(settle(late.fs))
	nothingLost()
	await onEach(late, walk)
	await onEach(late, replicate)
	await onEach(late, walk)
	nothingLost()
	for (const name of ['new', 'kept', 'target', 'rewritten', 'y']) assert.ok(namesOf(late).includes(name), name)
	await stopFilesystem(late.fs)
})

test('what was really still to be done is done: a deleted file does not come back', async (t) => {
	const place = await installation(t, 2, TWO)
	const client = await place.start()
	const { fs } = client
	for (const name of ['removed', 'renamed']) writeFile(fs, name, `old ${name}`)
	await onEach(client, replicate)
	setUp(fs, 2, false)
	now(unlink(fs, at('removed')))
	now(rename(fs, at('renamed'), at('target'), 'replace'))
	await fs.later.written()
	const dump = join(place.directory, 'dump')
	await dumpInto(fs.catalogue, dump)
	client.kill()

	const late = await putBack(place, dump)
	now(settle(late.fs))
	assert.equal((late.fs.catalogue.all('SELECT id FROM intent') as unknown[]).length, 0)
	await onEach(late, walk)
	assert.deepEqual(namesOf(late), ['target'])
	assert.equal(existsSync(place.node(2, 'removed')), false)
	assert.equal(readFileSync(place.node(2, 'target'), 'utf8'), 'old renamed')
	const [conflict] = late.fs.catalogue.all('SELECT path, aside FROM conflict') as Array<{ path: Uint8Array; aside: Uint8Array }>
	assert.equal(Buffer.from(conflict.path).toString(), 'removed')
	assert.equal(readFileSync(place.node(2, Buffer.from(conflict.aside).toString()), 'utf8'), 'old removed')
	await stopFilesystem(late.fs)
})

test('a copy that was to go then, and has the newest content now, is kept', async (t) => {
	const place = await installation(t, 2, TWO)
	const client = await place.start()
	const { fs } = client
	const id = writeFile(fs, 'f', 'of that day')
	await onEach(client, replicate)
	await setCopy(fs.catalogue, id, 2, REPLICA.surplus)
	const dump = join(place.directory, 'dump')
	await dumpInto(fs.catalogue, dump)
	await setCopy(fs.catalogue, id, 2, REPLICA.good)
	setUp(fs, 1, false)
	const file = now(open(fs, id, { write: true, truncate: true }))
	assert.equal(file.node.id, 2)
	file.node.operations.write(file.fd, Buffer.from('of today, much longer'), 0)
	now(release(fs, file, true))
	await fs.later.written()
	await stopFilesystem(fs)

	const late = await putBack(place, dump)
	await late.fs.catalogue.change('UPDATE class SET copies = 1')
	await onEach(late, walk)
	await onEach(late, trim)
	await late.fs.later.written()
	assert.deepEqual(late.fs.catalogue.all('SELECT 1 FROM replica WHERE state = 4'), [])
	assert.ok(contents(place, 2).has('of today, much longer'))
	const [{ path }] = late.fs.catalogue.all('SELECT path FROM conflict') as Array<{ path: Uint8Array }>
	assert.equal(Buffer.from(path).toString(), 'f')
	await stopFilesystem(late.fs)
})

test('a file that was open for writing has what is on its node', async (t) => {
	const place = await installation(t, 2, TWO)
	const client = await place.start()
	const { fs } = client
	const id = writeFile(fs, 'f', 'first')
	await onEach(client, replicate)
	const { fd, node } = now(open(fs, id, { write: true, truncate: false }))
	await dumpInto(fs.catalogue, join(place.directory, 'dump'))
	await node.operations.write(fd, Buffer.from('second, longer'), 0)
	client.kill()

	const late = await putBack(place, join(place.directory, 'dump'))
	now(settle(late.fs))
	await late.fs.later.written()
	await onEach(late, replicate)
	for (const number of [1, 2]) assert.equal(readFileSync(place.node(number, 'f'), 'utf8'), 'second, longer')
	assert.deepEqual(late.fs.catalogue.all('SELECT client_id FROM writer WHERE file_id = ?', [id]), [])
	await stopFilesystem(late.fs)
})
