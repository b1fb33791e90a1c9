/** A catalogue and a few local nodes in a temporary directory, and filesystems over them as processes would have them. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { addNode } from '../../cli/node-add.ts'
import type { ChangeRow } from '../../core/catalogue/changes.ts'
import type { Driver, Row } from '../../core/catalogue/driver.ts'
import { initialise } from '../../core/catalogue/initialise.ts'
import { openSqlite } from '../../core/catalogue/sqlite.ts'
import { watchFiles } from '../../core/catalogue/wal-index.ts'
import { withDefaults } from '../../core/config/defaults.ts'
import type { ClassConfig, Config } from '../../core/config/types.ts'
import { create } from '../../core/filesystem/create.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import type { Place } from '../../core/filesystem/names.ts'
import type { OpenFile } from '../../core/filesystem/open-files.ts'
import { release } from '../../core/filesystem/publish.ts'
import { startFilesystem } from '../../core/filesystem/start.ts'
import { ROOT_ID } from '../../core/ids.ts'
import type { Node, NodeState } from '../../core/nodes/node.ts'
import { closeNode } from '../../core/nodes/open-node.ts'
import { type Op, run } from '../../core/op.ts'

export interface Installation {
	directory: string
	/** The catalogue, past every filesystem. */
	rows(sql: string, ...params: Array<number | string>): Row[]
	/** The directory of a node, numbered from 1, and what is below it. */
	node(number: number, path?: string): string
	addNode(number: number): Promise<void>
	start(options?: Partial<Started>): Promise<Client>
}

interface Started {
	/** Stands between the filesystem and its catalogue. */
	wrap: (driver: Driver) => Driver
	/** What the process calls itself. */
	what: string
}

/** One running process: a filesystem with a catalogue connection of its own. */
export interface Client {
	fs: Filesystem
	catalogue: Driver
	reports: string[]
	/** What its door was told. */
	told: ChangeRow[]
	/** As if it had been killed: it does nothing more, and others can tell. */
	kill(): void
}

export async function installation(test: TestContext, nodes = 1, classes: ClassConfig[] = [{ name: 'default', pattern: '', copies: 1 }]): Promise<Installation> {
	const directory = mkdtempSync(join(tmpdir(), 'cairn-unit-'))
	test.after(() => rmSync(directory, { recursive: true, force: true }))
	const config: Config = withDefaults({ classes, nodeDeadlineMs: 100 })
	const connect = () => {
		const driver = openSqlite(join(directory, 'catalogue.db'), { timeoutMs: 5_000, watch: watchFiles })
		test.after(() => driver.close())
		return driver
	}
	const own = connect()
	await initialise(own, { owner: { uid: 0, gid: 0 }, classes, now: { s: 1, ns: 0 } })
	const node = (number: number, path = '') => join(directory, `node${number}`, path)

	async function add(number: number): Promise<void> {
		mkdirSync(node(number), { recursive: true })
		await addNode(own, `node${number}`, { path: node(number), zone: `zone${number}`, reserve: 0, weight: 100, io: 'auto', state: 'rw' })
	}

	async function start({ wrap = (driver) => driver, what = 'test' }: Partial<Started> = {}): Promise<Client> {
		const catalogue = wrap(connect())
		const reports: string[] = []
		const told: ChangeRow[] = []
		const fs = await run(
			startFilesystem({ config, catalogue, what, report: (line) => reports.push(line), onChange: (change) => told.push(change), random: () => 0.5 }),
		)
		evenOut([...fs.nodes.values()])
		test.after(() => {
			fs.later.take()
			fs.later.end()
			for (const each of fs.nodes.values()) closeNode(each)
		})
		return {
			fs,
			catalogue,
			reports,
			told,
			kill() {
				fs.later.take()
				own.change("UPDATE client SET started = 'another boot', heartbeat = 0 WHERE id = ?", [fs.client])
			},
		}
	}

	for (let number = 1; number <= nodes; number++) await add(number)
	return { directory, rows: (sql, ...params) => own.all(sql, params) as Row[], node, addNode: add, start }
}

/** Nodes that share a disk, to which others write: what was free a moment later must not decide which comes first. */
function evenOut(nodes: readonly Node[]): void {
	for (const node of nodes) {
		const sharing = nodes.filter(({ space }) => space.capacity === node.space.capacity)
		node.space = { ...node.space, free: Math.max(...sharing.map(({ space }) => space.free)) }
	}
}

/** Everything in these tests is local: the operation is over when it returns. */
export function now<T>(op: Op<T>): T {
	return run(op) as T
}

export function at(name: string, parent: number = ROOT_ID): Place {
	return { parent, name: Buffer.from(name) }
}

export const OWNER = { mode: 0o644, uid: 0, gid: 0 }

/** A new file, open for writing. */
export function createFile(fs: Filesystem, name: string, parent: number = ROOT_ID): OpenFile {
	const made = now(create(fs, at(name, parent), OWNER, true))
	if (!('open' in made)) throw new Error(`${name} is there already`)
	return made.open
}

/** A new file with this content, closed. */
export function writeFile(fs: Filesystem, name: string, text: string, parent: number = ROOT_ID): number {
	const file = createFile(fs, name, parent)
	file.node.operations.write(file.fd, Buffer.from(text), 0)
	now(release(fs, file, true))
	return file.id
}

/** The node goes out of service, or comes back, as its breaker would have it. */
export function setUp(fs: Filesystem, number: number, up: boolean): void {
	;(fs.nodes.get(number) as Node).health.up = up
}

export function setState(fs: Filesystem, number: number, state: NodeState): void {
	const node = fs.nodes.get(number) as Node
	node.row = { ...node.row, state }
}
