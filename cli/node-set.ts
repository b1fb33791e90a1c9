/** `cairn node set NAME`: changes how a node is used. */
import { statSync } from 'node:fs'
import type { Driver } from '../core/catalogue/driver.ts'
import * as nodes from '../core/catalogue/nodes.ts'
import { UserError } from '../core/errors.ts'
import { readIdentity } from '../core/nodes/identity.ts'
import type { NodeRow } from '../core/nodes/node.ts'
import { run as drive, wait } from '../core/op.ts'
import { passAgain } from '../replicator/level/activity.ts'
import { withCatalogue } from './catalogue.ts'
import { EXIT } from './exit-codes.ts'
import { inUseBy } from './in-use.ts'
import { nodeNamed } from './no-such.ts'
import { directoryNamed, refuseClash } from './node-add.ts'
import { probeNode } from './node-probe.ts'
import { type NodeOptions, nodeOptions, withOptions } from './node-settings.ts'
import { refuseInTree } from './tree-path.ts'
import type { Deps, Verb } from './verb.ts'

interface Options extends NodeOptions {
	name: string
	path?: string
}

export const nodeSet: Verb<Options> = (deps) => ({
	command: 'set <name>',
	describe: 'change how a node is used',
	builder: (yargs) =>
		nodeOptions(yargs)
			.positional('name', { type: 'string', demandOption: true })
			.option('path', { type: 'string', requiresArg: true, describe: 'its directory, where it has moved to' }),
	handler: (options) => run(options, deps),
})

export async function run(options: Options, deps: Deps): Promise<void> {
	const { name, path } = options
	const { zone, reserve, weight, io, state } = options
	if ([path, zone, reserve, weight, io, state].every((value) => value === undefined)) {
		throw new UserError('node set: what? One of --path --zone --reserve --weight --io --state', EXIT.usage)
	}
	await withCatalogue(options, deps, async (driver, config) => {
		const moved = path === undefined ? undefined : directoryNamed(path, deps)
		if (moved !== undefined) {
			await refuseInTree(moved, config)
			await refuseCopyInUse(driver, await drive(nodeNamed(driver, name)), moved)
		}
		await driver.transaction(function* (tx) {
			if (state === 'dead') yield* nodes.keepOthersOff(tx, driver.capabilities)
			const row = yield* nodeNamed(tx, name)
			const settings = withOptions(row, options)
			checkDead(row, settings.state)
			if (moved !== undefined) {
				settings.path = sameNode(row, moved)
				for (const other of yield* wait(nodes.list(tx))) if (other.id !== row.id) refuseClash(other, name, settings.path)
			}
			nodes.update(tx, row.id, settings, driver.capabilities)
			if (row.state === 'drain' && settings.state !== 'drain') yield* passAgain(tx)
		})
	})
	deps.print(`node ${name}: changed`)
}

/** The node's own directory is there still, and somebody may be changing it: what he writes would be in that one only. */
async function refuseCopyInUse(driver: Driver, row: NodeRow, path: string): Promise<void> {
	const isThere = (await probeNode(row, row.path)).up
	if (!isThere || isOneDirectory(row.path, path)) return
	const busy = await inUseBy(driver)
	if (busy) throw new UserError(`${path} is a copy of node ${row.name}, whose own directory ${row.path} is in use by ${busy}: end that, and copy anew what has changed`, EXIT.busy)
}

function isOneDirectory(one: string, other: string): boolean {
	const [a, b] = [statSync(one), statSync(other)]
	return a.dev === b.dev && a.ino === b.ino
}

function sameNode(row: NodeRow, path: string): string {
	const identity = readIdentity(path)
	if (identity?.uuid === row.uuid) return path
	throw new UserError(`${path} is ${identity ? `the node '${identity.name}'` : 'no node'}, not ${row.name}`, EXIT.identity)
}

/** What was removed or renamed since is written down for no node that is dead: its tree would bring it back. */
function checkDead({ name, state }: NodeRow, wanted: string): void {
	if (state === 'dead' && wanted !== state)
		throw new UserError(`node ${name} is dead, and what it has is not the tree any more: give it an empty directory with cairn node replace ${name}`, EXIT.refused)
}
