/** Between its runs a daemon keeps its threads, and they keep nothing open: no number of runs uses anything up. */
import assert from 'node:assert/strict'
import * as disk from 'node:fs'
import { basename, dirname } from 'node:path'
import { type TestContext, test } from 'node:test'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import type { Node } from '../../core/nodes/node.ts'
import { openHashing } from '../../replicator/hashing/hashing.ts'
import { openPaths } from '../support/descriptors.ts'
import { until } from '../support/until.ts'
import { installation, writeFile } from '../unit/installation.ts'
import { makeCopies } from './copying.ts'

const RUNS = 4

let threads = 0
process.on('worker', () => void threads++)

/** The nodes below a directory, once for each time this process has them open. */
function openNodes(directory: string): string[] {
	return openPaths().filter((name) => dirname(name) === directory && basename(name).startsWith('node')).sort()
}

async function ground(t: TestContext) {
	const made = await installation(t, 2, [{ name: 'default', pattern: '', copies: 2 }])
	const { fs } = await made.start()
	let last = 0
	return {
		...made,
		fs,
		async add() {
			const name = `f${++last}`
			writeFile(fs, name, `text of ${name}`)
			await flushLater(fs)
			return name
		},
		async isAsBefore(before: string[]) {
			const isSame = () => openNodes(made.directory).join() === before.join()
			await until('no more is open than before', () => (isSame() ? true : undefined))
		},
	}
}

test('copies that are made in many runs', async (t) => {
	const { fs, directory, add, isAsBefore } = await ground(t)
	const before = openNodes(directory)
	const started: number[] = []
	for (let run = 0; run < RUNS; run++) {
		await add()
		const made = [await makeCopies(fs, 1), await makeCopies(fs, 2)]
		assert.equal(made.reduce((sum, { summary }) => sum + (summary.outcomes.copied ?? 0), 0), 1)
		await isAsBefore(before)
		started.push(threads)
	}
	assert.ok(started[0] > 0, 'a thread made the copy')
	assert.deepEqual(started, started.map(() => started[0]))
})

test('files that are hashed in many runs', async (t) => {
	const { fs, directory, add, isAsBefore } = await ground(t)
	const before = openNodes(directory)
	const started: number[] = []
	for (let run = 0; run < RUNS; run++) {
		const name = await add()
		const hashing = openHashing(1)
		const there = [...fs.nodes.values()].find((each) => disk.existsSync(`${each.root}/${name}`)) as Node
		await hashing.hashFile(there, Buffer.from(name))
		hashing.end()
		await isAsBefore(before)
		started.push(threads)
	}
	assert.deepEqual(started, started.map(() => started[0]))
})
