/** What the tests of the whole share: a mounted tree with copies, its verbs, and what really lies on the nodes. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { takeHands } from '../support/hands.ts'
import { type MountOptions, type Mounted, startUp } from '../support/mount.ts'
import type { Leaf } from '../support/tree.ts'

const TREE = fileURLToPath(new URL('../support/tree.ts', import.meta.url))
const FILL = fileURLToPath(new URL('./fill-tree.ts', import.meta.url))

export type Tree = Record<string, Leaf & { group: string }>

/** Three nodes and two copies of everything; nothing runs but the mount. */
export async function mounted(test: TestContext, options: MountOptions = {}): Promise<Mounted> {
	const up = await startUp({ nodes: 3, copies: 2, ...options, words: ['--no-replicator', ...(options.words ?? [])] })
	test.after(() => up.remove())
	return up
}

/** A verb that has to end well: what it printed. */
export async function verb(up: Mounted, ...words: string[]): Promise<string> {
	const { code, stdout, stderr } = await up.cairn(...words)
	assert.equal(code, 0, `cairn ${words.join(' ')}\n${stdout}${stderr}`)
	return stdout
}

export async function replicateAll(up: Mounted): Promise<void> {
	for (const [index] of up.nodes.entries()) await verb(up, 'replicate', '--node', `node${index + 1}`)
}

/** Files of many sizes in some directories, made through the mount. */
export async function fill(up: Mounted, files: number, directory = ''): Promise<void> {
	const hands = takeHands()
	try {
		await hands.run(FILL, 'fillTree', [join(up.mountPoint, directory), files], { deadlineMs: 120_000 })
	} finally {
		hands.end()
	}
}

export async function treeThroughMount(mountPoint: string): Promise<Tree> {
	const hands = takeHands()
	try {
		return await hands.run<Tree>(TREE, 'treeOf', [mountPoint], { deadlineMs: 120_000 })
	} finally {
		hands.end()
	}
}

/** SHA-256 of each plain file of a node by path; what is ours below `.cairn` is no part of it. */
export function filesOn(root: string): Map<string, string> {
	const found = new Map<string, string>()
	for (const path of pathsOn(root)) if (statOf(root, path)?.isFile()) found.set(path, hashOf(join(root, path)))
	return found
}

function* pathsOn(root: string, below = ''): Generator<string> {
	for (const entry of readdirSync(join(root, below), { withFileTypes: true })) {
		if (below === '' && entry.name === '.cairn') continue
		const path = join(below, entry.name)
		if (entry.isDirectory()) yield* pathsOn(root, path)
		else yield path
	}
}

/** Undefined when somebody removed it a moment ago. */
function statOf(root: string, path: string): Stats | undefined {
	return lstatSync(join(root, path), { throwIfNoEntry: false })
}

export function hashOf(path: string): string {
	return createHash('sha256').update(readFileSync(path)).digest('hex')
}

/** On how many nodes each path lies with exactly this content. */
export function copiesOf(up: Mounted, expected: Tree): Map<string, number> {
	const nodes = up.nodes.map(filesOn)
	const counts = new Map<string, number>()
	for (const [shown, leaf] of Object.entries(expected)) {
		if (leaf.kind !== 'file') continue
		const path = shown.slice(1)
		counts.set(path, nodes.filter((node) => node.get(path) === leaf.content).length)
	}
	return counts
}

/** Every file lies on exactly so many nodes, and nothing lies there that is no file of the tree. */
export function assertCopies(up: Mounted, expected: Tree, copies: number): void {
	const wrong = [...copiesOf(up, expected)].filter(([, many]) => many !== copies)
	assert.deepEqual(wrong, [], `not on ${copies} nodes`)
	for (const root of up.nodes)
		for (const path of filesOn(root).keys()) assert.ok(`/${path}` in expected, `${root}: ${path} is no file of the tree`)
}

export interface StatusAnswer {
	pending: { wanted: number; intents: number }
	nodes: { name: string; state: string; wanted: number }[]
}

export async function assertNothingOwed(up: Mounted): Promise<void> {
	const status = JSON.parse(await verb(up, 'status', '--json')) as StatusAnswer
	assert.deepEqual([status.pending.wanted, status.pending.intents], [0, 0])
}
