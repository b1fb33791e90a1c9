/** A small tree over a few nodes on either engine, with a replicator and a trimmer that are as simple as can be. */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { addNode } from '../../cli/node-add.ts'
import * as classTable from '../../core/catalogue/classes.ts'
import type { Driver, Row } from '../../core/catalogue/driver.ts'
import { initialise } from '../../core/catalogue/initialise.ts'
import * as nodeTable from '../../core/catalogue/nodes.ts'
import { openCatalogue } from '../../core/catalogue/open.ts'
import { withDefaults } from '../../core/config/defaults.ts'
import type { ClassConfig } from '../../core/config/types.ts'
import { create, makeDirectory } from '../../core/filesystem/create.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { pathsOf } from '../../core/filesystem/paths.ts'
import { release } from '../../core/filesystem/publish.ts'
import { startFilesystem } from '../../core/filesystem/start.ts'
import { ROOT_ID } from '../../core/ids.ts'
import type { NodeRow, NodeState } from '../../core/nodes/node.ts'
import { closeNode } from '../../core/nodes/open-node.ts'
import { run, wait } from '../../core/op.ts'
import { levelRound } from '../../replicator/level/round.ts'
import { startRun, type Summary } from '../../replicator/run.ts'
import { config, type Engine } from '../catalogue/engines.ts'
import { at, OWNER } from '../unit/installation.ts'

export interface Tree {
	fs: Filesystem
	driver: Driver
	rows(sql: string, ...params: Array<number | string>): Promise<Row[]>
	/** The directory of a node, numbered from 1, and what is below it. */
	node(number: number, path?: string): string
	addNode(number: number, zone?: string): Promise<void>
	setState(number: number, state: NodeState): Promise<void>
	applyClasses(classes: ClassConfig[]): Promise<void>
	write(name: string, text: string, parent?: number): Promise<number>
	directory(name: string): Promise<number>
	/** Makes every copy that is wanted and can be made. */
	replicate(): Promise<number>
	/** Removes every copy that may go. */
	trim(): Promise<number>
	/** One round: what it counted, and what it left. */
	round(
		options?: Parameters<typeof levelRound>[2],
	): Promise<Summary & { left: string[]; notes: string[]; holder: string | undefined }>
	/** By name, the nodes on which a file of that name is whole. */
	onDisk(): Record<string, number[]>
	/** Another process over the same catalogue. */
	another(): Promise<Filesystem>
}

export async function tree(test: TestContext, engine: Engine, nodes: number, classes: ClassConfig[]): Promise<Tree> {
	const directory = mkdtempSync(join(tmpdir(), 'cairn-level-'))
	test.after(() => rmSync(directory, { recursive: true, force: true }))
	const address = await engine.address(test)
	const connect = async () => {
		const driver = await openCatalogue(config(address), { create: true })
		test.after(() => driver.close())
		return driver
	}
	const driver = await connect()
	await initialise(driver, { owner: { uid: 0, gid: 0 }, classes, now: { s: 1, ns: 0 } })
	const node = (number: number, path = '') => join(directory, `node${number}`, path)
	const rows = async (sql: string, ...params: Array<number | string>) => await driver.all(sql, params)

	async function start(): Promise<Filesystem> {
		const fs = await run(
			startFilesystem({
				config: withDefaults({ classes }),
				catalogue: await connect(),
				what: 'test',
				report: () => undefined,
				random: () => 0.5,
			}),
		)
		test.after(async () => {
			fs.later.take()
			for (const each of fs.nodes.values()) closeNode(each)
		})
		return fs
	}

	async function add(number: number, zone = `zone${number}`): Promise<void> {
		mkdirSync(node(number))
		await addNode(driver, `node${number}`, { path: node(number), zone, reserve: 0, weight: 100, io: 'auto', state: 'rw' })
	}

	for (let number = 1; number <= nodes; number++) await add(number)
	const fs = await start()
	const heard = async () => void (await run(catchUp(fs)))

	return {
		fs,
		driver,
		rows,
		node,
		another: start,
		async addNode(number, zone) {
			await add(number, zone)
			await heard()
		},
		async setState(number, state) {
			await driver.transaction(function* (tx) {
				const row = (yield* wait(nodeTable.findByName(tx, `node${number}`))) as NodeRow
				nodeTable.update(tx, row.id, { ...row, state }, driver.capabilities)
			})
			await heard()
		},
		async applyClasses(changed) {
			await driver.transaction((tx) => classTable.apply(tx, changed))
		},
		async write(name, text, parent = ROOT_ID) {
			const made = await run(create(fs, at(name, parent), OWNER, true))
			if (!('open' in made)) throw new Error(`${name} is there already`)
			await made.open.node.operations.write(made.open.fd, Buffer.from(text), 0)
			await run(release(fs, made.open, true))
			await fs.later.written()
			return made.open.id
		},
		directory: async (name) => (await run(makeDirectory(fs, at(name), { ...OWNER, mode: 0o755 }))).id,
		replicate: () => replicate(fs, node),
		trim: () => trim(fs, node),
		async round(options) {
			const left: string[] = []
			const notes: string[] = []
			await heard()
			const made = startRun(new AbortController().signal, {
				trouble: (path, why) => left.push(`${path}: ${why}`),
				note: (line) => notes.push(line),
			})
			const holder = await levelRound(fs, made, options)
			return { ...made.summary(), left, notes, holder }
		},
		onDisk: () => onDisk(directory),
	}
}

