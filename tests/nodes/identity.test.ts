/** A directory is a node only while its identity file says so. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, describe, test } from 'node:test'
import { addNode } from '../../cli/node-add.ts'
import { initialise } from '../../core/catalogue/initialise.ts'
import { openCatalogue } from '../../core/catalogue/open.ts'
import { withDefaults } from '../../core/config/defaults.ts'
import { newHealth } from '../../core/nodes/health.ts'
import { readIdentity, writeIdentity } from '../../core/nodes/identity.ts'
import { openLaneOperations } from '../../core/nodes/lanes.ts'
import { openLocalOperations } from '../../core/nodes/local.ts'
import type { NodeOperations } from '../../core/nodes/node.ts'
import { openPaths } from '../support/descriptors.ts'

const scratch = fs.mkdtempSync(join(tmpdir(), 'cairn-identity-'))
after(() => fs.rmSync(scratch, { recursive: true }))

let root: string
let count = 0
beforeEach(() => {
	root = join(scratch, String(count++))
	fs.mkdirSync(root)
})

const ONE = { uuid: 'uuid-one', name: 'one' }
const OTHER = { uuid: 'uuid-other', name: 'other' }

test('an identity is written once, and again the same', () => {
	assert.equal(readIdentity(root), undefined)
	writeIdentity(root, ONE)
	writeIdentity(root, ONE)
	assert.deepEqual(readIdentity(root), ONE)
	assert.deepEqual(fs.readdirSync(join(root, '.cairn')).sort(), ['conflicts', 'incoming', 'node.json'])
})

test('another node is not overwritten', () => {
	writeIdentity(root, ONE)
	assert.throws(() => writeIdentity(root, OTHER), { exitCode: 7, message: `${root} is already the node 'one' (uuid-one)` })
	assert.deepEqual(readIdentity(root), ONE)
})

test('a file that is no identity is said to be none', () => {
	fs.mkdirSync(join(root, '.cairn'))
	for (const text of ['', '{', 'null', '{"uuid":1}']) {
		fs.writeFileSync(join(root, '.cairn/node.json'), text)
		assert.throws(() => writeIdentity(root, ONE), { exitCode: 7 })
	}
})

test('where there is no room for it nothing is left of it', () => {
	execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'none', root])
	try {
		fs.writeFileSync(join(root, 'full'), Buffer.alloc(4_096))
		assert.throws(() => writeIdentity(root, ONE), { code: 'ENOSPC' })
		assert.deepEqual(fs.readdirSync(join(root, '.cairn')).sort(), ['conflicts', 'incoming'])
	} finally {
		execFileSync('umount', [root])
	}
})

test('a directory that another catalogue makes its node in that moment stays its node', async (t) => {
	const driver = await openCatalogue({ ...withDefaults({}), catalogue: join(scratch, 'catalogue.db') }, { create: true })
	t.after(() => driver.close())
	await initialise(driver, { owner: { uid: 0, gid: 0 }, classes: [], now: { s: 1, ns: 0 } })
	const slow = Object.assign(Object.create(driver), {
		async transaction(body: Parameters<typeof driver.transaction>[0]) {
			const made = await driver.transaction(body)
			if (readIdentity(root) === undefined) writeIdentity(root, OTHER)
			return made
		},
	})
	await assert.rejects(addNode(slow, 'one', { path: root, zone: '', reserve: -1, weight: 100, io: 'auto', state: 'rw' }), { exitCode: 7 })
	assert.deepEqual([readIdentity(root), await driver.all('SELECT id FROM node')], [OTHER, []])
})

const kinds: Record<string, (root: string) => NodeOperations> = {
	local: openLocalOperations,
	lanes: (path) => openLaneOperations(path, { deadlineMs: 20_000, callsMax: 2, health: newHealth() }),
}

for (const [kind, open] of Object.entries(kinds)) {
	describe(kind, () => {
		test('missing, of another node, replaced by another directory, and back', async (t) => {
			const node = open(root)
			t.after(() => node.end())
			const rejects = (code: string, message: RegExp) => assert.rejects(async () => node.identify('uuid-one'), { code, message })
			await rejects('ENODEV', /has no \.cairn\/node\.json: not the node, perhaps nothing is mounted there/)
			writeIdentity(root, ONE)
			await node.identify('uuid-one')
			await node.makeDirectory(Buffer.from('first'))
			await assert.rejects(async () => node.identify('uuid-two'), { code: 'ESTALE', message: /is the node 'one'/ })

			await node.identify('uuid-one')
			fs.renameSync(root, `${root}-away`)
			await rejects('ENODEV', /is not there/)
			fs.mkdirSync(root)
			await rejects('ENODEV', /has no/)
			// Nothing is put into a directory that is not the node.
			await assert.rejects(async () => node.makeDirectory(Buffer.from('lost')), { code: kind === 'local' ? 'ENOTCONN' : 'ENODEV' })
			assert.deepEqual(fs.readdirSync(root), [])
			fs.rmdirSync(root)
			fs.renameSync(`${root}-away`, root)
			await node.identify('uuid-one')
			await node.makeDirectory(Buffer.from('back'))
			assert.deepEqual(fs.readdirSync(root).sort(), ['.cairn', 'back', 'first'])

			fs.renameSync(root, `${root}-old`)
			fs.mkdirSync(root)
			writeIdentity(root, ONE)
			await rejects('ESTALE', /now leads to another directory/)
			await node.identify('uuid-one')
			await node.makeDirectory(Buffer.from('new'))
			assert.deepEqual(fs.readdirSync(root).sort(), ['.cairn', 'new'])
		})
	})
}

test('nothing is open any more in a directory that is not the node', (t) => {
	writeIdentity(root, ONE)
	const node = openLocalOperations(root)
	t.after(() => node.end())
	node.identify('uuid-one')
	node.makeDirectory(Buffer.from('one'))
	node.makeDirectory(Buffer.from('one/two'))
	assert.notDeepEqual(openBelow(root), [])
	fs.rmSync(join(root, '.cairn/node.json'))
	assert.throws(() => node.identify('uuid-one'), { code: 'ENODEV' })
	assert.deepEqual(openBelow(root), [])
})

function openBelow(directory: string): string[] {
	return openPaths().filter((path) => path.startsWith(directory))
}

test('a node goes on with what it has while this process may open nothing more', (t) => {
	execFileSync('prlimit', ['--pid', String(process.pid), '--nofile=256:'])
	writeIdentity(root, ONE)
	const node = openLocalOperations(root)
	t.after(() => node.end())
	node.identify('uuid-one')
	const all = openAllThereAre()
	try {
		assert.throws(() => node.identify('uuid-one'), { code: 'EMFILE' })
		assert.ok(node.stat(Buffer.from('.cairn')))
	} finally {
		for (const fd of all) fs.closeSync(fd)
	}
	node.identify('uuid-one')
})

function openAllThereAre(): number[] {
	const all: number[] = []
	try {
		for (;;) all.push(fs.openSync('/dev/null', 'r'))
	} catch {
		return all
	}
}
