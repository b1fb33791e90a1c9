/** The power of a node is cut and its catalogue remembers everything: names that were given and taken away are as the catalogue has them. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { it, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { readCatalogue } from '../support/catalogue-rows.ts'
import { type Hands, withHands } from '../support/hands.ts'
import { type Mounted, startUp } from '../support/mount.ts'
import { type Random, randomFrom, seedOfRun } from '../support/random.ts'
import { until } from '../support/until.ts'
import { type CutDisk, mountCutDisk } from './power-cut.ts'

const MEGABYTES = 64
const RENAME_EXCHANGE = 2

interface Running {
	up: Mounted
	disk: CutDisk
}

async function start(t: TestContext, catalogue: 'sqlite' | 'mariadb'): Promise<Running> {
	let disk: CutDisk | undefined
	const prepare = (dir: string) => {
		disk = mountCutDisk(t, join(dir, 'node1'), MEGABYTES)
	}
	const up = await startUp({ catalogue, nodes: 1, prepare })
	const running = { up, disk: disk as unknown as CutDisk }
	t.after(() => running.up.remove())
	return running
}

/** Everything is done on the node, as far as the catalogue knows, and its disk has heard of nothing since it was synced last. */
async function cutPower(running: Running): Promise<void> {
	const { up, disk } = running
	await until('the intents are carried out', async () => ((await readCatalogue(up.catalogue)).intents.length === 0 ? true : undefined))
	await up.kill()
	disk.comeBack()
	running.up = await up.again()
}

function syncDisk(disk: CutDisk): void {
	execFileSync('sync', ['-f', disk.mountPoint])
}

async function namesBelow(hands: Hands, top: string, path = ''): Promise<string[]> {
	const names: string[] = []
	for (const name of await hands.do('readdir', join(top, path))) {
		const below = join(path, name)
		const isDirectory = ((await hands.do('stat', join(top, below))).mode & 0o170000) === 0o040000
		names.push(...(isDirectory ? [`${below}/`, ...(await namesBelow(hands, top, below))] : [below]))
	}
	return names.sort()
}

const GROUNDS = ['sqlite', 'mariadb'] as const

for (const catalogue of GROUNDS) {
	it(`names taken away before a power cut do not come back, and files are at their new ones: ${catalogue}`, async (t) => {
		const running = await start(t, catalogue)
		const { disk } = running
		const at = (path: string) => join(running.up.mountPoint, path)
		const before = ['removed', 'renamed', 'log', 'current/app', 'next/app', 'new', 'old', 'one', 'other', 'dir/kept', 'dir/removed', 'linked']
		const after: Record<string, string> = {
			'moved/renamed': 'renamed', 'log.1': 'log', 'previous/app': 'current/app', 'current/app': 'next/app', old: 'new', one: 'other', other: 'one',
			'dir2/kept': 'dir/kept', linked: 'linked', 'moved/link': 'linked',
		}
		await withHands(async (hands) => {
			for (const name of ['current', 'next', 'dir', 'moved']) await hands.do('mkdir', at(name))
			for (const name of before) await hands.do('write', at(name), `the content of ${name}`, { sync: true })
			syncDisk(disk)
			await hands.do('unlink', at('removed'))
			await hands.do('rename', at('renamed'), at('moved/renamed'))
			await hands.do('rename', at('log'), at('log.1'))
			await hands.do('write', at('log'), 'written since, and not synced')
			await hands.do('rename', at('current'), at('previous'))
			await hands.do('rename', at('next'), at('current'))
			await hands.do('rename', at('new'), at('old'))
			await hands.do('rename', at('one'), at('other'), RENAME_EXCHANGE)
			await hands.do('unlink', at('dir/removed'))
			await hands.do('rename', at('dir'), at('dir2'))
			await hands.do('link', at('linked'), at('moved/link'))
		})
		await cutPower(running)
		assert.match(running.up.said(), /changes that its disk had forgotten were made again/)
		const walk = await running.up.cairn('walk', '--node', 'node1')
		assert.match(walk.stderr, /^cairn: walk node1: log: the only copy is gone from the node; the tree keeps its name\n$/)
		await withHands(async (hands) => {
			assert.deepEqual(await namesBelow(hands, at('')), [...Object.keys(after), 'log', 'current/', 'dir2/', 'moved/', 'previous/'].sort())
			for (const [name, was] of Object.entries(after)) assert.equal(String(await hands.do('read', at(name))), `the content of ${was}`, name)
		})
		for (const gone of ['removed', 'renamed', 'new', 'dir', 'next']) assert.equal(existsSync(join(disk.mountPoint, gone)), false, gone)
	})
}

