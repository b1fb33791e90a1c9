/** `cairn trash list|restore|empty|purge`: what was removed and is still kept. */
import { trash as trashJob } from '../replicator/trash/trash.ts'
import { runJobs } from './job.ts'
import { type JobOptions, jobOptions } from './job-options.ts'
import { trashEmpty } from './trash-empty.ts'
import { trashList } from './trash-list.ts'
import { trashRestore } from './trash-restore.ts'
import type { Verb } from './verb.ts'

export const trash: Verb = (deps) => ({
	command: 'trash',
	describe: 'what was removed and is kept: list, restore, empty, purge',
	builder: (yargs) =>
		yargs
			.command(trashList(deps))
			.command(trashRestore(deps))
			.command(trashEmpty(deps))
			.command(trashPurge(deps))
			.demandCommand(1, 'trash: list, restore, empty or purge?'),
	handler: () => undefined,
})

const trashPurge: Verb<JobOptions> = (deps) => ({
	command: 'purge',
	describe: 'remove what has been kept for as long as its class says; replicators do it by themselves',
	builder: jobOptions,
	handler: (options) => runJobs(options, deps, trashJob()),
})
