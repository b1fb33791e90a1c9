/** `cairn node replace NAME [PATH]`: the node's directory was lost. It gets a new one, and all its copies are to be made again. */
import { randomUUID } from 'node:crypto'
import { readdirSync } from 'node:fs'
import * as clients from '../core/catalogue/clients.ts'
import type { Reader } from '../core/catalogue/driver.ts'
import * as jobs from '../core/catalogue/jobs.ts'
import * as losses from '../core/catalogue/losses.ts'
import * as nodes from '../core/catalogue/nodes.ts'
import { UserError } from '../core/errors.ts'
import { isAlive } from '../core/filesystem/clients.ts'
import { type Filesystem, transact } from '../core/filesystem/filesystem.ts'
import { readIdentity, writeIdentity } from '../core/nodes/identity.ts'
import type { NodeRow } from '../core/nodes/node.ts'
import { run as drive } from '../core/op.ts'
import { forgetIntents, loseCopies } from '../replicator/level/lost.ts'
import { startRun, type Summary } from '../replicator/run.ts'
import { EXIT } from './exit-codes.ts'
import { withFilesystem } from './job.ts'
import { checkDirectory, directoryNamed, refuseClash, refuseInside } from './node-add.ts'
import { nodeNamed, refuseReplaced } from './no-such.ts'
import { showRun } from './progress.ts'
import { stopOnSignal } from './stop-on-signal.ts'
import { refuseInTree } from './tree-path.ts'
import { type Common, type Deps, JSON_OPTION, type Verb } from './verb.ts'

interface Options extends Common {
	name: string
	path?: string
	adopt: boolean
	json: boolean
}

export const nodeReplace: Verb<Options> = (deps) => ({
	command: 'replace <name> [path]',
	describe: 'give a node a new directory: its own was lost, and its copies are made again',
	builder: (yargs) =>
		yargs
			.positional('name', { type: 'string', demandOption: true })
			.positional('path', { type: 'string', describe: 'the new directory; without it, a new one stands where the old one was' })
			.option('adopt', {
				type: 'boolean',
				default: false,
				describe: 'the directory has files already, from a backup: walk it afterwards',
			})
			.option('json', JSON_OPTION),
	handler: (options) => run(options, deps),
})

export async function run(options: Options, deps: Deps): Promise<void> {
	await withFilesystem(options, deps, async (fs) => {
		const node = await drive(nodeNamed(fs.catalogue, options.name))
		const path = await checkReplacement(fs, node, options, deps)
		const stop = stopOnSignal()
		const view = showRun(`replace ${node.name}`, { json: options.json, quiet: false }, deps)
		const replacement = startRun(stop.signal, view.watcher)
		const isWhole = await loseCopies(fs, replacement, node.id)
		if (isWhole) await takeOver(fs, node, { path, adopt: options.adopt })
		stop.end()
		view.end(replacement.summary())
		end(node, { path, isWhole, summary: replacement.summary() }, options, deps)
	})
}

async function checkReplacement(fs: Filesystem, node: NodeRow, { path: given, adopt }: Options, deps: Deps): Promise<string> {
	const before = fs.config.nodes[node.name]?.path ?? node.path
	if (fs.nodes.get(node.id)?.health.up) {
		throw new UserError(
			`node ${node.name} is there, at ${before}: 'cairn node set ${node.name} --path' moves it, 'cairn drain ${node.name}' empties it`,
			EXIT.refused,
		)
	}
	const path = given === undefined ? checkDirectory(before) : directoryNamed(given, deps)
	await refuseInTree(path, fs.config)
	refuseInside(path)
	for (const other of await nodes.list(fs.catalogue)) if (other.id !== node.id) refuseClash(other, node.name, path)
	const identity = readIdentity(path)
	// Its own, not in service: the last run of this verb may have ended before it was said.
	if (identity && identity.uuid !== node.uuid)
		throw new UserError(`${path} is the node '${identity.name}' (${path}/.cairn/node.json says so)`, EXIT.identity)
	if (!adopt && readdirSync(path).some((name) => name !== '.cairn' && name !== 'lost+found')) {
		throw new UserError(`${path} is not empty: --adopt if these are the node's files, from a backup`, EXIT.notEmpty)
	}
	await refuseWriters(fs, node)
	return path
}

/** A file that is being written there lives in the descriptor of its writer only. */
async function refuseWriters(fs: Filesystem, node: NodeRow): Promise<void> {
	const alive = (await clients.list(fs.catalogue as Reader, fs.capabilities)).filter(isAlive).map(({ id }) => id)
	const writing = (await losses.writersOn(fs.catalogue, node.id)).filter(({ client_id }) => alive.includes(client_id))
	const files = writing.reduce((sum, row) => sum + Number(row.files), 0)
	if (files > 0)
		throw new UserError(
			`${files} files are open for writing on node ${node.name}: close them, or end the mounts that have them`,
			EXIT.refused,
		)
}

/** The rows are changed by now: whoever finds the node in service finds that it has nothing. */
async function takeOver(fs: Filesystem, node: NodeRow, { path, adopt }: { path: string; adopt: boolean }): Promise<void> {
	const uuid = readIdentity(path)?.uuid ?? randomUUID()
	await transact(fs, function* (tx) {
		yield* nodes.keepOthersOff(tx, fs.capabilities)
		yield* refuseReplaced(tx, node)
		const state = node.state === 'dead' || node.state === 'down' ? 'rw' : node.state
		nodes.update(tx, node.id, { ...node, path, state }, fs.capabilities)
		nodes.giveTree(tx, node.id, { uuid, path }, fs.capabilities)
		// One that was cut off went through the old tree.
		jobs.setPosition(tx, jobs.jobName('walk', node.id), null)
	})
	// Not before the old tree is refused: should it turn up, what was removed would come back. In a backup there may be such files too.
	if (!adopt) await forgetIntents(fs, node.id)
	writeIdentity(path, { uuid, name: node.name })
}

function end(
	node: NodeRow,
	{ path, isWhole, summary }: { path: string; isWhole: boolean; summary: Summary },
	{ adopt, json }: Options,
	deps: Deps,
): void {
	if (!isWhole || summary.troubles > 0) process.exitCode = EXIT.left
	if (json) return
	if (!isWhole) return deps.warn(`node ${node.name}: stopped; the same command goes on`)
	const next = adopt
		? `'cairn walk --node ${node.name}' finds what is there`
		: `'cairn replicate --node ${node.name}' makes its copies again`
	deps.print(`node ${node.name}: ${path}; ${next}`)
}
