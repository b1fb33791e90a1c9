/** Two names change places on a node: interrupted anywhere and begun again, it is always one exchange. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fail } from '../../core/errors.ts'
import { applyIntent } from '../../core/filesystem/apply-intent.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import type { Node, NodeOperations } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'

class Interrupted extends Error {}

/** A node's tree as paths, and calls that end the process after so many of them. */
function fakeNode(files: Record<string, string>) {
	const tree = new Map(Object.entries(files))
	const state = { callsLeft: Number.POSITIVE_INFINITY }
	const below = (path: string) => [...tree.keys()].filter((key) => key === path || key.startsWith(`${path}/`))

	function step<T>(act: () => T): T {
		const result = act()
		if (--state.callsLeft < 0) throw new Interrupted()
		return result
	}

	const operations = {
		stat: (path: Buffer) => step(() => (below(`${path}`).length > 0 ? {} : fail('ENOENT'))),
		makeDirectory: (path: Buffer) => step(() => void (below(`${path}`).length === 0 && tree.set(`${path}`, '/'))),
		removeDirectory: (path: Buffer) => step(() => (below(`${path}`).length > 1 ? fail('ENOTEMPTY') : void tree.delete(`${path}`))),
		unlink: (path: Buffer) => step(() => void tree.delete(`${path}`)),
		rename: (from: Buffer, to: Buffer) =>
			step(() => {
				const moved = below(`${from}`)
				if (moved.length === 0) fail('ENOENT')
				for (const key of moved) {
					tree.set(`${to}${key.slice(from.length)}`, tree.get(key) as string)
					tree.delete(key)
				}
			}),
	} as unknown as NodeOperations
	const visible = () => Object.fromEntries([...tree].filter(([path]) => !path.startsWith('.cairn')).sort())
	return { node: { name: 'fake', operations } as Node, state, visible }
}

function exchange(node: Node, token: number): void {
	const intent = { op: 'exchange', path: Buffer.from('d/a'), toPath: Buffer.from('d/b'), fileId: 1, token } as const
	run(applyIntent({ report: () => undefined, nodesMarked: new Set() } as unknown as Filesystem, node, intent))
}

const CASES: Array<{ name: string; before: Record<string, string>; after: Record<string, string> }> = [
	{ name: 'both names are here', before: { 'd/a': '1', 'd/b': '2' }, after: { 'd/a': '2', 'd/b': '1' } },
	{ name: 'only the first', before: { 'd/a': '1' }, after: { 'd/b': '1' } },
	{ name: 'only the second', before: { 'd/b': '2' }, after: { 'd/a': '2' } },
	{ name: 'neither', before: { other: '3' }, after: { other: '3' } },
	{ name: 'a directory and a file', before: { 'd/a/x': '1', 'd/a/y': '2', 'd/b': '3' }, after: { 'd/a': '3', 'd/b/x': '1', 'd/b/y': '2' } },
]
/** More than an exchange has steps. */
const STEPS_MAX = 14

for (const { name, before, after } of CASES) {
	test(`${name}: undisturbed, and repeated when it was done`, () => {
		const { node, visible } = fakeNode(before)
		exchange(node, 7)
		assert.deepEqual(visible(), after)
		exchange(node, 7)
		assert.deepEqual(visible(), after)
	})

	test(`${name}: interrupted after any call, once and twice`, () => {
		for (let first = 0; first < STEPS_MAX; first++) {
			for (let second = 0; second <= STEPS_MAX; second++) {
				const { node, state, visible } = fakeNode(before)
				for (const calls of [first, second, Number.POSITIVE_INFINITY]) {
					state.callsLeft = calls
					try {
						exchange(node, 7)
						break
					} catch (error) {
						if (!(error instanceof Interrupted)) throw error
					}
				}
				assert.deepEqual(visible(), after, `interrupted after ${first} and ${second} calls`)
			}
		}
	})
}
