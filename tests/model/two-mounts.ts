/** A run of the model: two mounts of one catalogue, nodes that leave and return, a daemon that is killed. */
import assert from 'node:assert/strict'
import { existsSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { readCatalogue } from '../support/catalogue-rows.ts'
import { checkTree } from '../support/check-tree.ts'
import { type Hands, takeHands } from '../support/hands.ts'
import { type Daemon, type MountOptions, type Mounted, startUp } from '../support/mount.ts'
import { type Random, randomFrom } from '../support/random.ts'
import { until } from '../support/until.ts'
import { type Call, chooseCall } from './choose.ts'
import { BARRIER } from './everything.ts'
import { Model } from './model.ts'

export interface Plan {
	mount: MountOptions
	steps: number
	/** Nodes leave and return. */
	nodesLeave: boolean
	/** The first daemon is killed and started again. */
	killed: boolean
}

interface Side {
	daemon: Daemon
	hands: Hands
}

interface Run {
	plan: Plan
	random: Random
	model: Model
	up: Mounted
	sides: [Side, Side]
	/** Which side has changed something the other has not been waited for. */
	ahead?: 0 | 1
	/** What each side waits at: a directory it made itself. */
	barriers: [string, string]
	barriersMade: number
	away?: { node: number; back(): Promise<void> }
	history: string[]
}

const TROUBLE = new Set(['EIO', 'ETIMEDOUT', 'ENOTCONN'])
const STEPS_SHOWN = 40
const EVERYTHING = fileURLToPath(new URL('./everything.ts', import.meta.url))

export async function runModel(plan: Plan, seed: number): Promise<void> {
	const up = await startUp({ nodes: 3, ...plan.mount })
	let run: Run | undefined
	try {
		const second = await up.secondMount()
		const sides: [Side, Side] = [{ daemon: up, hands: takeHands() }, { daemon: second, hands: takeHands() }]
		run = { plan, random: randomFrom(seed), model: new Model(), up, sides, barriers: ['', ''], barriersMade: 0, history: [] }
		for (const side of [0, 1] as const) await makeBarrier(run, side)
		await everyStep(run)
		await run.away?.back()
		await compareWhole(run)
	} catch (error) {
		const story = run?.history.slice(-STEPS_SHOWN).join('\n')
		throw new Error(`replay with CAIRN_TEST_SEED=${seed}\n${story}\n${(error as Error).message}`, { cause: error })
	} finally {
		for (const side of run?.sides ?? []) side.hands.end()
		await (run?.up ?? up).remove()
	}
}

async function everyStep(run: Run): Promise<void> {
	let side: 0 | 1 = 0
	for (let step = 0; step < run.plan.steps; step++) {
		if (run.random.chance(0.3)) side = side === 0 ? 1 : 0
		if (run.plan.nodesLeave && run.random.chance(0.02)) await turnNode(run)
		if (run.plan.killed && run.random.chance(0.01)) await killFirst(run)
		await oneCall(run, chooseCall(run.random), side)
	}
}

async function oneCall(run: Run, call: Call, side: 0 | 1): Promise<void> {
	if (run.ahead !== undefined && run.ahead !== side) await catchUp(run, run.ahead, side)
	const { daemon, hands } = run.sides[side]
	run.history.push(`${side + 1}: ${call.words}`)
	const actual = await outcome(() => call.onMount(hands, daemon.mountPoint))
	if (run.away && call.content !== undefined && isTrouble(actual)) {
		run.history.push(`   ${actual.code}, a node is away`)
		if (!call.changes || !(await isChanged(run, call.content, side))) return
		run.history.push('   it was written, and the node was missed when it was closed')
		call.onModel(run.model)
	} else assert.deepEqual(actual, await outcome(async () => call.onModel(run.model)), `mount ${side + 1}: ${call.words}`)
	if (call.changes) run.ahead = side
}

/** A mount may notice between two calls of a program that a node has left. What it has of the file then is the file when the node is back. */
async function isChanged(run: Run, path: string, side: 0 | 1): Promise<boolean> {
	const { daemon, hands } = run.sides[side]
	const found = await outcome(() => hands.do('read', join(daemon.mountPoint, path)))
	return !isTrouble(found) && !isDeepStrictEqual(found, await outcome(async () => run.model.read(path)))
}

function isTrouble(answer: Outcome): answer is { code: string } {
	return 'code' in answer && TROUBLE.has(answer.code ?? '')
}

/**
 * One side removes the directory at which the other waits. The other's kernel has known that since it was made and asks nobody
 * until it is told, and notifications are in order: when it is gone there, everything changed before has arrived too.
 */
async function catchUp(run: Run, from: 0 | 1, to: 0 | 1): Promise<void> {
	const at = (side: Side) => join(side.daemon.mountPoint, run.barriers[to])
	await run.sides[from].hands.do('rmdir', at(run.sides[from]))
	await until(`mount ${to + 1} sees what mount ${from + 1} did`, async () => {
		return (await run.sides[to].hands.do('exists', at(run.sides[to]))) ? undefined : true
	})
	run.ahead = undefined
	await makeBarrier(run, to)
}

async function makeBarrier(run: Run, side: 0 | 1): Promise<void> {
	const { daemon, hands } = run.sides[side]
	run.barriers[side] = `${BARRIER}${++run.barriersMade}`
	await hands.do('mkdir', join(daemon.mountPoint, run.barriers[side]))
}

type Outcome = { value: unknown } | { code?: string; message?: string }

async function outcome(body: () => Promise<unknown>): Promise<Outcome> {
	try {
		return { value: await body() }
	} catch (error) {
		const { code, message } = error as NodeJS.ErrnoException
		return code === undefined ? { message } : { code }
	}
}

/** A node leaves in one of two ways, or the one that is away returns. */
async function turnNode(run: Run): Promise<void> {
	if (run.away) return run.away.back()
	const node = run.random.below(run.up.nodes.length)
	const leave = run.random.chance(0.5) ? setDown : loseIdentity
	run.history.push(`   node${node + 1}: ${leave.name}`)
	const back = await leave(run.up, node)
	run.away = {
		node,
		back: async () => {
			run.history.push(`   node${node + 1}: back`)
			await back()
			run.away = undefined
			await until(`the intents on node${node + 1} are carried out`, () => noneStanding(run, node), SETTLED_DEADLINE_MS)
			await untilReadable(run)
		},
	}
}

/** Longer than a lease: the daemon that was killed may have been settling the node. */
const SETTLED_DEADLINE_MS = 90_000

async function noneStanding(run: Run, node: number): Promise<true | undefined> {
	// What is done goes with the next transaction: give each side one.
	for (const { daemon, hands } of run.sides) await hands.do('setTimes', daemon.mountPoint, NOW, NOW)
	const { intents, nodes } = await readCatalogue(run.up.catalogue)
	const id = nodes.find(({ name }) => name === `node${node + 1}`)?.id
	return intents.some((intent) => intent.node === id) ? undefined : true
}

const NOW = { seconds: 1_000_000, nanoseconds: 0 }

async function setDown(up: Mounted, node: number): Promise<() => Promise<void>> {
	const set = async (state: string) => {
		const { code, stderr } = await up.cairn('node', 'set', `node${node + 1}`, '--state', state)
		assert.equal(code, 0, stderr)
	}
	await set('down')
	return () => set('rw')
}

/** As when a disk is not mounted: nothing is where the node's root should be. */
async function loseIdentity(up: Mounted, node: number): Promise<() => Promise<void>> {
	const root = up.nodes[node] as string
	renameSync(root, `${root}.away`)
	return async () => {
		assert.ok(!existsSync(root), 'nothing may be made where a node is missing')
		renameSync(`${root}.away`, root)
	}
}

/** Both mounts have noticed that every node is back when every file can be read. */
async function untilReadable(run: Run): Promise<void> {
	for (const { daemon, hands } of run.sides) {
		for (const [path, content] of run.model.everything()) {
			if (!Buffer.isBuffer(content)) continue
			const readable = until(`${path} is readable again through ${daemon.mountPoint}`, async () => {
				const answer = await outcome(() => hands.do('read', join(daemon.mountPoint, path)))
				return isTrouble(answer) ? undefined : true
			})
			await readable.catch(async (error: Error) => {
				throw new Error(`${error.message}\n${await whatIsKnown(run, daemon, path)}`)
			})
		}
	}
}

/** For whoever looks into a failure: the file as the mount, the catalogue and the nodes have it. */
async function whatIsKnown(run: Run, daemon: Daemon, path: string): Promise<string> {
	const id = Number((await run.sides[0].hands.do('stat', join(daemon.mountPoint, path))).ino)
	const { files, replicas, writers, intents, nodes } = await readCatalogue(run.up.catalogue)
	const of = (rows: { file: number }[]) => JSON.stringify(rows.filter((row) => row.file === id))
	const onNodes = run.up.nodes.filter((root) => existsSync(join(root, path)))
	return [
		`file ${JSON.stringify(files.find((row) => row.id === id))}, replicas ${of(replicas)}, writers ${of(writers)}`,
		`intents ${JSON.stringify(intents.map(({ node, op, path: at }) => [node, op, at.toString()]))}, nodes ${JSON.stringify(nodes)}`,
		`found at ${onNodes.join(', ') || 'no node'}`,
		...run.sides.map((side, index) => `mount ${index + 1} said:\n${side.daemon.said().slice(-2_000)}`),
	].join('\n')
}

async function killFirst(run: Run): Promise<void> {
	run.history.push('   mount 1: killed and started again')
	const [first] = run.sides
	await run.up.kill()
	first.hands.end()
	run.up = await run.up.again()
	run.sides[0] = { daemon: run.up, hands: takeHands() }
	await makeBarrier(run, 0)
	await catchUp(run, 0, 1)
}

/** Through both mounts, then through a fresh one; then the checker. */
async function compareWhole(run: Run): Promise<void> {
	if (run.ahead !== undefined) await catchUp(run, run.ahead, run.ahead === 0 ? 1 : 0)
	for (const side of run.sides) await compareTree(run.model, side)
	for (const side of run.sides) side.hands.end()
	await run.up.stop()
	assert.deepEqual(await checkTree(run.up.catalogue), [])
	run.up = await run.up.again()
	const hands = takeHands()
	try {
		await compareTree(run.model, { daemon: run.up, hands })
	} finally {
		hands.end()
	}
	await run.up.stop()
	assert.deepEqual(await checkTree(run.up.catalogue), [])
}

async function compareTree(model: Model, { daemon, hands }: Side): Promise<void> {
	const expected = model.everything()
	const found = await hands.run<Map<string, string | Buffer>>(EVERYTHING, 'everythingBelow', [daemon.mountPoint])
	assert.deepEqual([...found.keys()].sort(), [...expected.keys()].sort(), `names through ${daemon.mountPoint}`)
	for (const [path, content] of expected) assert.deepEqual(found.get(path), content, `${path} through ${daemon.mountPoint}`)
}
