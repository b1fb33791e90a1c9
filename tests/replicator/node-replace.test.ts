/** A node whose directory was lost, as typed: it gets another one, or it is given up. */
import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Said } from '../support/mount.ts'
import { checkTree } from '../support/check-tree.ts'
import { readCatalogue } from '../support/catalogue-rows.ts'
import { drain } from '../../cli/drain.ts'
import { init } from '../../cli/init.ts'
import { node } from '../../cli/node.ts'
import { rebalance } from '../../cli/rebalance.ts'
import { replicate } from '../../cli/replicate.ts'
import { status } from '../../cli/status.ts'
import { trim } from '../../cli/trim.ts'
import { walk } from '../../cli/walk.ts'
import { typed } from '../cli/typed.ts'
import { makeWorkplace, type Workplace } from '../cli/workplace.ts'

const VERBS = [init, node, walk, replicate, trim, drain, rebalance, status]
const TWO = "{ classes: [{ name: 'default', pattern: '', copies: 2 }] }"

function succeeded({ code, stdout, stderr }: Said): string {
	assert.equal(code, 0, stderr)
	return stdout
}

function refused({ code, stderr }: Said, expected: number, line: RegExp): void {
	assert.equal(code, expected, stderr)
	assert.match(stderr, line)
}

/** Two nodes with two copies of everything, but for `alone`, which is on n1 only. */
async function twoNodes(t: TestContext): Promise<Workplace & { n1: string; n2: string; apart: Workplace['cairn'] }> {
	const made = makeWorkplace(t, TWO)
	const place = { ...made, cairn: typed(made.config, ...VERBS) }
	succeeded(await place.cairn('init'))
	const [n1, n2] = ['a', 'b'].map((name) => place.makeDirectory(name))
	succeeded(await place.cairn('node', 'add', 'n1', n1))
	mkdirSync(join(n1, 'd'))
	for (const name of ['x', 'y', 'd/z']) writeFileSync(join(n1, name), `this is ${name}`)
	succeeded(await place.cairn('node', 'add', 'n2', n2))
	succeeded(await place.cairn('walk', '--node', 'n1'))
	succeeded(await place.cairn('replicate', '--node', 'n2'))
	succeeded(await place.cairn('node', 'set', 'n2', '--state', 'nc'))
	writeFileSync(join(n1, 'alone'), 'alone')
	succeeded(await place.cairn('walk', '--node', 'n1'))
	succeeded(await place.cairn('node', 'set', 'n2', '--state', 'rw'))
	return { ...place, apart: made.cairn, n1, n2 }
}

test('a node that is dead gets another state with a new directory only: what was removed meanwhile would come back with the old one', async (t) => {
	const place = await twoNodes(t)
	const stateOf = async () => (await readCatalogue(place.catalogue)).nodes.find(({ name }) => name === 'n2')?.state
	succeeded(await place.cairn('node', 'set', 'n2', '--state', 'dead'))
	for (const state of ['rw', 'nc', 'ro', 'drain', 'down'])
		refused(await place.cairn('node', 'set', 'n2', '--state', state), 8, /node n2 is dead, .* cairn node replace n2$/m)
	succeeded(await place.cairn('node', 'set', 'n2', '--state', 'dead', '--zone', 'cellar'))
	assert.equal(await stateOf(), 'dead')
	const fresh = place.makeDirectory('fresh')
	succeeded(await place.cairn('node', 'replace', 'n2', fresh))
	assert.equal(await stateOf(), 'rw')
	succeeded(await place.cairn('replicate', '--node', 'n2'))
	assert.equal(readFileSync(join(fresh, 'x'), 'utf8'), 'this is x')
})

