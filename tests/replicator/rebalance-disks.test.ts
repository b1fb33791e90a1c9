/** Real disks of different size, filled through the mount: brought to the same share, with a daemon that does the work. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { onDisks } from '../failure/disks.ts'
import { withHands } from '../support/hands.ts'
import { cairn, startUp } from '../support/mount.ts'
import { until } from '../support/until.ts'

const SIZES = [96, 288]
const FILES = 48
const FILE_BYTES = 1024 * 1024
const WAIT_MS = 60_000
/** In parts of a hundred; the files are one of them each on the smaller disk. */
const TOLERANCE = 4

function shareOf(node: string): number {
	const { blocks, bfree } = statfsSync(node)
	return (blocks - bfree) / blocks
}

test('a small disk that is half full and a large one that is empty end with the same share, and no byte is another', async (t) => {
	const up = await startUp({ replicator: true, ...onDisks(...SIZES) })
	t.after(() => up.remove())
	const set = async (state: string) => assert.equal((await up.cairn('node', 'set', 'node2', '--state', state)).code, 0)
	const hashes = new Map<string, string>()
	await set('nc')
	await withHands(async (hands) => {
		for (let number = 0; number < FILES; number++) {
			const bytes = Buffer.alloc(FILE_BYTES, `content of ${number} `)
			hashes.set(`f${number}`, createHash('sha256').update(bytes).digest('hex'))
			await hands.do('write', join(up.mountPoint, `f${number}`), bytes, { sync: true })
		}
	})
	const [small, large] = up.nodes
	assert.ok(shareOf(small) - shareOf(large) > 0.3, `${shareOf(small)} ${shareOf(large)}`)
	await set('rw')
	const said = await cairn(['rebalance', '--wait', '--tolerance', `${TOLERANCE}`, '--config', up.config], WAIT_MS)
	assert.equal(said.code, 0, said.stderr)
	// What is decided is yet to be removed.
	const held = () => [small, large].map((node) => readdirSync(node).filter((name) => hashes.has(name)))
	const isEven = () => Math.abs(shareOf(small) - shareOf(large)) < (2 * TOLERANCE) / 100
	await until('an even share, and one copy of each', () => (isEven() && held().flat().length === FILES) || undefined)
	const names = held()
	assert.equal(new Set(names.flat()).size, FILES)
	for (const [index, node] of [small, large].entries()) {
		for (const name of names[index]) assert.equal(createHash('sha256').update(readFileSync(join(node, name))).digest('hex'), hashes.get(name), name)
	}
})
