/** A drain whose processes are killed at any moment: nothing is lost by it, and the next ones go on. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { drain } from '../../cli/drain.ts'
import { init } from '../../cli/init.ts'
import { node } from '../../cli/node.ts'
import { replicate } from '../../cli/replicate.ts'
import { trim } from '../../cli/trim.ts'
import { walk } from '../../cli/walk.ts'
import { typed } from '../cli/typed.ts'
import { makeWorkplace } from '../cli/workplace.ts'
import { checkTree } from '../support/check-tree.ts'
import { randomFrom, seedOfRun } from '../support/random.ts'

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
const FILES = 60
const KILLING_ROUNDS = 3
const ROUNDS_MAX = 6
/** A process of the command line is at work after half a second or so. */
const KILLED_AFTER_MS = { least: 300, most: 2_500 }

const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex')

/** One command in a process of its own, killed after that long if it still runs. */
async function command(config: string, words: string[], killAfterMs: number): Promise<void> {
	const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...words, '--config', config], {
		stdio: 'ignore',
	})
	const timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs)
	await once(child, 'exit')
	clearTimeout(timer)
}

test('processes of a drain are killed again and again, and no file ever has fewer than two whole copies', async (t) => {
	const place = makeWorkplace(t, "{ classes: [{ name: 'default', pattern: '', copies: 2 }] }")
	const cairn = typed(place.config, init, node, walk, replicate, trim, drain)
	const roots = ['a', 'b', 'c'].map((name) => place.makeDirectory(name))
	await cairn('init')
	for (const [index, root] of roots.entries()) await cairn('node', 'add', `n${index + 1}`, root)
	const hashes = new Map<string, string>()
	mkdirSync(join(roots[0], 'd'))
	for (let number = 0; number < FILES; number++) {
		const content = Buffer.from(`file ${number} `.repeat(1 + number * 20))
		writeFileSync(join(roots[0], `d/f${number}`), content)
		hashes.set(`d/f${number}`, sha256(content))
	}
	await cairn('walk', '--node', 'n1')
	for (const name of ['n2', 'n3']) await cairn('replicate', '--node', name)

	const holds = (root: string, path: string) =>
		lstatSync(join(root, path), { throwIfNoEntry: false })?.isFile() === true &&
		sha256(readFileSync(join(root, path))) === hashes.get(path)
	const wrong = new Set<string>()
	const look = () => {
		for (const path of hashes.keys()) if (roots.filter((root) => holds(root, path)).length < 2) wrong.add(path)
	}
	look()
	assert.equal(wrong.size, 0)
	const watching = setInterval(look, 30)
	t.after(() => clearInterval(watching))

	const isDone = async () => JSON.parse((await cairn('drain', 'n1', '--status', '--json')).stdout).state === 'done'
	const seed = seedOfRun()
	console.log(`CAIRN_TEST_SEED=${seed}`)
	const random = randomFrom(seed)
	const { least, most } = KILLED_AFTER_MS
	const work = [
		['drain', 'n1'],
		['replicate', '--node', 'n2'],
		['replicate', '--node', 'n3'],
		['trim', '--node', 'n1'],
	]
	for (let round = 0; round < KILLING_ROUNDS; round++) {
		await Promise.all(work.map((words) => command(place.config, words, least + random.below(most - least))))
	}
	for (let round = 0; round < ROUNDS_MAX && !(await isDone()); round++) for (const words of work) await cairn(...words)
	clearInterval(watching)
	look()
	assert.deepEqual([...wrong], [])
	assert.ok(await isDone())
	assert.equal((await cairn('node', 'remove', 'n1')).code, 0)
	for (const path of hashes.keys()) assert.ok(holds(roots[1], path) && holds(roots[2], path), path)
	assert.deepEqual(await checkTree(place.catalogue), [])
})
