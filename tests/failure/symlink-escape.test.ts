/** Somebody on a node swaps a directory with a symlink that leads out of it, while everything that changes nodes is at work. */
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import * as disk from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { makeDirectory } from '../../core/filesystem/create.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { lookup } from '../../core/filesystem/lookup.ts'
import { unlink } from '../../core/filesystem/remove.ts'
import type { Node } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { replicate } from '../../replicator/replicate/replicate.ts'
import { runJob } from '../../replicator/replicator.ts'
import { trim } from '../../replicator/trim/trim.ts'
import { verify } from '../../replicator/verify/verify.ts'
import { walk } from '../../replicator/walk/walk.ts'
import { at, installation, now, writeFile } from '../unit/installation.ts'

const SWAP = fileURLToPath(new URL('./swap.ts', import.meta.url))
const FILES = 30
const SWAPS_MIN = 400
const NAMES = Array.from({ length: FILES }, (_, number) => `f${number}`)
const ALL = [replicate(), walk(), verify({ all: true, believeBad: true }), trim()]

/** Whatever was done to them or beside them shows. */
function seen(outside: string): string[] {
	return disk.readdirSync(outside).map((name) => {
		const { ctimeNs, ino, mode, nlink } = disk.lstatSync(join(outside, name), { bigint: true })
		return `${name} ${ctimeNs} ${ino} ${mode} ${nlink} ${disk.readFileSync(join(outside, name), 'utf8')}`
	})
}

/** Files of the directory come and go, and copies on node 2 are wanted, and too many. */
async function disturb(fs: Filesystem, directory: number, round: number): Promise<void> {
	const name = `g${round}`
	writeFile(fs, name, `made in round ${round}`, directory)
	if (round > 0) now(unlink(fs, at(`g${round - 1}`, directory)))
	await fs.catalogue.change('UPDATE replica SET state = 4 WHERE node_id = 2 AND state = 1 AND file_id % 5 = ?', [round % 5])
	await fs.catalogue.change('UPDATE replica SET state = 2 WHERE node_id = 2 AND state = 1 AND file_id % 5 = ?', [(round + 1) % 5])
	await flushLater(fs)
}

test('nothing outside a node is opened for writing, removed or made, and the tree stays what it was', async (t) => {
	const place = await installation(t, 3, [{ name: 'default', pattern: '', copies: 2 }])
	const { fs } = await place.start()
	const outside = join(place.directory, 'outside')
	disk.mkdirSync(outside)
	for (const name of [...NAMES, 'g0', 'g1']) disk.writeFileSync(join(outside, name), `canary ${name}`)
	const before = seen(outside)
	const directory = now(makeDirectory(fs, at('d'), { mode: 0o755, uid: 0, gid: 0 })).id
	for (const name of NAMES) writeFile(fs, name, `this is ${name}`, directory)
	for (const node of [1, 2, 3])
		await fs.catalogue.change(
			'INSERT OR IGNORE INTO replica (file_id, node_id, version, state) SELECT id, ?, 0, 2 FROM file WHERE kind = 8',
			[node],
		)
	const work = async (node: number, job = replicate()) =>
		await runJob(fs, fs.nodes.get(node) as Node, job, { signal: new AbortController().signal })
	for (const node of [1, 2, 3]) await work(node)

	const swapper = fork(SWAP, [place.node(2, 'd'), outside])
	let swaps = 0
	swapper.on('message', (count) => {
		swaps = count as number
	})
	let failures = 0
	for (let round = 0; swaps < SWAPS_MIN; round++) {
		await disturb(fs, directory, round)
		for (const job of ALL) await work(2, job).catch(() => failures++)
	}
	swapper.send('end')
	await once(swapper, 'exit')
	assert.deepEqual(seen(outside), before)

	for (const name of NAMES) {
		const row = await run(lookup(fs, directory, Buffer.from(name)))
		assert.ok(row, name)
		const whole = [1, 3].filter((node) => disk.readFileSync(place.node(node, `d/${name}`), 'utf8') === `this is ${name}`)
		assert.deepEqual(whole, [1, 3])
	}
	assert.deepEqual(seen(outside), before)
	t.diagnostic(`${swaps} swaps, ${failures} runs failed`)
})
