/** What the verbs that do a replicator's work have in common: for which nodes, shown how, ended by what. */
import { checkSchema } from '../core/catalogue/migrate.ts'
import { isPromise, run as drive } from '../core/op.ts'
import { CatalogueError, Errno } from '../core/errors.ts'
import type { Filesystem } from '../core/filesystem/filesystem.ts'
import { keepAlive, startFilesystem, stopFilesystem } from '../core/filesystem/start.ts'
import type { Node } from '../core/nodes/node.ts'
import { inService } from '../core/nodes/service.ts'
import { type Job, runJob } from '../replicator/replicator.ts'
import { loadFor } from './catalogue.ts'
import { EXIT } from './exit-codes.ts'
import { type Opened, openForJob } from './job-catalogue.ts'
import type { JobOptions } from './job-options.ts'
import { noSuch } from './no-such.ts'
import { showRun } from './progress.ts'
import { stopOnSignal } from './stop-on-signal.ts'
import type { Common, Deps } from './verb.ts'

/** Runs the job for each node in turn; what belongs to no node, once. One that has to look at the tree first is made with it. */
export async function runJobs(options: JobOptions, deps: Deps, made: Job | ((fs: Filesystem) => Promise<Job>), opened?: Opened): Promise<void> {
	await withFilesystem(options, deps, async (fs) => {
		const job = typeof made === 'function' ? await made(fs) : made
		const stop = stopOnSignal()
		try {
			const chosen = await chosenNodes(fs, options.node)
			if (chosen.length === 0 && fs.nodes.size > 0) {
				deps.warn(noDiskHere(fs))
				process.exitCode = EXIT.left
			}
			for (const node of job.ofTree ? oneInService(chosen) : chosen) {
				if (stop.signal.aborted) {
					process.exitCode = EXIT.left
					return
				}
				await runOn(fs, node, job, { options, deps, signal: stop.signal })
			}
		} finally {
			stop.end()
		}
	}, opened)
}

/** Where there is none, the first: it says why it cannot be used. */
function oneInService(nodes: Node[]): Node[] {
	return nodes.toSorted((a, b) => Number(inService(b)) - Number(inService(a))).slice(0, 1)
}

interface Circumstances {
	options: JobOptions
	deps: Deps
	signal: AbortSignal
}

async function runOn(fs: Filesystem, node: Node, job: Job, { options, deps, signal }: Circumstances): Promise<void> {
	const view = showRun(`${job.what} ${node.name}`, options, deps)
	const leave = (why: string) => {
		view.watcher.trouble?.(node.name, why)
		view.end(undefined)
		process.exitCode = EXIT.left
	}
	if (!inService(node)) return leave(node.health.reason || `the node is ${node.row.state}`)
	const outcome = await runJob(fs, node, job, { signal, watcher: view.watcher }).catch((error: Error) => {
		if (isOfNode(error)) return leave(`the run ended early: ${error.message}`)
		view.end(undefined)
		throw error
	})
	if (!outcome) return
	const { summary, holder } = outcome
	if (!summary) return view.elsewhere(holder)
	view.end(summary)
	if (summary.troubles > 0 || summary.stopped) process.exitCode = EXIT.left
}

/** It did not let itself be worked on: the next node may. */
function isOfNode(error: Error): boolean {
	return error instanceof Errno && !(error instanceof CatalogueError)
}

/** A filesystem without a mount, for the length of one verb. The catalogue is closed with it. */
export async function withFilesystem<T>(options: Common, deps: Deps, body: (fs: Filesystem) => Promise<T>, opened?: Opened): Promise<T> {
	const { config, catalogue, isBeingFilled } = opened ?? (await openForJob(await loadFor(options, deps)))
	try {
		if (!isBeingFilled) await checkSchema(catalogue)
		const fs = await drive(startFilesystem({ config, catalogue, what: ownName(), report: deps.warn }))
		const rest = keepAlive(fs)
		try {
			await Promise.all([...fs.nodes.values()].map((node) => node.ready))
			return await body(fs)
		} finally {
			rest()
			await stopFilesystem(fs)
		}
	} finally {
		const closed = catalogue.close()
		if (isPromise(closed)) await closed
	}
}

/** As `cairn status` shows it: the verb, and what it was told first. */
function ownName(): string {
	const [verb = 'cairn', next] = process.argv.slice(2)
	return next === undefined || next.startsWith('-') ? verb : `${verb} ${next}`
}

export function noDiskHere({ nodes }: Filesystem): string {
	return `no node is a disk of this machine; others are named with --node (${[...nodes.values()].map(({ name }) => name).join(', ')})`
}

async function chosenNodes(fs: Filesystem, name: string | undefined): Promise<Node[]> {
	const nodes = [...fs.nodes.values()]
	if (name === undefined) return nodes.filter((node) => !node.remote)
	const node = nodes.find((each) => each.name === name)
	if (node) return [node]
	throw noSuch('node', name, nodes)
}