test('of two that give a node a new directory at a time one is refused, and the node is where the other says', async (t) => {
	const place = await twoNodes(t)
	rmSync(place.n2, { recursive: true })
	const fresh = ['one', 'two'].map((name) => place.makeDirectory(name))
	const said = await Promise.all(fresh.map((path) => place.cairn('node', 'replace', 'n2', path)))
	const [winner, loser] = said[0].code === 0 ? [0, 1] : [1, 0]
	succeeded(said[winner])
	refused(said[loser], 8, /node n2 has got another directory meanwhile, .*: it stays as it is$/m)
	assert.deepEqual(fresh.map((path) => existsSync(join(path, '.cairn/node.json'))), [winner === 0, winner === 1])
	assert.equal((await readCatalogue(place.catalogue)).nodes.find(({ name }) => name === 'n2')?.path, fresh[winner])
	succeeded(await place.cairn('replicate', '--node', 'n2'))
})

test('a node that is given up in the moment in which it gets a new directory is one or the other', async (t) => {
	const place = await twoNodes(t)
	rmSync(place.n2, { recursive: true })
	const fresh = place.makeDirectory('fresh')
	const [removed, replaced] = await Promise.all([place.cairn('node', 'remove', 'n2', '--lost'), place.cairn('node', 'replace', 'n2', fresh)])
	assert.deepEqual([removed.code, replaced.code].toSorted(), [0, 8], removed.stderr + replaced.stderr)
	assert.equal(existsSync(join(fresh, '.cairn/node.json')), replaced.code === 0)
	assert.equal((await readCatalogue(place.catalogue)).nodes.some(({ name }) => name === 'n2'), replaced.code === 0)
})

test('a node whose directory was lost gets a new one, and is full again', async (t) => {
	const place = await twoNodes(t)
	const before = readFileSync(join(place.n1, '.cairn/node.json'), 'utf8')
	refused(await place.cairn('node', 'replace', 'n1'), 8, /node n1 is there, at /)
	rmSync(place.n1, { recursive: true })
	refused(await place.cairn('node', 'replace', 'n1'), 8, /no such directory/)
	refused(await place.cairn('node', 'replace', 'n9'), 8, /no node n9/)
	refused(await place.cairn('node', 'replace', 'n1', place.n2), 8, /lie within each other/)
	const other = makeWorkplace(t)
	const there = typed(other.config, ...VERBS)
	succeeded(await there('init'))
	succeeded(await there('node', 'add', 'theirs', other.makeDirectory('t')))
	refused(await place.cairn('node', 'replace', 'n1', join(other.directory, 't')), 7, /is the node 'theirs'/)

	const fresh = place.makeDirectory('fresh')
	const said = await place.cairn('node', 'replace', 'n1', fresh)
	assert.equal(said.code, 17)
	assert.match(said.stderr, /alone: its only copy was there/)
	assert.match(said.stdout, /cairn replicate --node n1/)
	assert.notEqual(JSON.parse(readFileSync(join(fresh, '.cairn/node.json'), 'utf8')).uuid, JSON.parse(before).uuid)

	await place.cairn('replicate', '--node', 'n1')
	for (const name of ['x', 'y', 'd/z']) assert.equal(readFileSync(join(fresh, name), 'utf8'), `this is ${name}`)
	assert.deepEqual(await checkTree(place.catalogue), ['alone: no good copy anywhere'])
	assert.equal(JSON.parse(succeeded(await place.cairn('status', '--json'))).files, 4)
})

test("a directory with files in it is taken when they are the node's, and walked", async (t) => {
	const place = await twoNodes(t)
	const kept = join(place.directory, 'kept')
	cpSync(place.n1, kept, { recursive: true, preserveTimestamps: true })
	rmSync(join(kept, '.cairn'), { recursive: true })
	rmSync(join(kept, 'y'))
	rmSync(place.n1, { recursive: true })
	refused(await place.cairn('node', 'replace', 'n1', kept), 11, /not empty: --adopt/)
	assert.equal(existsSync(join(kept, '.cairn')), false)
	const said = await place.cairn('node', 'replace', 'n1', kept, '--adopt')
	assert.match(said.stdout, /cairn walk --node n1/)
	await place.cairn('walk', '--node', 'n1')
	await place.cairn('replicate', '--node', 'n1')
	assert.deepEqual(await checkTree(place.catalogue), [])
	assert.equal(readFileSync(join(kept, 'y'), 'utf8'), 'this is y')
})

