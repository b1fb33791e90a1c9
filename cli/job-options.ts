/** The options of verbs that do a replicator's work. */
import type { Argv } from 'yargs'
import { type Common, JSON_OPTION } from './verb.ts'

export interface JobOptions extends Common {
	node?: string
	json: boolean
	quiet: boolean
}

export function jobOptions<T>(yargs: Argv<T>): Argv<T & JobOptions> {
	return yargs
		.option('node', { type: 'string', requiresArg: true, describe: 'of this node; without it, of every node that is a disk of this machine' })
		.option('json', JSON_OPTION)
		.option('quiet', { alias: 'q', type: 'boolean', default: false, describe: 'say only what went wrong, as cron jobs should' }) as Argv<T & JobOptions>
}
