/**
 * A node is emptied by the real jobs while files are written, renamed and removed. Somebody looks at the disks all the time:
 * of a file that is left alone there are never fewer whole copies than its class asks for.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { lstatSync, readFileSync, readlinkSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { link } from '../../core/filesystem/links.ts'
import { makeDirectory, makeSymlink } from '../../core/filesystem/create.ts'
import { open } from '../../core/filesystem/open.ts'
import { release } from '../../core/filesystem/publish.ts'
import { unlink } from '../../core/filesystem/remove.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { keepAlive } from '../../core/filesystem/start.ts'
import type { Node } from '../../core/nodes/node.ts'
import { run } from '../../core/op.ts'
import { startDrain } from '../../replicator/level/drains.ts'
import { levelRound } from '../../replicator/level/round.ts'
import { replicate } from '../../replicator/replicate/replicate.ts'
import { type Job, runJob } from '../../replicator/replicator.ts'
import { startRun } from '../../replicator/run.ts'
import { trim } from '../../replicator/trim/trim.ts'
import { checkTree } from '../support/check-tree.ts'
import { type Random, randomFrom, seedOfRun } from '../support/random.ts'
import { at, type Client, type Installation, installation, now, writeFile } from '../unit/installation.ts'

const COPIES = 2
const STILL = 40
const BUSY = 20
const ROUNDS_MAX = 40

async function job({ fs }: Client, number: number, what: Job): Promise<void> {
	await runJob(fs, fs.nodes.get(number) as Node, what, { signal: new AbortController().signal })
}

/** What lies still, by path: its hash. */
function fill(fs: Filesystem): Map<string, string> {
	const still = new Map<string, string>()
	const directory = now(makeDirectory(fs, at('still'), { mode: 0o755, uid: 0, gid: 0 })).id
	for (let number = 0; number < STILL; number++) {
		const text = `still ${number}`.repeat(1 + number * 37)
		const id = writeFile(fs, `s${number}`, text, directory)
		still.set(`still/s${number}`, sha256(Buffer.from(text)))
		if (number > 0) continue
		now(link(fs, id, at('linked')))
		still.set('linked', sha256(Buffer.from(text)))
	}
	for (let number = 0; number < BUSY; number++) writeFile(fs, `b${number}`, `busy ${number}`)
	now(makeSymlink(fs, at('pointer'), Buffer.from('still/s0'), { uid: 0, gid: 0 }))
	return still
}

function sha256(content: Buffer): string {
	return createHash('sha256').update(content).digest('hex')
}

function holds(path: string, hash: string): boolean {
	return lstatSync(path, { throwIfNoEntry: false })?.isFile() === true && sha256(readFileSync(path)) === hash
}

/** Looks in every turn of the loop that the jobs leave; ends with what was wrong. */
function observe(t: TestContext, made: Installation, still: Map<string, string>): () => string[] {
	const wrong = new Set<string>()
	let looks = 0
	const look = () => {
		looks++
		for (const [path, hash] of still) {
			const copies = [1, 2, 3].filter((number) => holds(made.node(number, path), hash)).length
			if (copies < COPIES) wrong.add(`${path}: ${copies} whole copies`)
		}
	}
	look()
	const timer = setInterval(look, 3)
	t.after(() => clearInterval(timer))
	return () => {
		clearInterval(timer)
		look()
		assert.ok(looks > 20, `looked ${looks} times only`)
		return [...wrong]
	}
}

/** Users at work, until told to stop. */
async function disturb(fs: Filesystem, isOver: () => boolean): Promise<void> {
	const seed = seedOfRun()
	console.log(`CAIRN_TEST_SEED=${seed}`)
	const random = randomFrom(seed)
	for (let count = 0; !isOver(); count++) {
		const name = `b${random.below(BUSY)}`
		const row = await fs.catalogue.get<{ file_id: number }>('SELECT file_id FROM entry WHERE name = ?', [Buffer.from(name)])
		if (!row) writeFile(fs, name, `new ${count}`)
		else await change(fs, random, { name, id: row.file_id, text: `again ${count}` })
		for (let turns = 0; turns < 5; turns++) await turn()
	}
}

async function change(
	fs: Filesystem,
	random: Random,
	{ name, id, text }: { name: string; id: number; text: string },
): Promise<void> {
	const kind = random.below(5)
	if (kind === 0) now(unlink(fs, at(name)))
	else if (kind === 1) now(rename(fs, at(name), at(`b${random.below(BUSY)}`), 'replace'))
	else await rewrite(fs, id, text)
}

async function rewrite(fs: Filesystem, id: number, text: string): Promise<void> {
	const file = await run(open(fs, id, { write: true, truncate: true }))
	await file.node.operations.write(file.fd, Buffer.from(text), 0)
	await turn()
	await run(release(fs, file, true))
}

const heldBy = (made: Installation, node: number) => made.rows('SELECT * FROM replica WHERE node_id = ?', node).length

async function started(t: TestContext, made: Installation): Promise<Client> {
	const client = await made.start()
	const rest = keepAlive(client.fs)
	t.after(rest)
	return client
}

test('a node is emptied under load, and what is left alone never has fewer copies than its class asks for', async (t) => {
	const made = await installation(t, 3, [{ name: 'default', pattern: '', copies: COPIES }])
	const [users, second, third, first] = [
		await started(t, made),
		await started(t, made),
		await started(t, made),
		await started(t, made),
	]
	const still = fill(users.fs)
	for (const number of [1, 2, 3]) await job(first, number, replicate())
	assert.ok(heldBy(made, 1) > 0)

	await startDrain(first.fs, 'node1')
	const seen = observe(t, made, still)
	let isOver = false
	t.after(() => {
		isOver = true
	})
	const atWork = disturb(users.fs, () => isOver)
	let rounds = 0
	for (; heldBy(made, 1) > 0 && rounds < ROUNDS_MAX; rounds++) {
		await Promise.all([
			levelRound(first.fs, startRun(new AbortController().signal)),
			job(second, 2, replicate()),
			job(third, 3, replicate()),
			job(first, 1, trim()),
		])
		if (rounds === 4) isOver = true
	}
	isOver = true
	await atWork
	assert.deepEqual(seen(), [])
	assert.equal(heldBy(made, 1), 0, `${rounds} rounds were not enough`)

	// What was written last is open until its pin is gone, and no copy is made of it before.
	const clients = [users, second, third, first]
	for (const client of clients) await flushLater(client.fs)
	for (const number of [2, 3]) await job(first, number, replicate())
	for (const client of clients) await client.fs.later.written()
	assert.deepEqual(
		made.rows('SELECT file_id, COUNT(*) AS many FROM replica WHERE state = 1 GROUP BY file_id HAVING many <> 2'),
		[],
	)
	for (const number of [2, 3]) assert.equal(readlinkSync(made.node(number, 'pointer')), 'still/s0')
	for (const [path, hash] of still)
		assert.ok(
			[2, 3].every((number) => holds(made.node(number, path), hash)),
			path,
		)
	assert.deepEqual(await checkTree(`${made.directory}/catalogue.db`), [])
})