test('a directory from a backup is walked from its beginning, though a walk of the old one was cut off', async (t) => {
	const place = await twoNodes(t)
	const kept = join(place.directory, 'kept')
	cpSync(place.n1, kept, { recursive: true, preserveTimestamps: true })
	rmSync(join(kept, '.cairn'), { recursive: true })
	rmSync(place.n1, { recursive: true })
	const { DatabaseSync } = await import('node:sqlite')
	const database = new DatabaseSync(place.catalogue)
	database.exec("UPDATE job SET state = 'running', position = x'79' WHERE name = 'walk:1'")
	database.close()
	await place.cairn('node', 'replace', 'n1', kept, '--adopt')
	assert.match((await place.cairn('walk', '--node', 'n1')).stdout, /4 copy/)
})

test('what the lost tree had yet to be told is forgotten with it', async (t) => {
	const place = await twoNodes(t)
	rmSync(place.n1, { recursive: true })
	const { DatabaseSync } = await import('node:sqlite')
	const database = new DatabaseSync(place.catalogue)
	database.exec(
		"INSERT INTO intent (node_id, op, path, file_id, token, created) VALUES (1, 'unlink', x'6f6c64', 99, 7, 1), (2, 'attributes', x'78', 2, 8, 1)",
	)
	database.close()
	mkdirSync(place.n1)
	await place.cairn('node', 'replace', 'n1')
	const { intents } = await readCatalogue(place.catalogue)
	assert.deepEqual(
		intents.filter(({ node }) => node === 1),
		[],
	)
})

test('cut off before the old tree is given up: what that has yet to be told stands, until another run is through', async (t) => {
	const place = await twoNodes(t)
	const { DatabaseSync } = await import('node:sqlite')
	const database = new DatabaseSync(place.catalogue)
	t.after(() => database.close())
	database.exec("INSERT INTO intent (node_id, op, path, file_id, token, created) VALUES (1, 'unlink', x'6f6c64', 99, 7, 1)")
	writeFileSync(join(place.n1, 'old'), 'removed while the node was away')
	renameSync(place.n1, `${place.n1}.away`)
	const fresh = place.makeDirectory('fresh')
	database.exec("CREATE TRIGGER cut BEFORE UPDATE OF uuid ON node BEGIN SELECT RAISE(ABORT, 'cut off'); END")
	assert.notEqual((await place.cairn('node', 'replace', 'n1', fresh)).code, 0)
	database.exec('DROP TRIGGER cut')
	renameSync(`${place.n1}.away`, place.n1)
	await place.cairn('walk', '--node', 'n1')
	assert.equal(existsSync(join(place.n1, 'old')), false)
	renameSync(place.n1, `${place.n1}.away`)
	assert.equal((await place.cairn('node', 'replace', 'n1', fresh)).code, 17)
	await place.cairn('replicate', '--node', 'n1')
	assert.equal(readFileSync(join(fresh, 'x'), 'utf8'), 'this is x')
})

test('remove --lost: copies are made elsewhere, and what was there only is named', async (t) => {
	const place = await twoNodes(t)
	const n3 = place.makeDirectory('c')
	succeeded(await place.cairn('node', 'add', 'n3', n3))
	refused(await place.cairn('node', 'remove', 'n1', '--lost'), 8, /node n1 is there, at /)
	renameSync(place.n1, join(place.directory, 'broken'))
	refused(await place.cairn('node', 'remove', 'n1'), 8, /still holds files/)
	const warned = await place.cairn('node', 'remove', 'n1', '--lost')
	assert.equal(warned.code, 8)
	assert.match(warned.stderr, /alone: its only copy is on node n1\n.*1 file has its only copy on node n1: --yes/)
	assert.equal((await readCatalogue(place.catalogue)).replicas.filter(({ node }) => node === 1).length, 4)
	const said = await place.cairn('node', 'remove', 'n1', '--lost', '--yes')
	assert.equal(said.code, 17)
	assert.match(said.stdout, /removed from the catalogue/)
	await place.cairn('replicate', '--node', 'n3')
	for (const name of ['x', 'y', 'd/z']) assert.equal(readFileSync(join(n3, name), 'utf8'), `this is ${name}`)
	assert.deepEqual(await checkTree(place.catalogue), ['alone: no good copy anywhere'])
	const nodes: Array<{ name: string }> = JSON.parse(succeeded(await place.cairn('node', 'list', '--json')))
	assert.deepEqual(
		nodes.map(({ name }) => name),
		['n2', 'n3'],
	)
})

