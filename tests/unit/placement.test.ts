/** Which class a path falls under and which nodes get its copies. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as classes from '../../core/catalogue/classes.ts'
import type { ClassRow } from '../../core/catalogue/classes.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { fail } from '../../core/errors.ts'
import { makeDirectory } from '../../core/filesystem/create.ts'
import { refreshClasses } from '../../core/filesystem/nodes.ts'
import { statfs } from '../../core/filesystem/statfs.ts'
import type { Node, NodeRow, NodeState } from '../../core/nodes/node.ts'
import { wait } from '../../core/op.ts'
import { classById, classOf, nodesForCopies, nodesForNewFile, reserveBytes } from '../../core/placement/placement.ts'
import { POLICIES } from '../../core/placement/policies.ts'
import { hasRefused, isLowOnRoom } from '../../core/placement/room.ts'
import { randomFrom, seedOfRun } from '../support/random.ts'
import { at, createFile, installation, now } from './installation.ts'

const GIB = 1024 ** 3
const TIB = 1024 ** 4
const LARGE = 2 ** 30

interface Described {
	free?: number
	capacity?: number
	zone?: string
	state?: NodeState
	up?: boolean
	reserve?: number
	weight?: number
	remote?: boolean
}

function fakeNode(id: number, { free = 100 * GIB, capacity = 2 * free, zone = '', state = 'rw', up = true, reserve = -1, weight = 100, remote = false }: Described): Node {
	const row = { id, name: `n${id}`, zone, state, reserve, weight } as NodeRow
	const space = { capacity, free, files: 0, filesFree: 0, disk: 0 }
	return { id, name: row.name, row, remote, space, health: { up }, operations: { space: () => space } } as unknown as Node
}

function fakeFilesystem(described: Described[], zone = '', random: () => number = Math.random): Filesystem {
	const nodes = new Map(described.map((node, index) => [index + 1, fakeNode(index + 1, node)]))
	return { nodes, config: { zone }, random, classes: [] } as unknown as Filesystem
}

const rule = (settings: Partial<ClassRow>): ClassRow => ({ id: 1, name: 'c', position: 0, pattern: '', copies: 1, zones: 1, offsite: 0, policy: 'most-free', trash: 0, matches: () => true, ...settings })
const ids = (nodes: Node[]) => nodes.map(({ id }) => id)

test('new files go to nodes that are up and rw, most free first', () => {
	const states: NodeState[] = ['rw', 'nc', 'ro', 'drain', 'down', 'dead']
	const fs = fakeFilesystem([...states.map((state) => ({ state })), { up: false }, { free: 200 * GIB }])
	for (const policy of Object.keys(POLICIES)) assert.deepEqual(ids(nodesForNewFile(fs, rule({ policy }))).sort(), [1, 8], policy)
	assert.deepEqual(ids(nodesForNewFile(fs, rule({}))), [8, 1])
	assert.deepEqual(ids(nodesForNewFile(fs, rule({ policy: 'no such policy' }))), [8, 1])
	assert.deepEqual(nodesForNewFile(fakeFilesystem([]), rule({})), [])
})

test('a node below its reserve comes last, however free it looks', () => {
	const fs = fakeFilesystem([{ free: 90 * GIB, reserve: 95 * GIB }, { free: 10 * GIB, reserve: 0 }, { free: 0.5 * GIB, capacity: 100 * GIB }])
	assert.deepEqual(ids(nodesForNewFile(fs, rule({}))), [2, 1, 3])
})

test('a disk that was nearly full when it was seen last is asked again, a roomy or remote one is not', () => {
	const fs = fakeFilesystem([{ free: 3 * GIB }, { free: 2 * GIB }, { free: 2.5 * GIB, remote: true }, { free: 50 * GIB }])
	const asked: number[] = []
	for (const node of fs.nodes.values()) {
		node.operations.space = () => {
			asked.push(node.id)
			return { ...node.space, free: node.id === 2 ? fail('EIO') : 1000 }
		}
	}
	assert.deepEqual(ids(nodesForNewFile(fs, rule({})))[0], 4)
	assert.deepEqual(asked, [1, 2])
	assert.deepEqual([...fs.nodes.values()].map(isLowOnRoom), [true, true, false, false])
	const remote = fs.nodes.get(3) as Node
	hasRefused(remote)
	assert.ok(isLowOnRoom(remote))
})

test('the reserve is what the keeper said, else 2 % and at most 1 GiB', () => {
	assert.equal(reserveBytes(fakeNode(1, { reserve: 0 })), 0)
	assert.equal(reserveBytes(fakeNode(1, { reserve: 5 })), 5)
	assert.equal(reserveBytes(fakeNode(1, { capacity: 10 * GIB })), 214_748_364, 'whole bytes')
	assert.equal(reserveBytes(fakeNode(1, { capacity: 100 * TIB })), GIB)
})

test('local first: nodes of this machine, then of this zone, then by room', () => {
	const fs = fakeFilesystem([{ remote: true }, { remote: true, zone: 'here' }, { zone: 'there', free: 5 * GIB }, { zone: 'there', free: 9 * GIB }, { zone: 'here', free: 2 * GIB }], 'here')
	assert.deepEqual(ids(nodesForNewFile(fs, rule({ policy: 'local-first' }))), [5, 4, 3, 2, 1])
})

test('existing path: nodes that have the directory come first', () => {
	const fs = fakeFilesystem([{ free: 9 * GIB }, { free: 5 * GIB }, { free: 7 * GIB }])
	assert.deepEqual(ids(nodesForNewFile(fs, rule({ policy: 'existing-path' }), (node) => node.id === 2)), [2, 1, 3])
})

test('existing path: files created in one directory stay together', async (t) => {
	const { start } = await installation(t, 2, [{ name: 'default', pattern: '', copies: 1, policy: 'existing-path' }])
	const { fs } = await start()
	const [one, two] = [...fs.nodes.values()]
	const directory = now(makeDirectory(fs, at('d'), { mode: 0o755, uid: 0, gid: 0 }))
	one.space = { ...one.space, capacity: TIB, free: 9 * GIB }
	two.space = { ...two.space, capacity: TIB, free: 5 * GIB }
	assert.equal(createFile(fs, 'first', directory.id).node.id, one.id)
	one.space = { ...one.space, free: 4 * GIB }
	assert.equal(createFile(fs, 'second', directory.id).node.id, one.id)
})

for (const unit of [1_000_000, GIB, TIB, 100 * TIB]) {
	test(`random: shares follow room and weight, with ${unit} bytes to the unit`, () => {
		const seed = seedOfRun()
		console.log(`CAIRN_TEST_SEED=${seed}`)
		const source = randomFrom(seed)
		const draw = () => source.below(LARGE) / LARGE
		const fs = fakeFilesystem([{ free: unit, reserve: 0 }, { free: 3 * unit, reserve: 0 }, { free: 2 * unit, weight: 200, reserve: 0 }, { free: unit, weight: 0, reserve: 0 }], '', draw)
		const draws = 8_000
		const first = new Map<number, number>()
		for (let count = 0; count < draws; count++) {
			const [{ id }] = nodesForNewFile(fs, rule({ policy: 'random' }))
			first.set(id, (first.get(id) ?? 0) + 1)
		}
		// 1 : 3 : 4, and nothing for weight 0; five standard deviations are below 0.028.
		for (const [id, share] of [[1, 1 / 8], [2, 3 / 8], [3, 4 / 8], [4, 0]]) {
			const found = (first.get(id) ?? 0) / draws
			assert.ok(Math.abs(found - share) < 0.03, `node ${id}: ${found} instead of ${share}`)
		}
	})
}

test('further copies go to zones that have none until there are enough, then by policy', () => {
	const fs = fakeFilesystem([{ zone: 'a', free: 50 * GIB }, { zone: 'a', free: 40 * GIB }, { zone: 'b', free: 5 * GIB }, { zone: 'c', free: 4 * GIB }])
	assert.deepEqual(ids(nodesForCopies(fs, rule({ copies: 2, zones: 2 }), [1], 0)), [3])
	assert.deepEqual(ids(nodesForCopies(fs, rule({ copies: 3, zones: 3 }), [1], 0)), [3, 4])
	assert.deepEqual(ids(nodesForCopies(fs, rule({ copies: 3, zones: 2 }), [1], 0)), [3, 2])
	assert.deepEqual(ids(nodesForCopies(fs, rule({ copies: 2 }), [1], 0)), [2])
	assert.deepEqual(ids(nodesForCopies(fs, rule({ copies: 9, zones: 9 }), [1], 0)), [3, 4, 2])
})

test('no copy goes where it does not fit, where one is, or where it may not', () => {
	const fs = fakeFilesystem([{}, { free: 5 * GIB, reserve: GIB }, { state: 'nc' }, { state: 'drain' }, { free: 50 * GIB }])
	assert.deepEqual(ids(nodesForCopies(fs, rule({ copies: 5 }), [1], 0)), [5, 2])
	assert.deepEqual(ids(nodesForCopies(fs, rule({ copies: 5 }), [1], 4 * GIB)), [5])
	assert.deepEqual(nodesForCopies(fs, rule({ copies: 1 }), [1], 0), [])
	assert.deepEqual(nodesForCopies(fs, rule({ copies: 2 }), [1, 5, 2], 0), [])
})

test('the first class whose pattern matches holds, bytes as they are', async (t) => {
	const { start } = await installation(t, 1, [
		{ name: 'photos', pattern: '^photos/.*\\.jpe?g$', copies: 3 },
		{ name: 'umlauts', pattern: '^Größe/', copies: 2 },
		{ name: 'rest', pattern: '', copies: 1 },
	])
	const { fs } = await start()
	const cases: Array<[path: string | Buffer, name: string]> = [
		['photos/a.jpg', 'photos'],
		['photos/2001/b.jpeg', 'photos'],
		['photos/a.png', 'rest'],
		['x/photos/a.jpg', 'rest'],
		['Größe/f', 'umlauts'],
		['Grösse/f', 'rest'],
		['', 'rest'],
		[Buffer.from([0xff, 0xfe]), 'rest'],
		[Buffer.concat([Buffer.from('photos/'), Buffer.from([0xff]), Buffer.from('.jpg')]), 'photos'],
	]
	for (const [path, name] of cases) assert.equal(classOf(fs, Buffer.from(path as string)).name, name, `${path}`)
	assert.equal(classById(fs, fs.classes[0].id).name, 'photos')
})

test('a class that is no longer configured decides nothing', async (t) => {
	const { start } = await installation(t, 3, [{ name: 'old', pattern: '', copies: 3 }])
	const { fs, catalogue } = await start()
	const roomForThree = statfs(fs).blocks
	catalogue.transaction((tx) => classes.apply(tx, [{ name: 'letters', pattern: '^letters/', copies: 2 }, { name: 'new', pattern: '', copies: 1 }]))
	now(refreshClasses(fs))
	assert.equal(classOf(fs, Buffer.from('anything')).name, 'new')
	assert.ok(statfs(fs).blocks >= 2.9 * roomForThree)
	assert.equal(now(wait(classes.list(catalogue))).length, 3)
})

test('a path that no class matches falls under the last that is configured', async (t) => {
	const { start } = await installation(t, 1, [{ name: 'old', pattern: '', copies: 3 }])
	const { fs, catalogue } = await start()
	catalogue.transaction((tx) => classes.apply(tx, [{ name: 'letters', pattern: '^letters/', copies: 2 }, { name: 'photos', pattern: '^photos/', copies: 1 }]))
	now(refreshClasses(fs))
	assert.equal(classOf(fs, Buffer.from('anything')).name, 'photos')
})
