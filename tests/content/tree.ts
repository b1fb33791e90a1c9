/** A catalogue of either engine, a few nodes, and as many processes on them as a test wants. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { addNode } from '../../cli/node-add.ts'
import type { Row } from '../../core/catalogue/driver.ts'
import { initialise } from '../../core/catalogue/initialise.ts'
import { openCatalogue } from '../../core/catalogue/open.ts'
import { withDefaults } from '../../core/config/defaults.ts'
import type { ClassConfig } from '../../core/config/types.ts'
import { create } from '../../core/filesystem/create.ts'
import { flushLater, type Filesystem } from '../../core/filesystem/filesystem.ts'
import type { OpenFile } from '../../core/filesystem/open-files.ts'
import { publishAtClose, release } from '../../core/filesystem/publish.ts'
import { startFilesystem, stopFilesystem } from '../../core/filesystem/start.ts'
import { closeContent, openContent, readRange } from '../../core/filesystem/read-content.ts'
import { resolve } from '../../core/filesystem/resolve.ts'
import { store, type StoreOptions } from '../../core/filesystem/store.ts'
import type { Intake, Stored } from '../../core/filesystem/upload.ts'
import type { FileId } from '../../core/ids.ts'
import { closeNode } from '../../core/nodes/open-node.ts'
import { run } from '../../core/op.ts'
import { config, type Engine, ready } from '../catalogue/engines.ts'
import { checkTree } from '../support/check-tree.ts'
import { at } from '../unit/installation.ts'

export interface Tree {
	address: string
	/** A path on a node, numbered from 1. */
	node(number: number, path?: string): string
	rows(sql: string, ...params: Array<number | string>): Promise<Row[]>
	start(options?: { remote?: boolean }): Promise<Process>
	/** What is wrong between catalogue and nodes, when everything that waits is written. */
	problems(): Promise<string[]>
}

export interface Process {
	fs: Filesystem
	reports: string[]
	/** As if it had been killed: it does nothing more, and others can tell. */
	kill(): Promise<void>
	/** Ends it in the ordinary way. */
	stop(): Promise<void>
}

export const OWNER = { mode: 0o644, uid: 0, gid: 0 }

export async function tree(test: TestContext, engine: Engine, { nodes = 1, copies = 1 } = {}): Promise<Tree> {
	const directory = mkdtempSync(join(tmpdir(), 'cairn-content-'))
	test.after(() => rmSync(directory, { recursive: true, force: true }))
	const classes: ClassConfig[] = [{ name: 'default', pattern: '', copies }]
	const { driver, address } = await ready(test, engine)
	await initialise(driver, { owner: { uid: 0, gid: 0 }, classes, now: { s: 1, ns: 0 } })
	const node = (number: number, path = '') => join(directory, `node${number}`, path)
	for (let number = 1; number <= nodes; number++) {
		mkdirSync(node(number))
		await addNode(driver, `node${number}`, { path: node(number), zone: `zone${number}`, reserve: 0, weight: 100, io: 'auto', state: 'rw' })
	}
	const processes: Process[] = []

	async function start({ remote = false } = {}): Promise<Process> {
		const reports: string[] = []
		const catalogue = await openCatalogue(config(address))
		const places = Array.from({ length: nodes }, (_, index) => [`node${index + 1}`, { remote }] as const)
		const own = withDefaults({ classes, nodeDeadlineMs: 20_000, nodes: Object.fromEntries(places) })
		const fs = await run(startFilesystem({ config: own, catalogue, what: 'test', report: (line) => reports.push(line), random: () => 0.5 }))
		// Nodes of one disk: the first is the one with most room, whatever others write meanwhile.
		for (const each of fs.nodes.values()) each.space = { ...each.space, free: 2 ** 50 - each.id }
		let isOver = false
		const process: Process = {
			fs,
			reports,
			async kill() {
				if (isOver) return
				isOver = true
				fs.later.take()
				fs.later.end()
				for (const each of fs.nodes.values()) closeNode(each)
				await driver.change("UPDATE client SET started = 'another boot', heartbeat = 0 WHERE id = ?", [fs.client])
				await catalogue.close()
			},
			async stop() {
				if (isOver) return
				isOver = true
				await stopFilesystem(fs)
				await catalogue.close()
			},
		}
		processes.push(process)
		test.after(process.stop)
		return process
	}

	return {
		address,
		node,
		start,
		rows: async (sql, ...params) => driver.all(sql, params),
		async problems() {
			for (const { fs } of processes) {
				await flushLater(fs)
				// Some of it may be on its way with another transaction.
				await fs.later.written()
			}
			return checkTree(address.replace(/^sqlite:/, ''))
		},
	}
}

export async function intakeOf(fs: Filesystem, path: string | Buffer, attributes = OWNER): Promise<Intake> {
	const located = await run(resolve(fs, Buffer.from(path as string)))
	if (!located.place) throw new Error('the root is a directory')
	return { place: located.place, path: located.path, attributes }
}

/** A file stored as a door would. */
export async function put(fs: Filesystem, path: string | Buffer, content: string | Buffer, options: StoreOptions = {}, attributes = OWNER): Promise<Stored> {
	return store(fs, await intakeOf(fs, path, attributes), parts(Buffer.from(content as string)), options)
}

/** A new file, open for writing, as a mount would make it. */
export async function openNew(fs: Filesystem, name: string, parent?: FileId): Promise<OpenFile> {
	const made = await run(create(fs, at(name, parent), OWNER, true))
	if (!('open' in made)) throw new Error(`${name} was there`)
	return made.open
}

/** By who may write. */
export async function close(fs: Filesystem, file: OpenFile): Promise<void> {
	await run(publishAtClose(fs, file))
	await run(release(fs, file, true))
	await flushLater(fs)
}

export async function writeAndClose(fs: Filesystem, file: OpenFile, text: string): Promise<void> {
	await file.node.operations.write(file.fd, Buffer.from(text), 0)
	await close(fs, file)
}

/** The same of a new one. */
export async function makeFile(fs: Filesystem, name: string, text: string): Promise<FileId> {
	const file = await openNew(fs, name)
	await writeAndClose(fs, file, text)
	return file.id
}

export async function* parts(content: Buffer): AsyncGenerator<Buffer> {
	for (let at = 0; at < content.length; at += 60_000) yield content.subarray(at, at + 60_000)
}

export async function get(fs: Filesystem, path: string): Promise<Buffer> {
	const content = await run(openContent(fs, Buffer.from(path)))
	try {
		const chunks: Buffer[] = []
		for await (const chunk of readRange(fs, content, 0, content.size)) chunks.push(chunk)
		return Buffer.concat(chunks)
	} finally {
		await run(closeContent(fs, content))
	}
}
