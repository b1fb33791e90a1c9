/** `cairn node add NAME PATH`. */
import { randomUUID } from 'node:crypto'
import { existsSync, readdirSync, realpathSync, rmSync, statfsSync, statSync } from 'node:fs'
import { dirname, join, resolve, sep } from 'node:path'
import * as nodes from '../core/catalogue/nodes.ts'
import type { Driver } from '../core/catalogue/driver.ts'
import { codeOf, UserError } from '../core/errors.ts'
import { type Identity, readIdentity, writeIdentity } from '../core/nodes/identity.ts'
import type { NodeRow } from '../core/nodes/node.ts'
import { wait } from '../core/op.ts'
import { withCatalogue } from './catalogue.ts'
import { EXIT } from './exit-codes.ts'
import { nodeAbove } from './node-above.ts'
import { type NodeOptions, nodeOptions, withOptions } from './node-settings.ts'
import { refuseInTree } from './tree-path.ts'
import type { Deps, Verb } from './verb.ts'

interface Options extends NodeOptions {
	name: string
	path: string
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/
const OF_A_NEW_DISK = new Set(['.cairn', 'lost+found'])
const DEFAULTS = { zone: '', reserve: -1, weight: 100, io: 'auto', state: 'rw' } as const

export const nodeAdd: Verb<Options> = (deps) => ({
	command: 'add <name> <path>',
	describe: 'make a directory a node',
	builder: (yargs) =>
		nodeOptions(yargs)
			.positional('name', { type: 'string', demandOption: true, describe: 'what it is called' })
			.positional('path', { type: 'string', demandOption: true, describe: 'its directory, as every client sees it' }),
	handler: (options) => run(options, deps),
})

export async function run(options: Options, deps: Deps): Promise<void> {
	if (!NAME.test(options.name)) throw new UserError(`'${options.name}' is no name for a node: letters, digits, . _ -`, EXIT.usage)
	const path = directoryNamed(options.path, deps)
	const settings = withOptions({ path, ...DEFAULTS }, options)
	await withCatalogue(options, deps, async (driver, config) => {
		await refuseInTree(path, config)
		await addNode(driver, options.name, settings)
	})
	deps.print(`node ${options.name}: ${path}`)
	if (bringsFiles(path)) deps.print(`what is in it comes into the tree, where it lies, with 'cairn walk --node ${options.name}'`)
}

function bringsFiles(path: string): boolean {
	return readdirSync(path).some((name) => !OF_A_NEW_DISK.has(name))
}

/**
 * The row comes first: a directory with an identity that no catalogue knows could not be added again. If the identity
 * cannot be written the row is taken back.
 */
export async function addNode(driver: Driver, name: string, settings: nodes.NodeSettings): Promise<void> {
	refuseOwned(settings.path, await nodes.list(driver))
	refuseInside(settings.path)
	const uuid = randomUUID()
	const id = await driver.transaction(function* (tx) {
		for (const other of yield* wait(nodes.list(tx))) refuseClash(other, name, settings.path)
		const made = yield* nodes.insert(tx, { ...settings, name, uuid }, driver.capabilities)
		nodes.seen(tx, made, spaceOf(settings.path), driver.capabilities)
		return made
	})
	try {
		identify(settings.path, { uuid, name })
		refuseMerging(settings.path)
	} catch (error) {
		await driver.transaction(function* (tx) {
			yield* nodes.remove(tx, id, driver.capabilities)
		})
		// Another catalogue may have been first.
		if (readIdentity(settings.path)?.uuid === uuid) rmSync(join(settings.path, '.cairn/node.json'))
		throw error
	}
}

function identify(path: string, identity: Identity): void {
	try {
		writeIdentity(path, identity)
	} catch (error) {
		throw error instanceof UserError ? error : new UserError(`${path}: its .cairn cannot be made (${codeOf(error)})`, EXIT.refused)
	}
}

export function directoryNamed(text: string, { directory }: Pick<Deps, 'directory'>): string {
	if (text === '') throw new UserError('the path is empty; the directory you are in is .', EXIT.usage)
	return checkDirectory(resolve(directory, text))
}

export function checkDirectory(path: string): string {
	const found = statSync(path, { throwIfNoEntry: false })
	if (!found) throw new UserError(`${path}: no such directory`, EXIT.refused)
	if (!found.isDirectory()) throw new UserError(`${path} is not a directory`, EXIT.refused)
	return realpathSync(path)
}

function refuseOwned(path: string, known: readonly NodeRow[]): void {
	const identity = readIdentity(path)
	if (!identity) return
	const { name, uuid } = identity
	const says = `'${name}' (${path}/.cairn/node.json says so)`
	if (known.some((node) => node.uuid === uuid)) throw new UserError(`${path} is already the node ${says}`, EXIT.identity)
	throw new UserError(
		`${path} is the node ${says}, which this catalogue does not know: if it was removed, empty it first, .cairn too; if the catalogue was lost, cairn reindex --node ${name}=${path}`,
		EXIT.identity,
	)
}

/** Its walk would take what is here for its own. */
export function refuseInside(path: string): void {
	const above = nodeAbove(dirname(path))
	if (above !== undefined) throw new UserError(`${above} is a node (${above}/.cairn/node.json): nothing in it can be another`, EXIT.refused)
}

/** As exFAT, NTFS and SMB mostly do it. The tree has both names, and there one file would be written over the other. */
function refuseMerging(path: string): void {
	if (existsSync(join(path, '.CAIRN/node.json'))) throw new UserError(`${path}: README and readme are one name on its filesystem; a node needs one that tells them apart`, EXIT.refused)
}

export function refuseClash(other: NodeRow, name: string, path: string): void {
	if (other.name === name) {
		// Whoever was killed in the midst of adding it has left the row only.
		const isBegun = other.path === path && readIdentity(path) === undefined
		const hint = isBegun ? `, without an identity file: where adding it was cut off, 'cairn node remove ${name}' and add it again` : ''
		throw new UserError(`there is a node ${name} already, at ${other.path}${hint}`, EXIT.refused)
	}
	if (isWithin(path, other.path) || isWithin(other.path, path)) {
		throw new UserError(`${path} and ${other.path}, which is the node ${other.name}, lie within each other`, EXIT.refused)
	}
}

function isWithin(path: string, directory: string): boolean {
	return `${path}${sep}`.startsWith(`${directory}${sep}`)
}

function spaceOf(path: string): { capacity: number; free: number } {
	const { bsize, blocks, bavail } = statfsSync(path)
	return { capacity: bsize * blocks, free: bsize * bavail }
}
