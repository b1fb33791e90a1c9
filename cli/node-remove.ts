/** `cairn node remove NAME`: forgets a node that holds nothing any more, or with `--lost` one that will not come back. Its directory is left as it is. */
import type { Capabilities, Driver, Transaction } from '../core/catalogue/driver.ts'
import * as nodes from '../core/catalogue/nodes.ts'
import * as uploads from '../core/catalogue/uploads.ts'
import { UserError } from '../core/errors.ts'
import { type Filesystem, transact } from '../core/filesystem/filesystem.ts'
import type { NodeRow } from '../core/nodes/node.ts'
import { type Op, run as drive, wait } from '../core/op.ts'
import { showPath } from '../core/text.ts'
import { forgetIntents, giveUpCopies, onlyThere } from '../replicator/level/lost.ts'
import { startRun } from '../replicator/run.ts'
import { withCatalogue } from './catalogue.ts'
import { EXIT } from './exit-codes.ts'
import { withFilesystem } from './job.ts'
import { nodeNamed, refuseReplaced } from './no-such.ts'
import { showRun } from './progress.ts'
import { stopOnSignal } from './stop-on-signal.ts'
import { showAge } from './table.ts'
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

export async function run({ name, ...options }: Options, deps: Deps): Promise<void> {
	await withCatalogue(options, deps, (driver) => removeNode(driver, name))
	tell(name, options, deps)
}

/** One on which there is nothing, and to which nobody brings anything meanwhile. */
export async function removeNode(driver: Driver, name: string): Promise<void> {
	await driver.transaction(function* (tx) {
		yield* nodes.keepOthersOff(tx, driver.capabilities)
		const { id, state } = yield* nodeNamed(tx, name)
		if (yield* wait(nodes.inUse(tx, id))) {
			const how = state === 'dead' ? `it is dead, and 'cairn node remove ${name} --lost' gives that up` : `'cairn drain ${name}' empties it`
			throw new UserError(`node ${name} still holds files or has changes to carry out: ${how}`, EXIT.refused)
		}
		yield* refuseUploads(tx, { id, name }, driver.capabilities)
		yield* nodes.remove(tx, id, driver.capabilities)
	})
}

/** Whoever began them may go on with them. */
function* refuseUploads(tx: Transaction, { id, name }: Pick<NodeRow, 'id' | 'name'>, capabilities: Capabilities): Op<void> {
	const kept = yield* wait(uploads.keptOn(tx, id, capabilities))
	if (!kept?.many) return
	const many = kept.many === 1 ? '1 unfinished upload' : `${kept.many} unfinished uploads`
	throw new UserError(`node ${name} has ${many}: try again when they are finished or over, in ${showAge(Math.max(0, kept.seconds ?? 0))} at most`, EXIT.refused)
}

const SHOWN_MAX = 20

async function runLost(options: Options, deps: Deps): Promise<void> {
	await withFilesystem(options, deps, async (fs) => {
		const node = await drive(nodeNamed(fs.catalogue, options.name))
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
			yield* nodes.keepOthersOff(tx, fs.capabilities)
			yield* refuseReplaced(tx, node)
			yield* nodes.remove(tx, node.id, fs.capabilities)
		})
		tell(node.name, options, deps)
	})
}

async function refuseLosses(fs: Filesystem, node: NodeRow, deps: Deps): Promise<void> {
	const { many, paths } = await onlyThere(fs, node.id, SHOWN_MAX)
	if (many === 0) return
	for (const path of paths) deps.warn(`${showPath(path)}: its only copy is on node ${node.name}`)
	const files = many === 1 ? '1 file has its' : `${many} files have their`
	throw new UserError(`${files} only copy on node ${node.name}: --yes gives up the content; the names stay until they are removed`, EXIT.refused)
}

/** From now on nobody places or looks for anything there. */
async function markDead(fs: Filesystem, node: NodeRow): Promise<void> {
	await transact(
		fs,
		function* (tx) {
			yield* nodes.keepOthersOff(tx, fs.capabilities)
			yield* refuseReplaced(tx, node)
			nodes.update(tx, node.id, { ...node, state: 'dead' }, fs.capabilities)
		},
		{ hold: 'nothing' },
	)
}

function tell(name: string, { json }: Pick<Options, 'json'>, deps: Deps): void {
	if (!json) deps.print(`node ${name}: removed from the catalogue, its directory is as it was`)
}
