/** `cairn verify`: reading copies and comparing them with what the catalogue knows; bad ones are replaced. */
import { UserError } from '../core/errors.ts'
import { replicate } from '../replicator/replicate/replicate.ts'
import { topOf } from '../replicator/verify/below.ts'
import { verify as verifyJob } from '../replicator/verify/verify.ts'
import { EXIT } from './exit-codes.ts'
import { runJobs, withFilesystem } from './job.ts'
import { type JobOptions, jobOptions } from './job-options.ts'
import { parseSize } from './sizes.ts'
import { TREE_PATH, treePath } from './tree-path.ts'
import type { Deps, Verb } from './verb.ts'
import { runStatus } from './verify-status.ts'

interface Options extends JobOptions {
	all: boolean
	path?: string
	limit?: number
	'max-bytes'?: string
	'believe-bad': boolean
	status: boolean
}

export const verify: Verb<Options> = (deps) => ({
	command: 'verify',
	describe: 'read copies and compare them, oldest proof first; replace bad ones',
	builder: (yargs) =>
		jobOptions(yargs)
			.option('all', { type: 'boolean', default: false, describe: 'every copy, not only those whose proof is old or no longer holds' })
			.option('path', { alias: 'p', type: 'string', requiresArg: true, describe: `every copy of what is at this path, or below: ${TREE_PATH}` })
			.option('limit', { type: 'number', requiresArg: true, describe: 'read so many files at most, on each node' })
			.option('max-bytes', { type: 'string', requiresArg: true, describe: 'read so much at most, on each node: 500G' })
			.option('believe-bad', { type: 'boolean', default: false, describe: 'go on though very many are bad' })
			.option('status', { type: 'boolean', default: false, describe: 'how old the proofs are, what was read by day, and end' }),
	handler: (options) => (options.status ? runStatus(options, deps) : run(options, deps)),
})

export async function run(options: Options, deps: Deps): Promise<void> {
	const wanted = new Set<number>()
	const { all, path, limit, 'max-bytes': bytes, 'believe-bad': believeBad } = options
	if (limit !== undefined && !(Number.isInteger(limit) && limit >= 1)) throw new UserError('--limit: a whole number of files, 1 or more', EXIT.usage)
	const bytesMax = bytes === undefined ? undefined : parseSize(bytes, '--max-bytes')
	const isWatched = limit === undefined && bytes === undefined
	await runJobs(options, deps, async (fs) => {
		const below = path === undefined ? undefined : await treePath(path, fs.config, deps)
		// Before a run begins: what is mistyped is no run that failed.
		if (below !== undefined) await topOf(fs, below)
		return verifyJob({ all, path: below, filesMax: limit, bytesMax, believeBad, isWatched, onWanted: (node) => wanted.add(node) })
	})
	if (wanted.size > 0) await heal(wanted, options, deps)
}

/** The copies that are wanted anew are made at once, where the good ones can be reached. */
async function heal(wanted: ReadonlySet<number>, options: Options, deps: Deps): Promise<void> {
	const names = await withFilesystem(options, deps, async (fs) => [...fs.nodes.values()].filter((node) => wanted.has(node.id)).map((node) => node.name))
	for (const node of names) await runJobs({ ...options, node }, deps, replicate())
}
