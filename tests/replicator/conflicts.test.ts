/** What was kept aside: listed, brought into the tree, given up. */
import assert from 'node:assert/strict'
import * as disk from 'node:fs'
import { test, type TestContext } from 'node:test'
import type { ConflictRow } from '../../core/catalogue/conflicts.ts'
import type { Node, Stat } from '../../core/nodes/node.ts'
import { openHashing } from '../../replicator/hashing/hashing.ts'
import { dropAside, dropInPlace } from '../../replicator/walk/drop.ts'
import { type Decision, keepAs, keepInPlace, ownPath } from '../../replicator/walk/keep.ts'
import { makeWorkplace } from '../cli/workplace.ts'
import { settle } from '../../core/filesystem/settle.ts'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import { open } from '../../core/filesystem/open.ts'
import { release } from '../../core/filesystem/publish.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { replicate } from '../../replicator/replicate/replicate.ts'
import { at, now, setUp, writeFile } from '../unit/installation.ts'
import { runOn } from './copies.ts'
import { change, type Ground, ground } from './walked.ts'

const TWO = [{ name: 'default', pattern: '', copies: 2 }]

/** Two nodes with a good copy each of d/f, and the second one's has been edited and set aside. */
async function aside(t: TestContext): Promise<Ground & { decision: Decision }> {
	const place = await ground(t, 2, TWO)
	place.put(1, 'd/f', 'content')
	await place.walk(1)
	disk.mkdirSync(place.node(2, 'd'))
	place.put(2, 'd/f', 'edited on the node')
	await place.walk(2)
	return { ...place, decision: decisionOn(t, place, 2) }
}

function decisionOn(t: TestContext, { client, rows }: Ground, number: number): Decision {
	const hashing = openHashing(1)
	t.after(() => hashing.end())
	const [row] = rows('SELECT * FROM conflict') as ConflictRow[]
	return { fs: client.fs, node: client.fs.nodes.get(number) as Node, hashing, row }
}

test('kept: a file of its own beside the other, with what its class asks for', async (t) => {
	const { decision, file, copies, read, rows, walk } = await aside(t)
	const path = ownPath(decision.row)
	assert.equal(`${path}`, `d/f.conflict-${decision.row.id}`)
	await keepAs(decision, path)
	assert.deepEqual([read(2, `${path}`), file(`${path}`)?.size, copies(`${path}`)], ['edited on the node', 18, { 1: 'wanted 0', 2: 'good 1' }])
	assert.deepEqual([rows('SELECT * FROM conflict'), disk.readdirSync(`${decision.node.root}/.cairn/conflicts`)], [[], []])
	assert.deepEqual((await walk(2)).outcomes, { known: 1 })
})

test('kept while its node goes away: the move stands until it is back', async (t) => {
	const { decision, read, client, rows, walk } = await aside(t)
	const { rename } = decision.node.operations
	decision.node.operations.rename = () => {
		throw Object.assign(new Error('ENOTCONN'), { code: 'ENOTCONN' })
	}
	const path = Buffer.from('d/kept')
	await keepAs(decision, path)
	assert.equal(rows('SELECT * FROM intent').length, 1)
	assert.deepEqual((await walk(2)).outcomes, { waiting: 1 })
	decision.node.operations.rename = rename
	setUp(client.fs, 2, true)
	flushLater(client.fs)
	now(settle(client.fs))
	assert.equal(read(2, 'd/kept'), 'edited on the node')
})

test('kept while a directory above is renamed: it is where the tree has it', async (t) => {
	const { decision, client, read, file, walk, start } = await aside(t)
	const user = await start()
	change(client, 2, ({ xattrs }) => ({
		xattrs(path) {
			now(rename(user.fs, at('d'), at('e'), 'replace'))
			return xattrs(path)
		},
	}))
	const { path } = await keepAs(decision, Buffer.from('d/kept'))
	for (const { fs } of [user, client]) await flushLater(fs)
	// It had to wait its turn behind the renaming.
	now(settle(client.fs))
	assert.deepEqual([`${path}`, file('e/kept')?.size, read(2, 'e/kept')], ['e/kept', 18, 'edited on the node'])
	assert.deepEqual((await walk(2)).outcomes, { known: 1 })
})

