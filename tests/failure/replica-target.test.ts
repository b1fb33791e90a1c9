/**
 * A node that should get a copy and cannot take it: the file is there for its users all the while, no half copy stays or
 * counts, and another node takes it where the class allows.
 */
import assert from 'node:assert/strict'
import * as disk from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fail } from '../../core/errors.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import type { Node } from '../../core/nodes/node.ts'
import { states } from '../replicator/copies.ts'
import { dealtWith, makeCopies } from '../replicator/copying.ts'
import { filesOn } from '../replicator/whole.ts'
import { withHands } from '../support/hands.ts'
import { startUp } from '../support/mount.ts'
import { type Installation, installation, writeFile } from '../unit/installation.ts'
import { type FailingDisk, mountFailingDisk, useUpInodes } from './failing-disk.ts'

const GOOD = 1
const WANTED = 2
const MEGABYTE = 1024 * 1024
const LARGE = 'x'.repeat(3 * MEGABYTE)
const CONTENTS = { one: 'small', other: 'small too', large: LARGE }

interface Ground extends Installation {
	fs: Filesystem
	disk: FailingDisk
}

/** Node 2 is on a disk of its own, and is where the second copies go. */
async function prepare(t: TestContext, nodes: number): Promise<Ground> {
	let failing: FailingDisk | undefined
	// Before what removes the directory below it.
	t.after(() => failing?.end())
	const made = await installation(t, nodes, [{ name: 'default', pattern: '', copies: 2 }])
	failing = ontoDisk(made.node(2))
	const { fs } = await made.start()
	return { ...made, fs, disk: failing }
}

function ontoDisk(root: string): FailingDisk {
	disk.renameSync(root, `${root}.before`)
	const failing = mountFailingDisk(root)
	disk.cpSync(`${root}.before`, root, { recursive: true })
	return failing
}

/** Written on node 1 and wanted on node 2. */
function wantedOnTwo({ fs, rows }: Ground, contents: Record<string, string>): number[] {
	for (const node of fs.nodes.values()) node.row = { ...node.row, state: node.id === 1 ? 'rw' : 'nc' }
	const ids = Object.entries(contents).map(([name, text]) => writeFile(fs, name, text))
	for (const node of fs.nodes.values()) node.row = { ...node.row, state: 'rw' }
	rows('INSERT INTO replica (file_id, node_id, version, state) SELECT id, 2, 0, 2 FROM file WHERE kind = 8')
	return ids
}

const nothingOn = (made: Ground) => {
	assert.deepEqual([...filesOn(made.node(2)).keys()], [])
	assert.deepEqual(disk.readdirSync(made.node(2, '.cairn/incoming')), [])
}

/** What makes node 2 refuse a copy. */
const REFUSALS: Record<string, (ground: Ground) => void> = {
	'EIO: the disk takes no writes': (ground) => ground.disk.fail(),
	'ENOSPC: no inodes, though there is room': (ground) => useUpInodes(ground.node(2)),
	'EDQUOT: in the middle of it': ({ fs }) => {
		const node = fs.nodes.get(2) as Node
		Object.assign(node, { remote: true })
		const { write } = node.operations
		node.operations.write = (fd, data, position) =>
			data.length === MEGABYTE && position === 0 ? write(fd, data, position) : fail('EDQUOT')
	},
}

for (const [what, refuse] of Object.entries(REFUSALS)) {
	test(`another node takes the copy: ${what}`, async (t) => {
		const ground = await prepare(t, 3)
		const { fs, node } = ground
		const ids = wantedOnTwo(ground, CONTENTS)
		await flushLater(fs)
		refuse(ground)
		const made = await makeCopies(fs, 2)
		assert.deepEqual([made.summary.outcomes, made.troubles], [{ moved: 3 }, []])
		nothingOn(ground)
		for (const id of ids) assert.deepEqual(states(ground, id), { 1: GOOD, 3: WANTED })
		assert.equal(dealtWith(await makeCopies(fs, 2)), 0)
		assert.deepEqual((await makeCopies(fs, 3)).summary.outcomes, { copied: 3 })
		assert.equal(disk.readFileSync(node(3, 'large'), 'utf8'), LARGE)
		assert.equal(disk.readFileSync(node(1, 'large'), 'utf8'), LARGE)
	})

	test(`where no other node can it is wanted on, and said: ${what}`, async (t) => {
		const ground = await prepare(t, 2)
		const { fs } = ground
		const ids = wantedOnTwo(ground, CONTENTS)
		await flushLater(fs)
		refuse(ground)
		const made = await makeCopies(fs, 2)
		assert.equal(made.summary.troubles, 1)
		assert.match(made.troubles[0], /node node2: .*, and no other node can take it$/)
		assert.equal(dealtWith(made), made.expected.files)
		nothingOn(ground)
		for (const id of ids) assert.deepEqual(states(ground, id), { 1: GOOD, 2: WANTED })
	})
}

test('users read and write on, the verb says what was left, and status shows it', async (t) => {
	let failing: FailingDisk | undefined
	const prepareDisk = (dir: string) => {
		failing = mountFailingDisk(join(dir, 'node2'))
	}
	const up = await startUp({ nodes: 2, copies: 2, prepare: prepareDisk })
	t.after(async () => {
		await up.stop().finally(() => failing?.end())
		await up.remove()
	})
	await withHands(async (hands) => {
		await hands.do('write', join(up.mountPoint, 'before'), LARGE, { sync: true })
		failing?.fail()
		const said = await up.cairn('replicate', '--node', 'node2')
		assert.equal(said.code, 17)
		assert.match(said.stdout + said.stderr, /no other node can take it/)
		await hands.do('write', join(up.mountPoint, 'after'), LARGE, { sync: true })
		for (const name of ['before', 'after']) assert.equal(String(await hands.do('read', join(up.mountPoint, name))), LARGE)
	})
	const status = JSON.parse((await up.cairn('status', '--json')).stdout)
	assert.equal(status.pending.wanted, 2)
	assert.equal(status.nodes[1].wanted, 2)
	assert.equal(status.nothingOwed, false)
})