test('a node that is added when another was removed goes on with nothing of it', async (t) => {
	const place = await twoNodes(t)
	const gone = place.makeDirectory('gone')
	succeeded(await place.cairn('node', 'add', 'n3', gone))
	succeeded(await place.cairn('walk', '--node', 'n3'))
	const { DatabaseSync } = await import('node:sqlite')
	const database = new DatabaseSync(place.catalogue)
	t.after(() => database.close())
	// What a walk leaves that is killed, and a verification.
	database.exec(`UPDATE job SET state = 'running', position = x'6d' WHERE name = 'walk:3';
		INSERT INTO conflict (node_id, path, aside, file_id, reason, size, mtime, found) VALUES (3, x'78', x'79', 0, 'stray', 1, 1, 1)`)
	succeeded(await place.cairn('node', 'remove', 'n3'))
	const fresh = place.makeDirectory('another')
	for (const name of ['before', 'now']) writeFileSync(join(fresh, name), name)
	succeeded(await place.cairn('node', 'add', 'n4', fresh))
	assert.match(succeeded(await place.cairn('walk', '--node', 'n4')), /2 adopted/)
	assert.deepEqual(database.prepare('SELECT id FROM node ORDER BY id').all().map(({ id }) => id), [1, 2, 4])
})

test('drain and rebalance, as typed', async (t) => {
	const place = await twoNodes(t)
	const n3 = place.makeDirectory('c')
	succeeded(await place.cairn('node', 'add', 'n3', n3))
	refused(await place.cairn('drain', 'n9'), 8, /no node n9/)
	refused(await place.cairn('drain', 'n1', '--pause'), 8, /not being drained/)
	refused(await place.cairn('drain', 'n1', '--pause', '--abort'), 2, /which\?/)
	refused(await place.cairn('rebalance', '--tolerance', '0'), 2, /--tolerance: a number from 0.1/)
	const plan = JSON.parse(succeeded(await place.cairn('drain', 'n1', '--dry-run', '--json')))
	assert.deepEqual(plan.held, { files: 4, bytes: 34 })
	assert.equal(plan.unplaced.files, 0)
	assert.equal(
		plan.targets.reduce((sum: number, { files }: { files: number }) => sum + files, 0),
		5,
	)
	assert.match(succeeded(await place.cairn('drain', 'n1', '--dry-run')), /n1 holds 4 files.*TO +FILES +BYTES\n.*copying takes/s)
	assert.equal(JSON.parse(succeeded(await place.cairn('drain', 'n1', '--status', '--json'))).state, 'none')
	assert.match(succeeded(await place.cairn('drain', 'n1')), /being drained, 4 files/)
	assert.match(succeeded(await place.cairn('drain', 'n1', '--pause')), /paused/)
	assert.match(succeeded(await place.cairn('drain', 'n1', '--resume')), /being drained/)
	for (const name of ['n2', 'n3']) await place.cairn('replicate', '--node', name)
	let isOver = false
	const waiting = place.apart('drain', 'n1', '--wait', '--json').finally(() => {
		isOver = true
	})
	// A verb with nothing to do may end without a turn of the loop, and the other process's end would not be heard of.
	for (; !isOver; await sleep(50)) await place.cairn('trim', '--node', 'n1')
	const events = succeeded(await waiting)
		.trim()
		.split('\n')
		.map((line) => JSON.parse(line))
	assert.deepEqual(events.at(-1).outcomes, { moved: 4 })
	succeeded(await place.cairn('node', 'remove', 'n1'))
	assert.deepEqual(await checkTree(place.catalogue), [])
	assert.match(succeeded(await place.cairn('rebalance', '--dry-run')), /NODE +IN USE +THEN/)
	assert.equal(JSON.parse(succeeded(await place.cairn('rebalance', '--status', '--json'))).state, 'none')
})
