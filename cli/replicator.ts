/** `cairn replicator`: looks after nodes until it is told to end. */
import { refreshClasses, refreshNodes } from '../core/filesystem/nodes.ts'
import type { Filesystem } from '../core/filesystem/filesystem.ts'
import type { NodeId } from '../core/ids.ts'
import { offer } from '../core/live/offer.ts'
import { familiesOf } from '../core/metrics/process-families.ts'
import type { Node } from '../core/nodes/node.ts'
import { run as drive } from '../core/op.ts'
import { createRepeats } from '../replicator/service/repeats.ts'
import { type Daemon, startService } from '../replicator/service/service.ts'
import { loadFor } from './catalogue.ts'
import { withFilesystem } from './job.ts'
import { checkKnown } from './no-such.ts'
import { showService } from './replicator-lines.ts'
import { runStatus } from './replicator-status.ts'
import { checkSchedule } from './schedule.ts'
import { type Common, type Deps, JSON_OPTION, type Verb } from './verb.ts'

interface Options extends Common {
	node: string[]
	status: boolean
	json: boolean
}

export const replicator: Verb<Options> = (deps) => ({
	command: 'replicator',
	describe: 'make copies, verify, tidy: look after nodes until told to end',
	builder: (yargs) =>
		yargs
			.option('node', {
				type: 'string', array: true, nargs: 1, default: [],
				describe: 'look after this node; may be said again; without it, after every node that is a disk of this machine',
			})
			.option('status', { type: 'boolean', default: false, describe: 'say what ran last and what is due next, and end' })
			.option('action', { alias: 'a', type: 'string', requiresArg: true, describe: 'do this once and end: -a walk is cairn walk' })
			.option('json', JSON_OPTION),
	handler: (options) => (options.status ? runStatus(options, deps) : run(options, deps)),
})

export async function run(options: Options, deps: Deps): Promise<void> {
	const stop = new AbortController()
	const end = () => stop.abort()
	const lines = showService(options.json, deps)
	const repeats = createRepeats()
	const report = (line: string) => repeats.isNews(line) && lines.note(line)
	process.on('SIGTERM', end).on('SIGINT', end).on('disconnect', end)
	try {
		await withFilesystem(options, { ...deps, warn: report }, async (fs) => {
			checkSchedule(fs.config)
			checkNames(fs, options.node)
			const isOurs = options.node.length > 0 ? (node: Node) => options.node.includes(node.name) : createIsDiskHere()
			const silent = offer({ catalogue: fs.config.catalogue, what: fs.what, metrics: () => familiesOf(fs), report: lines.note })
			const daemon = startService({ fs, isOurs, signal: stop.signal, show: lines.show, report: lines.note, ready: lines.ready })
			const reload = () => void applyAgain(fs, daemon, options, deps).catch((error: Error) => lines.note(`the configuration was not read again: ${error.message}`))
			process.on('SIGHUP', reload)
			await daemon.ended
			silent()
			process.off('SIGHUP', reload)
		})
	} finally {
		process.off('SIGTERM', end).off('SIGINT', end).off('disconnect', end)
	}
}

/**
 * A disk of this machine has been seen here. One that is not there may be another machine's: whoever took it would keep away those who have it.
 */
function createIsDiskHere(): (node: Node) => boolean {
	const seen = new Set<NodeId>()
	return ({ id, remote, health }) => {
		if (health.up) seen.add(id)
		return !remote && seen.has(id)
	}
}

function checkNames(fs: Filesystem, names: readonly string[]): void {
	for (const name of names) checkKnown('node', name, [...fs.nodes.values()])
}

/** A wrong configuration changes nothing. */
async function applyAgain(fs: Filesystem, daemon: Daemon, options: Options, deps: Deps): Promise<void> {
	const config = await loadFor(options, deps)
	checkSchedule(config)
	Object.assign(fs.config, config)
	await drive(refreshNodes(fs))
	await drive(refreshClasses(fs))
	daemon.reschedule()
}
