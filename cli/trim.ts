/** `cairn trim`: removing copies that are more than their class asks for. */
import { trim as trimJob } from '../replicator/trim/trim.ts'
import { runJobs } from './job.ts'
import { type JobOptions, jobOptions } from './job-options.ts'
import type { Verb } from './verb.ts'

interface Options extends JobOptions {
	'dry-run': boolean
}

export const trim: Verb<Options> = (deps) => ({
	command: 'trim',
	describe: 'remove surplus copies, as soon as enough others were seen good',
	builder: (yargs) =>
		jobOptions(yargs).option('dry-run', { type: 'boolean', default: false, describe: 'look at the others, say what would go, and change nothing' }),
	handler: (options) => runJobs(options, deps, trimJob({ dryRun: options['dry-run'] })),
})
