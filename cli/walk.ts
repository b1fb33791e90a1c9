/** `cairn walk`: make the catalogue agree with what is on a node. */
import { Errno, UserError } from '../core/errors.ts'
import type { Path } from '../core/ids.ts'
import * as nodes from '../core/catalogue/nodes.ts'
import { whereIs } from '../core/nodes/where.ts'
import { scoutEarly } from '../replicator/hashing/early.ts'
import { loadFor } from './catalogue.ts'
import { EXIT } from './exit-codes.ts'
import { type Opened, openForJob } from './job-catalogue.ts'
import { type JobOptions, jobOptions } from './job-options.ts'
import { fromRoot, TREE_PATH } from './tree-path.ts'
import { typedPath } from './typed-name.ts'
import type { Deps, Verb } from './verb.ts'

interface Options extends JobOptions {
	path?: string
	rehash: boolean
	'dry-run': boolean
	'believe-missing': boolean
}

export const walk: Verb<Options> = (deps) => ({
	command: 'walk',
	describe: "adopt what a node has and the tree does not know, and say what is not as it should be",
	builder: (yargs) =>
		jobOptions(yargs)
			.option('path', { alias: 'p', type: 'string', requiresArg: true, describe: `only this part: ${TREE_PATH}` })
			.option('rehash', { type: 'boolean', default: false, describe: 'read every file, not only those whose size or time changed' })
			.option('dry-run', { alias: 'n', type: 'boolean', default: false, describe: 'say what it would do and change nothing' })
			.option('believe-missing', { type: 'boolean', default: false, describe: 'however many known files are gone from the node: they are' }),
	handler: (options) => run(options, deps),
})

export async function run(options: Options, deps: Deps): Promise<void> {
	const { path, rehash, 'dry-run': dryRun, 'believe-missing': believeMissing } = options
	const config = await loadFor(options, deps)
	const part = path === undefined ? undefined : partOf(await fromRoot(path, config, deps))
	const opened = await openForJob(config)
	if (!part && !rehash) await lookAround(opened, options)
	// The catalogue knows where the node is; while the rest is read, a thread can be there.
	const [{ runJobs }, { walk: job }] = await Promise.all([import('./job.ts'), import('../replicator/walk/walk.ts')])
	await runJobs(options, deps, job({ part, rehash, dryRun, believeMissing }), opened)
}

/** At the node that comes first. Whatever is wrong with it or with the catalogue, the walk will say. */
async function lookAround({ config, catalogue }: Opened, { node: name }: Options): Promise<void> {
	try {
		const rows = (await nodes.list(catalogue)).filter(({ state }) => state !== 'dead' && state !== 'down')
		const places = rows.filter((row) => name === undefined || row.name === name).map((row) => ({ ...whereIs(row, config), uuid: row.uuid }))
		const first = places.find(({ remote }) => !remote)
		if (first) scoutEarly({ root: first.root, uuid: first.uuid })
	} catch (error) {
		if (!(error instanceof Errno)) throw error
	}
}

/** A path in the tree as people write it: with or without a slash before and behind. */
export function partOf(text: string): Path | undefined {
	const names = text.split('/').filter((name) => name !== '' && name !== '.')
	if (names.includes('..') || text.includes('\0')) throw new UserError(`${text}: not a path in the tree`, EXIT.usage)
	if (names[0] === '.cairn') throw new UserError(`${text}: .cairn is no part of the tree`, EXIT.usage)
	return names.length === 0 ? undefined : typedPath(names)
}
