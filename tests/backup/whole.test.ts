/**
 * All of it, as it is run: three nodes, two sites with different schedules, kills on either side, everything proved; then nodes and
 * catalogue are lost, and come back from a dump and from what the sites hold.
 */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { EXIT } from '../../cli/exit-codes.ts'
import { hashOf } from '../../core/off-site/signature.ts'
import { type Random, randomFrom, seedOfRun } from '../support/random.ts'
import { until } from '../support/until.ts'
import { type Agent, placeAgent } from './agent.ts'
import { addNode, installKeeper, type Keeper } from './keeper.ts'

const FILES = Number(process.env['CAIRN_TEST_FILES'] ?? 400)
const KILLS = 20
const NODES = ['a', 'b', 'c']

test('two sites reach their goals whoever is killed; lost nodes and catalogue come back from them', async (t) => {
	const seed = seedOfRun()
	console.log(`CAIRN_TEST_SEED=${seed}`)
	const random = randomFrom(seed)
	const keeper = await installKeeper({ classes: [{ name: 'default', pattern: '', copies: 2, offsite: 2 }] })
	const agents: Agent[] = []
	t.after(async () => {
		await keeper.remove()
		for (const agent of agents) agent.remove()
	})
	const contents = await fill(keeper, random)
	const hour = new Date().getHours()
	const keys = {
		attic: await keeper.addSite('attic', '--batch-files', '30', '--parallel', '2', '--mode', 'fill-gaps'),
		// It may do nothing now, nor in the next hour.
		cellar: await keeper.addSite('cellar', '--batch-files', '50', '--rate', `${hour}-${hour + 2}=0`.replace(/-2[4-6]/, '-24'), '--mode', 'recent'),
	}
	await keeper.startApi()
	for (const [site, key] of Object.entries(keys)) {
		const agent = await placeAgent(keeper.url, { key })
		agent.environment['CAIRN_BACKUP_SITE'] = site
		agents.push(agent)
	}
	const [attic, cellar] = agents as [Agent, Agent]

	await until('work for the sites', async () => ((await keeper.sites())['attic']?.wanted === FILES ? true : undefined))
	const closed = await cellar.run('-a', 'replicate', '-v')
	assert.deepEqual([closed.code, cellar.paths()], [0, []], closed.err)
	assert.match(closed.err, /nothing is sent in this hour; to come back/)
	await keeper.cairn('site', 'set', 'cellar', '--rate', '30M')

	await killOnTheWay(keeper, agents, random)
	// What one that was killed had leased is nobody else's until it comes again.
	for (const agent of [...agents, ...agents]) await agentEnds(agent)
	for (const [name, { wanted, claimed, proved, failed }] of Object.entries(await keeper.sites())) {
		assert.deepEqual({ wanted, claimed, proved, failed }, { wanted: 0, claimed: 0, proved: FILES, failed: 0 }, name)
	}
	for (const agent of agents) assertHas(agent.folder, contents)

	await keeper.cairn('dump', join(keeper.directory, 'dump'))
	await keeper.killApi()
	for (const node of NODES) rmSync(keeper.node(node), { recursive: true })
	for (const name of readdirSync(keeper.directory)) if (name.startsWith('catalogue.db')) rmSync(join(keeper.directory, name))
	await keeper.cairn('load', join(keeper.directory, 'dump'))
	for (const node of NODES) {
		mkdirSync(keeper.node(node))
		// It says of which files there is no copy left: of all.
		await keeper.cairn('node', 'replace', node, keeper.node(node)).catch(({ code }) => assert.equal(code, EXIT.left))
	}
	await keeper.startApi()
	// One has half of it no more.
	for (const path of [...contents.keys()].slice(0, FILES / 2)) rmSync(join(attic.folder, path))
	await keeper.cairn('restore', '/', '--from', 'attic', '--no-wait')
	await attic.run('-a', 'replicate')
	await keeper.cairn('restore', '/', '--from', 'cellar', '--no-wait')
	assert.equal((await cellar.run('-a', 'replicate')).code, 0)
	for (const node of NODES) await keeper.cairn('replicate', '--node', node)
	const copies = new Map<string, number>()
	for (const node of NODES) {
		for (const path of pathsIn(keeper.node(node))) {
			assert.equal(hashOf(readFileSync(join(keeper.node(node), path))), contents.get(path), path)
			copies.set(path, (copies.get(path) ?? 0) + 1)
		}
	}
	assert.deepEqual([...copies.keys()].sort(), [...contents.keys()].sort())
	assert.deepEqual([...copies].filter(([, count]) => count !== 2), [])
})

/** Hashes by path. */
async function fill(keeper: Keeper, random: Random): Promise<Map<string, string>> {
	const contents = new Map<string, string>()
	for (const node of NODES) await addNode(keeper, node)
	for (let file = 0; file < FILES; file++) {
		const path = `${file % 5}/${file % 11}/${random.chance(0.1) ? 'é ' : ''}${file}.jpg`
		const content = random.bytes(random.chance(0.02) ? 0 : random.below(60_000))
		mkdirSync(join(keeper.node('a'), path, '..'), { recursive: true })
		writeFileSync(join(keeper.node('a'), path), content)
		contents.set(path, hashOf(content))
	}
	await keeper.cairn('walk', '--node', 'a')
	for (const node of ['b', 'c']) await keeper.cairn('replicate', '--node', node)
	return contents
}

async function killOnTheWay(keeper: Keeper, agents: readonly Agent[], random: Random): Promise<void> {
	for (let kill = 0; kill < KILLS; kill++) {
		const runs = agents.map((agent) => agent.start('-a', 'replicate'))
		await new Promise((resolve) => setTimeout(resolve, 100 + random.below(400)))
		if (random.chance(0.3)) {
			await keeper.killApi()
			await keeper.startApi()
		}
		for (const { child } of runs) child.kill('SIGKILL')
		await Promise.all(runs.map(({ ended }) => ended))
	}
}

/** What failed is put off by the server; nothing did here. */
async function agentEnds(agent: Agent): Promise<void> {
	const { code, err } = await agent.run('-a', 'replicate')
	assert.equal(code, 0, err)
	assert.equal((await agent.run('-a', 'verify')).code, 0)
}

function assertHas(folder: string, contents: Map<string, string>): void {
	const there = pathsIn(folder)
	assert.deepEqual(there.sort(), [...contents.keys()].sort())
	for (const path of there) assert.equal(hashOf(readFileSync(join(folder, path))), contents.get(path), path)
}

function pathsIn(directory: string): string[] {
	const all = readdirSync(directory, { recursive: true, withFileTypes: true })
	return all.flatMap((entry) => {
		const path = join(entry.parentPath, entry.name).slice(directory.length + 1)
		return entry.isFile() && !/^\.cairn/.test(path) ? [path] : []
	})
}
