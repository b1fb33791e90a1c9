/** `cairn metrics`: what `/metrics` answers, for a machine without `cairn api`. */
import { collect } from '../core/live/collect.ts'
import { toText } from '../core/metrics/text.ts'
import { withCatalogue } from './catalogue.ts'
import { type Common, type Deps, JSON_OPTION, type Verb } from './verb.ts'

interface Options extends Common {
	json: boolean
}

export const metrics: Verb<Options> = (deps) => ({
	command: 'metrics',
	describe: 'metrics of all processes here and of the archive, as Prometheus reads them',
	builder: (yargs) => yargs.option('json', JSON_OPTION),
	handler: (options) => run(options, deps),
})

export async function run(options: Options, deps: Deps): Promise<void> {
	const families = await withCatalogue(options, deps, (driver, config) => collect(config.catalogue, driver))
	deps.print(options.json ? JSON.stringify(families, null, 2) : toText(families).trimEnd())
}
