/** init, migrate, node, class and status, as typed. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Status } from '../../cli/status.ts'
import type { Said } from '../support/mount.ts'
import { makeWorkplace } from './workplace.ts'

function succeeded({ code, stdout, stderr }: Said): string {
	assert.equal(code, 0, stderr)
	return stdout
}

function refused(said: Said, code: number, line: RegExp): void {
	assert.equal(said.code, code, said.stderr)
	assert.match(said.stderr, line)
	assert.equal(said.stderr.trimEnd().split('\n').length, 1, said.stderr)
}

test('init makes the catalogue for its owner only; again it changes nothing', async (t) => {
	const place = makeWorkplace(t)
	assert.match(succeeded(await place.cairn('init')), /: made$/m)
	assert.equal(statSync(place.catalogue).mode & 0o777, 0o600)
	assert.match(succeeded(await place.cairn('init')), /nothing changed/)
	assert.match(succeeded(await place.cairn('migrate')), /already/)
	const status: Status = JSON.parse(succeeded(await place.cairn('status', '--json')))
	assert.equal(status.directories, 1)
})

test('two inits at once make one catalogue', async (t) => {
	const place = makeWorkplace(t)
	for (const said of await Promise.all([place.cairn('init'), place.cairn('init')])) succeeded(said)
	const status: Status = JSON.parse(succeeded(await place.cairn('status', '--json')))
	assert.equal(status.directories, 1)
})

test('node add, list, set, remove', async (t) => {
	const place = makeWorkplace(t)
	const path = place.makeDirectory('a')
	await place.cairn('init')
	succeeded(await place.cairn('node', 'add', 'n1', path, '--zone', 'cellar', '--reserve', '2G', '--weight', '7', '--io', 'carried'))
	const identity = JSON.parse(readFileSync(join(path, '.cairn/node.json'), 'utf8'))
	const [row] = JSON.parse(succeeded(await place.cairn('node', 'list', '--json')))
	assert.deepEqual(
		{ name: row.name, path: row.path, zone: row.zone, reserve: row.reserve, weight: row.weight, io: row.io, state: row.state, uuid: row.uuid },
		{ name: 'n1', path, zone: 'cellar', reserve: 2 * 1024 ** 3, weight: 7, io: 'carried', state: 'rw', uuid: identity.uuid },
	)
	assert.ok(row.capacity > 0 && row.since > 0)
	succeeded(await place.cairn('node', 'set', 'n1', '--state', 'ro', '--reserve', 'auto'))
	const [changed] = JSON.parse(succeeded(await place.cairn('node', 'list', '--json')))
	assert.deepEqual([changed.state, changed.reserve, changed.zone], ['ro', -1, 'cellar'])
	assert.match(succeeded(await place.cairn('node', 'list')), /^n1 .* cellar /m)
	succeeded(await place.cairn('node', 'remove', 'n1'))
	assert.deepEqual(JSON.parse(succeeded(await place.cairn('node', 'list', '--json'))), [])
	assert.ok(existsSync(join(path, '.cairn/node.json')))
})

test('node add and set refuse what would mix nodes up, and change nothing', async (t) => {
	const place = makeWorkplace(t)
	const [a, b, c] = ['a', 'b', 'c'].map((name) => place.makeDirectory(name))
	await place.cairn('init')
	succeeded(await place.cairn('node', 'add', 'n1', a))
	succeeded(await place.cairn('node', 'add', 'n2', b))
	symlinkSync(a, join(place.directory, 'link'))
	writeFileSync(join(place.directory, 'file'), '')
	refused(await place.cairn('node', 'add', 'n3', a), 7, /already the node 'n1'/)
	refused(await place.cairn('node', 'add', 'n3', join(place.directory, 'link')), 7, /already the node 'n1'/)
	refused(await place.cairn('node', 'add', 'n1', c), 8, /there is a node n1 already/)
	refused(await place.cairn('node', 'add', 'n3', place.directory), 8, /lie within each other/)
	refused(await place.cairn('node', 'add', 'n3', join(place.directory, 'none')), 8, /no such directory/)
	refused(await place.cairn('node', 'add', 'n3', join(place.directory, 'file')), 8, /not a directory/)
	refused(await place.cairn('node', 'add', 'a/b', c), 2, /no name for a node/)
	refused(await place.cairn('node', 'add', 'n3', c, '--reserve', 'much'), 2, /not a size/)
	refused(await place.cairn('node', 'set', 'n9', '--state', 'ro'), 8, /there is no node n9/)
	refused(await place.cairn('node', 'set', 'n1'), 2, /what\?/)
	refused(await place.cairn('node', 'set', 'n1', '--path', b), 7, /is the node 'n2', not n1/)
	refused(await place.cairn('node', 'set', 'n1', '--path', c), 7, /is no node, not n1/)
	refused(await place.cairn('node', 'remove', 'n9'), 8, /there is no node n9/)
	assert.equal(JSON.parse(succeeded(await place.cairn('node', 'list', '--json'))).length, 2)
	assert.equal(existsSync(join(c, '.cairn')), false)
})

test('class list shows what apply wrote', async (t) => {
	const place = makeWorkplace(t)
	await place.cairn('init')
	const said = `{ classes: [{ name: 'photos', pattern: '^photos/', copies: 3 }, { name: 'default', pattern: '', copies: 1 }] }`
	writeFileSync(place.config, `export default ${said}`)
	assert.equal(succeeded(await place.cairn('class', 'apply')), '2 classes changed\n')
	assert.equal(succeeded(await place.cairn('class', 'apply')), 'nothing changed\n')
	const rows: Array<{ name: string; copies: number }> = JSON.parse(succeeded(await place.cairn('class', 'list', '--json')))
	assert.deepEqual(rows.map(({ name, copies }) => [name, copies]), [['photos', 3], ['default', 1]])
})

test('status --json has this shape', async (t) => {
	const place = makeWorkplace(t)
	await place.cairn('init')
	const path = place.makeDirectory('a')
	await place.cairn('node', 'add', 'n1', path)
	const status: Status = JSON.parse(succeeded(await place.cairn('status', '--json')))
	assert.deepEqual(Object.keys(status), [
		'catalogue', 'nodes', 'clients', 'files', 'directories', 'bytes', 'writers', 'pending', 'classesShort', 'nothingOwed', 'conflicts', 'jobs',
	])
	const { id, since, seenAt, capacity, free, ...node } = status.nodes[0]
	for (const number of [id, since, seenAt, capacity, free]) assert.ok(Number.isSafeInteger(number) && number > 0)
	assert.deepEqual(node, { name: 'n1', path, zone: '', state: 'rw', io: 'auto', up: true, reason: '', wanted: 0, surplus: 0, suspect: 0, intents: 0, conflicts: 0, lookedAfter: false })
	assert.deepEqual(status.pending, { wanted: 0, surplus: 0, suspect: 0, intents: 0, short: 0 })
	const shown = succeeded(await place.cairn('status'))
	assert.match(shown, /^n1 +rw .* yes /m)
	assert.match(shown, /^nothing is owed: /m)
	assert.match(shown, /^too few nodes .*: default$/m)
})

test('status tells a node whose directory is empty, another, or gone', async (t) => {
	const place = makeWorkplace(t)
	const [a, b, empty] = ['a', 'b', 'empty'].map((name) => place.makeDirectory(name))
	await place.cairn('init')
	for (const [name, path] of [['n1', a], ['n2', b], ['n3', place.makeDirectory('d')]]) await place.cairn('node', 'add', name, path)
	const elsewhere = { n1: { path: empty }, n2: { path: a }, n3: { path: join(place.directory, 'none') } }
	writeFileSync(place.config, `export default { nodes: ${JSON.stringify(elsewhere)} }`)
	const status: Status = JSON.parse(succeeded(await place.cairn('status', '--json')))
	assert.deepEqual(status.nodes.map(({ up, reason }) => [up, reason]), [
		[false, `${empty} has no identity file: is it mounted?`],
		[false, `${a} is another node, 'n1'`],
		[false, `${join(place.directory, 'none')} cannot be looked at`],
	])
})