async function replicate(fs: Filesystem, node: Tree['node']): Promise<number> {
	const wanted = await fs.catalogue.all<{ file_id: number; node_id: number; source: number; version: number }>(
		`SELECT r.file_id, r.node_id, f.version, MIN(s.node_id) AS source FROM replica r JOIN file f ON f.id = r.file_id
			JOIN replica s ON s.file_id = r.file_id AND s.version = f.version AND s.state IN (1, 4) JOIN node n ON n.id = s.node_id AND n.state <> 'dead'
			WHERE r.state = 2 GROUP BY r.file_id, r.node_id, f.version`,
	)
	for (const { file_id, node_id, source, version } of wanted) {
		const [{ path }] = await run(pathsOf(fs, file_id, 1))
		mkdirSync(dirname(node(node_id, path.toString())), { recursive: true })
		copyFileSync(node(source, path.toString()), node(node_id, path.toString()))
		await fs.catalogue.change('UPDATE replica SET state = 1, version = ? WHERE file_id = ? AND node_id = ? AND state = 2', [
			version,
			file_id,
			node_id,
		])
	}
	return wanted.length
}

async function trim(fs: Filesystem, node: Tree['node']): Promise<number> {
	let removed = 0
	const going = await fs.catalogue.all<{ file_id: number; node_id: number; copies: number }>(
		'SELECT r.file_id, r.node_id, c.copies FROM replica r JOIN file f ON f.id = r.file_id JOIN class c ON c.id = f.class_id WHERE r.state = 4',
	)
	for (const { file_id, node_id, copies } of going) {
		const [{ many }] = await fs.catalogue.all<{ many: number }>(
			`SELECT COUNT(*) AS many FROM replica r JOIN file f ON f.id = r.file_id JOIN node n ON n.id = r.node_id
				WHERE r.file_id = ? AND r.node_id <> ? AND r.state = 1 AND r.version = f.version AND n.state NOT IN ('drain', 'dead')`,
			[file_id, node_id],
		)
		if (many < copies)
			throw new Error(`file ${file_id} on node ${node_id} was to go, and ${many} good copies would be left of ${copies}`)
		const [{ path }] = await run(pathsOf(fs, file_id, 1))
		rmSync(node(node_id, path.toString()))
		await fs.catalogue.change('DELETE FROM replica WHERE file_id = ? AND node_id = ? AND state = 4', [file_id, node_id])
		removed++
	}
	return removed
}

/** A file's text is its name: a copy is whole when that is what it says. */
function onDisk(directory: string): Record<string, number[]> {
	const found: Record<string, number[]> = {}
	const visit = (number: number, root: string, below: string) => {
		for (const entry of readdirSync(join(root, below), { withFileTypes: true })) {
			const path = join(below, entry.name)
			if (entry.name === '.cairn') continue
			if (entry.isDirectory()) visit(number, root, path)
			else if (readFileSync(join(root, path), 'utf8').startsWith(entry.name)) found[path] = [...(found[path] ?? []), number]
		}
	}
	for (const name of readdirSync(directory).sort())
		if (name.startsWith('node')) visit(Number(name.slice(4)), join(directory, name), '')
	return found
}
