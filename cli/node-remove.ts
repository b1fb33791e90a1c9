/** `cairn node remove NAME`: forgets a node that holds nothing any more, or with `--lost` one that will not come back. Its directory is left as it is. */
import { setTimeout as pause } from 'node:timers/promises'
import * as clients from '../core/catalogue/clients.ts'
import type { Driver } from '../core/catalogue/driver.ts'
import * as nodes from '../core/catalogue/nodes.ts'
import { UserError } from '../core/errors.ts'
import { isAlive } from '../core/filesystem/clients.ts'
import { type Filesystem, transact } from '../core/filesystem/filesystem.ts'
import type { NodeRow, NodeState } from '../core/nodes/node.ts'
import { wait } from '../core/op.ts'
import { forgetIntents, giveUpCopies, onlyThere } from '../replicator/level/lost.ts'
import { startRun } from '../replicator/run.ts'
import { withCatalogue } from './catalogue.ts'
import { EXIT } from './exit-codes.ts'
import { withFilesystem } from './job.ts'
import { found } from './node-set.ts'
import { showRun } from './progress.ts'
import { stopOnSignal } from './stop-on-signal.ts'
import { type Common, type Deps, JSON_OPTION, type Verb } from './verb.ts'

interface Options extends Common {
	name: string
	lost: boolean
	yes: boolean
	json: boolean
}

export const nodeRemove: Verb<Options> = (deps) => ({
	command: 'remove <name>',
	describe: 'forget a node that holds nothing any more, or will not come back',
	builder: (yargs) =>
		yargs
			.positional('name', { type: 'string', demandOption: true })
			.option('lost', { type: 'boolean', default: false, describe: 'it will not come back: its copies are made elsewhere' })
			.option('yes', { type: 'boolean', default: false, describe: 'also where files had their only copy on it' })
			.option('json', JSON_OPTION),
	handler: (options) => (options.lost ? runLost(options, deps) : run(options, deps)),
})

/** Beside the interval at which others look into the journal: so long they may be about a new file they have a place for. */
const HEARD_MS = 1_000

export async function run({ name, ...options }: Options, deps: Deps): Promise<void> {
	await withCatalogue(options, deps, async (driver, config) => {
		const former = await takeNoMore(driver, name)
		const heardMs = HEARD_MS + config.mount.pollMs
		if ((await isYoung(driver, name, heardMs)) && (await isOpenElsewhere(driver))) await pause(heardMs)
		if (await removeUnused(driver, name, former)) return
		throw new UserError(`node ${name} still holds files or has changes to carry out: 'cairn drain ${name}' empties it`, EXIT.refused)
	})
	tell(name, options, deps)
}

/** Others put new files on a node until they hear that it takes none: on one that was removed nobody would find them. The state it had. */
async function takeNoMore(driver: Driver, name: string): Promise<NodeState> {
	return await driver.transaction(function* (tx) {
		const row = found(name, yield* wait(nodes.findByName(tx, name)))
		if (row.state === 'rw' && !(yield* wait(nodes.inUse(tx, row.id)))) nodes.update(tx, row.id, { ...row, state: 'nc' }, driver.capabilities)
		return row.state
	})
}

/** Whether its state may not have been heard of. */
async function isYoung(driver: Driver, name: string, heardMs: number): Promise<boolean> {
	const row = await nodes.stateAge(driver, name, driver.capabilities)
	return row !== undefined && row.age * 1_000 <= heardMs
}

async function isOpenElsewhere(driver: Driver): Promise<boolean> {
	return (await clients.list(driver, driver.capabilities)).some(isAlive)
}

/** False, and the node is what it was, where something is there. */
async function removeUnused(driver: Driver, name: string, former: NodeState): Promise<boolean> {
	return await driver.transaction(function* (tx) {
		const row = found(name, yield* wait(nodes.findByName(tx, name)))
		const isUsed = yield* wait(nodes.inUse(tx, row.id))
		if (!isUsed) yield* nodes.remove(tx, row.id, driver.capabilities)
		else if (row.state !== former) nodes.update(tx, row.id, { ...row, state: former }, driver.capabilities)
		return !isUsed
	})
}

const SHOWN_MAX = 20

export async function runLost(options: Options, deps: Deps): Promise<void> {
	await withFilesystem(options, deps, async (fs) => {
		const node = found(options.name, await nodes.findByName(fs.catalogue, options.name))
		if (fs.nodes.get(node.id)?.health.up) {
			throw new UserError(`node ${node.name} is there, at ${node.path}: 'cairn drain ${node.name}' empties it`, EXIT.refused)
		}
		if (!options.yes) await refuseLosses(fs, node, deps)
		await markDead(fs, node)
		const stop = stopOnSignal()
		const view = showRun(`remove ${node.name}`, { json: options.json, quiet: false }, deps)
		const removal = startRun(stop.signal, view.watcher)
		const isWhole = await giveUpCopies(fs, removal, node.id)
		stop.end()
		view.end(removal.summary())
		if (!isWhole || removal.summary().troubles > 0) process.exitCode = EXIT.left
		if (!isWhole) return deps.warn(`node ${node.name}: stopped; the same command goes on`)
		await forgetIntents(fs, node.id)
		await transact(fs, function* (tx) {
			yield* nodes.remove(tx, node.id, fs.capabilities)
		})
		tell(node.name, options, deps)
	})
}

async function refuseLosses(fs: Filesystem, node: NodeRow, deps: Deps): Promise<void> {
	const { many, paths } = await onlyThere(fs, node.id, SHOWN_MAX)
	if (many === 0) return
	for (const path of paths) deps.warn(`${path}: its only copy is on node ${node.name}`)
	const files = many === 1 ? '1 file has its' : `${many} files have their`
	throw new UserError(`${files} only copy on node ${node.name}: --yes gives up the content; the names stay until they are removed`, EXIT.refused)
}

/** From now on nobody places or looks for anything there. */
async function markDead(fs: Filesystem, node: NodeRow): Promise<void> {
	await transact(fs, function* (tx) {
		nodes.update(tx, node.id, { ...node, state: 'dead' }, fs.capabilities)
	})
}

function tell(name: string, { json }: Pick<Options, 'json'>, deps: Deps): void {
	if (!json) deps.print(`node ${name}: removed from the catalogue, its directory is as it was`)
}
