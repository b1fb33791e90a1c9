/** `cairn manifest`: brings up to date what nodes keep to make the catalogue anew. */
import { manifest as job } from '../replicator/manifest/manifest.ts'
import { runJobs } from './job.ts'
import { type JobOptions, jobOptions } from './job-options.ts'
import type { Verb } from './verb.ts'

interface Options extends JobOptions {
	full: boolean
}

export const manifest: Verb<Options> = (deps) => ({
	command: 'manifest',
	describe: 'write onto nodes what `cairn reindex` makes a lost catalogue from',
	builder: (yargs) =>
		jobOptions(yargs).option('full', { type: 'boolean', default: false, describe: 'all of it, not only what changed' }),
	handler: (options) => runJobs(options, deps, job(options)),
})