for (const catalogue of GROUNDS) {
	it(`two mounts in turn before a power cut: what each did is done again in its turn: ${catalogue}`, async (t) => {
		const running = await start(t, catalogue)
		const second = await running.up.secondMount()
		const tops = [running.up.mountPoint, second.mountPoint]
		await withHands(async (hands) => {
			for (const name of ['a', 'b', 'd/e/f', 'f', 'x']) {
				if (name === 'd/e/f') for (const directory of ['d', 'd/e']) await hands.do('mkdir', join(tops[0], directory))
				await hands.do('write', join(tops[0], name), `the content of ${name}`, { sync: true })
			}
			syncDisk(running.disk)
			const moves = [['a', 'b'], ['b', 'c'], ['x', 'b'], ['c', 'x'], ['f', 'd/f'], ['d/e', 'g'], ['d', 'e'], ['g', 'd'], ['e/f', 'd/g']]
			for (const [turn, [from, to]] of moves.entries()) {
				const top = tops[turn % 2]
				await until(`${from} is seen`, async () => (await hands.do('stat', join(top, from)).catch(() => undefined)) && true)
				await hands.do('rename', join(top, from), join(top, to))
			}
		})
		await second.kill()
		await cutPower(running)
		await withHands(async (hands) => {
			const top = running.up.mountPoint
			const after: Record<string, string> = { x: 'a', b: 'x', 'd/f': 'd/e/f', 'd/g': 'f' }
			assert.deepEqual(await namesBelow(hands, top), [...Object.keys(after), 'd/', 'e/'].sort())
			for (const [name, was] of Object.entries(after)) assert.equal(String(await hands.do('read', join(top, name))), `the content of ${was}`, name)
		})
	})
}

/** Names and contents as they should be; what was written since the disk was synced last may be lost with the power. */
interface Model {
	files: Map<string, { content: string; synced: boolean }>
	directories: Set<string>
}

const CALLS_MAX = 120
const PAUSE_MS = 15
const DIRECTORIES = ['', 'a/', 'b/', 'a/c/']
const NAMES = ['1', '2', '3', '4', '5']

async function anyCall(hands: Hands, random: Random, top: string, model: Model): Promise<void> {
	const place = () => `${random.pick([...model.directories])}${random.pick(NAMES)}`
	const from = place()
	const to = place()
	const source = model.files.get(from)
	const kind = random.below(10)
	if (kind < 2) {
		const content = `${from} ${random.below(1e9)}`
		if (source) await hands.do('unlink', join(top, from))
		await hands.do('write', join(top, from), content)
		model.files.set(from, { content, synced: false })
	} else if (kind === 9) {
		await (random.chance(0.3) ? makeDirectory : moveDirectory)(hands, random, top, model)
	} else if (source && kind < 6) {
		await hands.do('rename', join(top, from), join(top, to))
		// Of two names of one file it does nothing.
		if (model.files.get(to) !== source) model.files.delete(from)
		model.files.set(to, source)
	} else if (source && kind === 6) {
		await hands.do('unlink', join(top, from))
		model.files.delete(from)
	} else if (source && from !== to && model.files.has(to)) {
		await hands.do('rename', join(top, from), join(top, to), RENAME_EXCHANGE)
		model.files.set(from, model.files.get(to) as NonNullable<typeof source>)
		model.files.set(to, source)
	} else if (source && !model.files.has(to)) {
		await hands.do('link', join(top, from), join(top, to))
		model.files.set(to, source)
	}
}

/** Where a node has none until a file comes there. */
async function makeDirectory(hands: Hands, random: Random, top: string, model: Model): Promise<void> {
	const path = `${random.pick([...model.directories])}d${random.below(6)}/`
	if (model.directories.has(path)) return
	await hands.do('mkdir', join(top, path))
	model.directories.add(path)
}

async function moveDirectory(hands: Hands, random: Random, top: string, model: Model): Promise<void> {
	const from = random.pick([...model.directories].filter((each) => each !== ''))
	const to = `${random.pick([...model.directories].filter((each) => !each.startsWith(from)))}d${random.below(6)}/`
	if (model.directories.has(to)) return
	await hands.do('rename', join(top, from), join(top, to))
	const moved = (path: string) => (path.startsWith(from) ? to + path.slice(from.length) : path)
	model.directories = new Set([...model.directories].map(moved))
	model.files = new Map([...model.files].map(([path, file]) => [moved(path), file]))
}

for (const catalogue of GROUNDS) {
	it(`whatever was done before a power cut, and however much of it the disk has, the tree is as it was left: ${catalogue}`, async (t) => {
		const seed = seedOfRun()
		t.diagnostic(`CAIRN_TEST_SEED=${seed}`)
		const random = randomFrom(seed)
		const running = await start(t, catalogue)
		const { disk } = running
		const model: Model = { files: new Map(), directories: new Set(DIRECTORIES) }
		await withHands(async (hands) => {
			const top = running.up.mountPoint
			for (const directory of DIRECTORIES.slice(1)) await hands.do('mkdir', join(top, directory))
			for (const directory of DIRECTORIES) {
				for (const name of NAMES.slice(0, 3)) {
					const content = `first ${directory}${name}`
					await hands.do('write', join(top, directory, name), content)
					model.files.set(`${directory}${name}`, { content, synced: false })
				}
			}
			const cutAfter = random.below(CALLS_MAX)
			for (let call = 0; call < CALLS_MAX; call++) {
				if (call === 0 || call === cutAfter) {
					await until('what was done is on its way to the disk', async () => ((await readCatalogue(running.up.catalogue)).intents.length === 0 ? true : undefined))
					syncDisk(disk)
					for (const file of model.files.values()) file.synced = true
				}
				await pause(PAUSE_MS)
				await anyCall(hands, random, top, model)
			}
		})
		await cutPower(running)
		await running.up.cairn('walk', '--node', 'node1')
		await withHands(async (hands) => {
			const top = running.up.mountPoint
			const names = [...model.files.keys(), ...[...model.directories].filter((each) => each !== '')]
			assert.deepEqual(await namesBelow(hands, top), names.sort())
			for (const [name, { content, synced }] of model.files) if (synced) assert.equal(String(await hands.do('read', join(top, name))), content, name)
		})
	})
}