test('kept under a name that something unknown has on the node: that is kept too', async (t) => {
	const { decision, client, conflicts, node, put, read } = await aside(t)
	put(2, 'd/kept', 'put there by hand')
	await keepAs(decision, Buffer.from('d/kept'))
	await flushLater(client.fs)
	const [kept, ...others] = disk.readdirSync(node(2, '.cairn/conflicts'))
	assert.deepEqual([read(2, 'd/kept'), read(2, `.cairn/conflicts/${kept}`), others], ['edited on the node', 'put there by hand', []])
	assert.deepEqual(conflicts(), ['d/kept stray'])
})

test('not under a name that is taken, nor in a directory there is none of', async (t) => {
	const { decision, rows, read } = await aside(t)
	await assert.rejects(keepAs(decision, Buffer.from('d/f')), { code: 'EEXIST' })
	await assert.rejects(keepAs(decision, Buffer.from('e/f')), { code: 'ENOENT' })
	await assert.rejects(keepAs(decision, Buffer.alloc(256, 'x')), { code: 'ENAMETOOLONG' })
	assert.equal(rows('SELECT * FROM conflict').length, 1)
	assert.equal(read(2, `${Buffer.from(decision.row.aside ?? [])}`), 'edited on the node')
})

test('a long name leaves room for what makes it unique', () => {
	const row = { id: 12, path: Buffer.from(`d/${'n'.repeat(255)}`) } as unknown as ConflictRow
	assert.equal(`${ownPath(row)}`, `d/${'n'.repeat(243)}.conflict-12`)
})

test('dropped: gone from the node and from the list', async (t) => {
	const { decision, rows, file } = await aside(t)
	await dropAside(decision)
	assert.deepEqual([rows('SELECT * FROM conflict'), disk.readdirSync(`${decision.node.root}/.cairn/conflicts`)], [[], []])
	assert.ok(file('d/f'))
})

test('a directory that stood in the way is dropped whole', async (t) => {
	const place = await ground(t)
	place.put(1, 'f', 'f')
	await place.walk()
	disk.unlinkSync(place.node(1, 'f'))
	place.put(1, 'f/a/b', 'b')
	disk.symlinkSync('/etc', place.node(1, 'f/a/etc'))
	await place.walk()
	await dropAside(decisionOn(t, place, 1))
	assert.deepEqual(disk.readdirSync(place.node(1, '.cairn/conflicts')), [])
	assert.equal(disk.existsSync('/etc/passwd'), true)
})

test('left where it stood: keeping it makes it the next version', async (t) => {
	const place = await ground(t, 2, TWO)
	place.put(1, 'f', 'content')
	await place.walk()
	place.put(1, 'f', 'edited')
	await place.walk()
	await keepInPlace(decisionOn(t, place, 1))
	assert.deepEqual([place.file('f')?.size, place.file('f')?.version, place.copies('f')], [6, 2, { 1: 'good 2', 2: 'wanted 0' }])
	assert.deepEqual([place.conflicts(), (await place.walk()).outcomes], [[], { known: 1 }])
})

/** One node has the only copy, edited there, and the other node none; `meddle` comes before the keeper decides. */
async function leftFor(t: TestContext, meddle: (place: Ground) => Promise<void> | void): Promise<{ place: Ground; refused: Promise<void> }> {
	const place = await ground(t, 2, TWO)
	place.put(1, 'f', 'content')
	await place.walk()
	place.put(1, 'f', 'edited on the node')
	await place.walk()
	assert.deepEqual(place.conflicts(), ['f differs in place'])
	const decision = decisionOn(t, place, 1)
	await meddle(place)
	await flushLater(place.client.fs)
	return { place, refused: keepInPlace(decision) }
}

