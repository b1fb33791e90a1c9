/** `cairn reindex`: makes a lost catalogue anew from what the nodes hold and know. */
import { dirname, resolve } from 'node:path'
import type { Argv } from 'yargs'
import { endMarked } from '../core/catalogue/dump/fill.ts'
import { makeTree } from '../core/catalogue/initialise.ts'
import { openCatalogue } from '../core/catalogue/open.ts'
import { now } from '../core/clock.ts'
import type { Config } from '../core/config/types.ts'
import { UserError } from '../core/errors.ts'
import type { Filesystem } from '../core/filesystem/filesystem.ts'
import type { Node } from '../core/nodes/node.ts'
import { inService } from '../core/nodes/service.ts'
import { fill } from '../replicator/reindex/fill.ts'
import { takeNewer } from '../replicator/reindex/newer.ts'
import type { Range } from '../replicator/reindex/ranges.ts'
import { type Plan, planOf } from '../replicator/reindex/sources.ts'
import { type Survey, survey } from '../replicator/reindex/survey.ts'
import { type Job, runJob } from '../replicator/replicator.ts'
import { walk } from '../replicator/walk/walk.ts'
import { loadFor, shownAddress } from './catalogue.ts'
import { EXIT } from './exit-codes.ts'
import { withFilesystem } from './job.ts'
import { openForJob } from './job-catalogue.ts'
import { lockFilling, makeRoom } from './load.ts'
import { showRun } from './progress.ts'
import { stopOnSignal } from './stop-on-signal.ts'
import { type Common, type Deps, JSON_OPTION, type Verb } from './verb.ts'

const CUT_OFF = '. Where they are from a reindex that was cut off while it looked at the nodes: `cairn walk` does the rest'

interface Options extends Common {
	from: string[]
	node: string[]
	replace: boolean
	dryRun: boolean
	json: boolean
	quiet: boolean
}

export const reindex: Verb<Options> = (deps) => ({
	command: 'reindex',
	describe: 'make a lost catalogue anew from the nodes',
	builder: (yargs) => withOptions(yargs) as unknown as Argv<Options>,
	handler: (options) => run(options, deps),
})

function withOptions(yargs: Argv<Common>) {
	return yargs
		.option('node', { type: 'string', array: true, requiresArg: true, default: [], describe: 'NAME=PATH: the directory of a node that neither the configuration nor the others name' })
		.option('from', { type: 'string', array: true, requiresArg: true, default: [], describe: 'believe the manifests and dumps of these nodes only' })
		.option('replace', { type: 'boolean', default: false, describe: 'in place of what the catalogue has, of which a dump is made first' })
		.option('dry-run', { type: 'boolean', default: false, describe: 'say what there is to make it from, and change nothing' })
		.option('json', JSON_OPTION)
		.option('quiet', { alias: 'q', type: 'boolean', default: false, describe: 'say only what went wrong' })
}

export async function run(options: Options, deps: Deps): Promise<void> {
	const config = await loadFor(options, deps)
	const found = await survey({ directories: directoriesOf(config, options.node, deps), from: options.from, note: deps.warn })
	if (found.nodes.length === 0) throw new UserError('reindex: no directory of a node was found; --node NAME=PATH names one', EXIT.refused)
	const plan = await planOf(found, deps.warn)
	if (!options.quiet) tell(found, plan, options, deps)
	if (options.dryRun) return
	const lock = await lockFilling(config, deps)
	try {
		await fillCatalogue(config, { found, plan, replace: options.replace, deps })
		if (!options.quiet && !options.json) deps.print(`catalogue ${shownAddress(config.catalogue)}: filled; now the nodes are looked at`)
		await lookAtNodes(found, knownAt(found, plan), options, deps)
	} finally {
		await lock.release()
	}
}

function directoriesOf(config: Config, named: readonly string[], deps: Deps): { path: string; name?: string }[] {
	const configured = Object.entries(config.nodes).flatMap(([name, { path }]) => (path ? [{ name, path: resolve(deps.directory, path) }] : []))
	return [...named.map((text) => parseNode(text, deps)), ...configured]
}

function parseNode(text: string, deps: Deps): { path: string; name: string } {
	const at = text.indexOf('=')
	if (at < 1) throw new UserError(`--node ${text}: found no '=', allowed: NAME=PATH`, EXIT.usage)
	return { name: text.slice(0, at), path: resolve(deps.directory, text.slice(at + 1)) }
}

