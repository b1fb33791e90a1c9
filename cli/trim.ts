/** `cairn trim`: removing copies that are more than their class asks for. */
import type { Argv } from 'yargs'
import { trim as trimJob } from '../replicator/trim/trim.ts'
import { type JobOptions, jobOptions, runJobs } from './job.ts'
import type { Verb } from './verb.ts'

interface Options extends JobOptions {
	dryRun: boolean
}

export const trim: Verb<Options> = (deps) => ({
	command: 'trim',
	describe: 'remove surplus copies, as soon as enough others were seen good',
	builder: (yargs) =>
		jobOptions(yargs).option('dry-run', { type: 'boolean', default: false, describe: 'look at the others, say what would go, and change nothing' }) as Argv<Options>,
	handler: (options) => runJobs(options, deps, trimJob({ dryRun: options.dryRun })),
})