/** Through the mount, while the other node is away. */
function write({ client: { fs }, file }: Ground, away: number, text: string): void {
	setUp(fs, away, false)
	const opened = now(open(fs, file('f')?.id ?? 0, { write: true, truncate: true }))
	opened.node.operations.write(opened.fd, Buffer.from(text), 0)
	now(release(fs, opened, true))
	setUp(fs, away, true)
}

test('left where it stood: another file has its name by now, and stays what it is, as does the renamed one', async (t) => {
	const { place, refused } = await leftFor(t, ({ client: { fs } }) => {
		now(rename(fs, at('f'), at('g'), 'replace'))
		writeFile(fs, 'f', 'new')
	})
	await assert.rejects(refused, { code: 'ENOENT' })
	assert.deepEqual([place.file('g')?.version, place.file('g')?.size, place.file('f')?.size], [1, 7, 3])
	assert.equal(place.conflicts().length, 1)
})

test('left where it stood: an old copy by now does not become the content', async (t) => {
	const { place, refused } = await leftFor(t, async (place) => {
		write(place, 2, 'second')
		await runOn(place.client.fs, 2, replicate())
		write(place, 1, 'third, the newest')
	})
	await assert.rejects(refused, { code: 'ESTALE' })
	assert.deepEqual([place.copies('f'), place.read(2, 'f')], [{ 1: 'wanted 2', 2: 'good 3' }, 'third, the newest'])
})

test('left where it stood: with another good copy by now it is set aside by a walk, and kept beside the file', async (t) => {
	const { place, refused } = await leftFor(t, async (place) => {
		place.put(2, 'f', 'content')
		place.client.catalogue.change('UPDATE file SET mtime_ns = 0')
		disk.utimesSync(place.node(2, 'f'), 0, place.file('f')?.mtime ?? 0)
		await place.walk(2)
	})
	assert.equal(place.copies('f')[2], 'good 1')
	await assert.rejects(refused, { code: 'EEXIST' })
	await place.walk(1)
	assert.ok(place.conflicts().includes('f differs'), String(place.conflicts()))
	assert.equal(place.read(2, 'f'), 'content')
})

test('left where it stood: it may only go when the tree has the file elsewhere', async (t) => {
	const place = await ground(t, 2, TWO)
	place.put(1, 'f', 'content')
	await place.walk()
	disk.cpSync(place.node(1, 'f'), place.node(1, '.cairn/f'))
	disk.utimesSync(place.node(1, 'f'), 5, 5)
	place.put(1, 'f', 'edited')
	await place.walk()
	const decision = decisionOn(t, place, 1)
	await assert.rejects(dropInPlace(decision), { code: 'EBUSY' })
	assert.deepEqual([place.conflicts(), place.read(1, 'f')], [['f differs in place'], 'edited'])
	disk.renameSync(place.node(1, '.cairn/f'), place.node(2, 'f'))
	const { mtime } = place.file('f') ?? assert.fail()
	place.client.catalogue.change('UPDATE file SET mtime_ns = 0')
	disk.utimesSync(place.node(2, 'f'), mtime, mtime)
	await place.walk(2)
	await dropInPlace(decision)
	assert.deepEqual([place.conflicts(), place.has(1, 'f'), place.copies('f')], [[], false, { 1: 'wanted 0', 2: 'good 1' }])
})

