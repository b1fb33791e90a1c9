/** `cairn replicate`: make the copies that are wanted, once. */
import { replicate as job } from '../replicator/replicate/replicate.ts'
import { runJobs } from './job.ts'
import { type JobOptions, jobOptions } from './job-options.ts'
import type { Verb } from './verb.ts'

export const replicate: Verb<JobOptions> = (deps) => ({
	command: 'replicate',
	describe: 'make the copies that are wanted, once',
	builder: (yargs) => jobOptions(yargs),
	handler: (options) => runJobs(options, deps, job()),
})