/** Unix seconds; without any source everything is new. */
function knownAt({ dump }: Survey, { parts }: Plan): number {
	const best = parts[parts.length - 1]?.source
	if (!best) return 0
	return Date.parse('found' in best ? best.found.state.date : (dump?.header.date ?? '')) / 1000
}

function tell({ nodes }: Survey, { parts, later, lost }: Plan, { json }: Options, { print, warn }: Deps): void {
	const sources = parts.toReversed().map(({ source, ranges }) => ({ source: source.title, epoch: source.point.epoch, seq: source.point.seq, ranges }))
	if (json) return print(JSON.stringify({ event: 'plan', nodes, sources, later: later.map(({ path }) => path), lost }))
	print(`nodes: ${nodes.map(({ name, path }) => `${name} (${path})`).join(', ')}`)
	if (sources.length === 0) print('no manifest and no dump: names, owners and times are taken from the files themselves')
	for (const { source, seq, ranges } of sources) print(`${source}: up to change ${seq}${isWhole(ranges) ? '' : `, for ${ranges.length} ranges of ids`}`)
	if (parts.length !== 1 || 'found' in parts[0].source) print('tokens and sites are not made anew: cairn token add; cairn site add, and its agent with the new key says -a walk')
	if (lost.length > 0) warn(`${lost.length} ranges of ids are in no source any more: files in them are adopted from the nodes as new`)
}

function isWhole(ranges: readonly Range[]): boolean {
	return ranges.length === 1 && ranges[0].after === 0
}

interface Filling {
	found: Survey
	plan: Plan
	replace: boolean
	deps: Deps
}

async function fillCatalogue(config: Config, { found, plan, replace, deps }: Filling): Promise<void> {
	const driver = await openCatalogue(config, { create: true })
	try {
		await makeRoom(driver, { replace, directory: besideCatalogue(config, deps), deps, after: CUT_OFF })
		await fill(driver, found, plan, deps.warn)
		// Where no source has a root directory.
		await makeTree(driver, { owner: { uid: deps.uid, gid: deps.gid }, classes: config.classes, now: now() })
	} finally {
		await driver.close()
	}
}

/** Where what it had is kept. */
function besideCatalogue({ catalogue }: Config, { directory }: Deps): string {
	return /^(mysql|mariadb):/.test(catalogue) ? directory : dirname(resolve(directory, catalogue.replace(/^sqlite:/, '')))
}

/**
 * What was written since, then everything else that the nodes know better. Others are let in in between: before, they would take what was written last
 * for copies that are not what they should be.
 */
async function lookAtNodes({ nodes }: Survey, known: number, options: Options, deps: Deps): Promise<void> {
	const opened = await openForJob(await loadFor(options, deps))
	await withFilesystem(options, deps, async (fs) => {
		const stop = stopOnSignal()
		const here = [...fs.nodes.values()].filter((node) => nodes.some(({ uuid }) => uuid === node.row.uuid))
		try {
			const usable = here.filter((node) => isUsable(node, deps))
			if (usable.length > 0) await runOne(fs, usable[0], takeNewer(known), { options, deps, signal: stop.signal, title: 'reindex' })
			if (stop.signal.aborted) {
				process.exitCode = EXIT.left
				return
			}
			await endMarked(fs.catalogue)
			for (const node of usable) await runOne(fs, node, walk(), { options, deps, signal: stop.signal, title: `walk ${node.name}` })
		} finally {
			stop.end()
		}
	}, { ...opened, isBeingFilled: true })
}

function isUsable(node: Node, { warn }: Deps): boolean {
	if (inService(node)) return true
	warn(`node ${node.name} is not looked at: ${node.health.reason || `it is ${node.row.state}`}`)
	process.exitCode = EXIT.left
	return false
}

interface Circumstances {
	options: Options
	deps: Deps
	signal: AbortSignal
	title: string
}

async function runOne(fs: Filesystem, node: Node, job: Job, { options, deps, signal, title }: Circumstances): Promise<void> {
	if (signal.aborted) {
		process.exitCode = EXIT.left
		return
	}
	const view = showRun(title, options, deps)
	const { summary, holder } = await runJob(fs, node, job, { signal, watcher: view.watcher })
	if (!summary) return view.elsewhere(holder)
	view.end(summary)
	if (summary.troubles > 0 || summary.stopped) process.exitCode = EXIT.left
}