test('as typed', async (t) => {
	const place = makeWorkplace(t)
	const root = place.makeDirectory('a')
	await place.cairn('init')
	await place.cairn('node', 'add', 'n1', root)
	disk.writeFileSync(`${root}/f`, 'content')
	assert.equal((await place.cairn('walk')).code, 0)
	disk.writeFileSync(`${root}/f`, 'edited there')
	disk.utimesSync(`${root}/f`, new Date(), new Date('2026-07-01T03:30:00Z'))
	const walk = await place.cairn('walk')
	assert.match(walk.stdout + walk.stderr, /f has another content than is known/)
	const [row] = JSON.parse((await place.cairn('conflicts', 'list', '--json')).stdout)
	assert.deepEqual([row.node, row.path, row.kept, row.reason, row.size], ['n1', 'f', null, 'differs', 12])
	const zone = process.env.TZ
	process.env.TZ = 'America/New_York'
	t.after(() => {
		if (zone === undefined) delete process.env.TZ
		else process.env.TZ = zone
	})
	assert.match((await place.cairn('conflicts', 'list')).stdout, /n1 +f +differs +12 +2026-06-30 23:30 +where it stood/)
	assert.equal((await place.cairn('conflicts', 'keep')).code, 2)
	assert.equal((await place.cairn('conflicts', 'keep', '99')).code, 8)
	const refused = await place.cairn('conflicts', 'drop', '--all')
	assert.deepEqual([refused.code, /only copy/.test(refused.stderr)], [17, true])
	disk.renameSync(`${root}/.cairn`, `${root}/.gone`)
	const away = await place.cairn('conflicts', 'keep', `${row.id}`)
	assert.deepEqual([away.code, /its node is away/.test(away.stderr)], [17, true])
	disk.renameSync(`${root}/.gone`, `${root}/.cairn`)
	const kept = await place.cairn('conflicts', 'keep', `${row.id}`)
	assert.equal(kept.code, 0, kept.stderr)
	assert.equal((await place.cairn('conflicts', 'list')).stdout, 'no conflicts\n')
	assert.equal((await place.cairn('walk', '-p', '../x')).code, 2)
	assert.equal((await place.cairn('walk', '--node', 'nobody')).code, 8)
	assert.equal((await place.cairn('walk', '-p', 'nowhere')).code, 17)
})

test('kept aside by one who ended before he had said so: a whole walk lists it', async (t) => {
	const place = await ground(t)
	const { client, rows, node, walk, conflicts } = place
	const [lost, young] = ['0b6f3a52-6f0e-4c0e-9d5c-2f1f7f3f6a10', '1c6f3a52-6f0e-4c0e-9d5c-2f1f7f3f6a11']
	place.put(1, `.cairn/conflicts/${lost}-f`, 'edited on the node')
	place.put(1, `.cairn/conflicts/${young}-g`, 'its row is on its way')
	place.put(1, '.cairn/conflicts/by hand', 'and nobody marked it')
	change(client, 1, ({ stat }) => ({
		stat: (path) => (!path.includes(young) ? { ...(stat(path) as Stat), ctime: 1 } : stat(path)),
	}))
	assert.deepEqual([(await walk(1, { dryRun: true })).outcomes, conflicts()], [{ conflict: 2 }, []])
	assert.deepEqual([(await walk(1, { part: Buffer.from('d') })).outcomes, conflicts()], [{}, []])
	const { outcomes, notes } = await walk()
	const told = (name: string) => `node node1: ${name} lies in .cairn/conflicts and was in no list; see cairn conflicts list`
	assert.deepEqual([outcomes, notes.sort(), conflicts()], [{ conflict: 2 }, [told('by hand'), told('f')], ['by hand stray', 'f stray']])
	assert.deepEqual((await walk()).outcomes, {})
	const [row] = rows("SELECT * FROM conflict WHERE path = CAST('f' AS BLOB)") as ConflictRow[]
	await keepAs({ ...decisionOn(t, place, 1), row }, Buffer.from('kept'))
	assert.deepEqual([place.read(1, 'kept'), conflicts(), disk.readdirSync(node(1, '.cairn/conflicts')).sort()], ['edited on the node', ['by hand stray'], [`${young}-g`, 'by hand']])
})

test('kept aside, and decided about while its node was away: no walk lists it again', async (t) => {
	const { decision, client, walk, conflicts } = await aside(t)
	change(client, 2, ({ stat }) => ({
		stat: (path) => ({ ...(stat(path) as Stat), ctime: 1 }),
		unlink: () => {
			throw Object.assign(new Error('ENOTCONN'), { code: 'ENOTCONN' })
		},
	}))
	await dropAside(decision)
	await walk(2)
	assert.deepEqual([conflicts(), disk.readdirSync(`${decision.node.root}/.cairn/conflicts`).length], [[], 1])
})
