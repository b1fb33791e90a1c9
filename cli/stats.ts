/** `cairn stats`: goal against reality by class, what nodes have, what is owed; with `--days`, how it came to that. */
import * as classTable from '../core/catalogue/classes.ts'
import type { Driver } from '../core/catalogue/driver.ts'
import * as nodeTable from '../core/catalogue/nodes.ts'
import { UserError } from '../core/errors.ts'
import { run as drive } from '../core/op.ts'
import { dailyFigures } from '../core/stats/days.ts'
import { overview } from '../core/stats/overview.ts'
import { withCatalogue } from './catalogue.ts'
import { EXIT } from './exit-codes.ts'
import { checkKnown } from './no-such.ts'
import { nodesAway } from './node-probe.ts'
import { dayLines, statsJson, statsLines } from './stats-lines.ts'
import { type Common, type Deps, JSON_OPTION, type Verb } from './verb.ts'

interface Options extends Common {
	class?: string
	node?: string
	days?: number
	rebuild: boolean
	json: boolean
}

const DAYS_MAX = 3_660

export const stats: Verb<Options> = (deps) => ({
	command: 'stats',
	describe: 'copies by class, goal against reality; what nodes have; what is owed and how long it takes',
	builder: (yargs) =>
		yargs
			.option('class', { type: 'string', requiresArg: true, describe: 'of this class only' })
			.option('node', { type: 'string', requiresArg: true, describe: 'of this node only' })
			.option('days', { type: 'number', requiresArg: true, describe: 'how it came to that: a line for each of the last days' })
			.option('rebuild', { type: 'boolean', default: false, describe: 'count everything anew first' })
			.option('json', JSON_OPTION),
	handler: (options) => run(options, deps),
})

export async function run(options: Options, deps: Deps): Promise<void> {
	const { days } = options
	if (days !== undefined && !(Number.isInteger(days) && days >= 1 && days <= DAYS_MAX)) throw new UserError(`--days: a whole number from 1 to ${DAYS_MAX}`, EXIT.usage)
	if (options.rebuild) await rebuild(options, deps)
	await withCatalogue(options, deps, async (driver, config) => {
		await checkNames(options, driver)
		const only = { class: options.class, node: options.node }
		if (days !== undefined) {
			const found = await drive(dailyFigures(driver, { days, ...only }))
			return options.json ? deps.print(JSON.stringify(found, null, 2)) : dayLines(found, only).forEach(deps.print)
		}
		const found = { ...(await drive(overview(driver))), away: await nodesAway(await nodeTable.list(driver), config) }
		if (options.json) return deps.print(JSON.stringify(statsJson(found, only), null, 2))
		for (const line of statsLines(found, only)) deps.print(line)
	})
}

async function checkNames({ class: name, node }: Options, driver: Driver): Promise<void> {
	if (name !== undefined) checkKnown('class', name, await classTable.list(driver))
	if (node !== undefined) checkKnown('node', node, await nodeTable.list(driver))
}

async function rebuild(options: Options, deps: Deps): Promise<void> {
	// The code of a replicator is loaded by whoever asks for its work.
	const [{ runJobs }, { rebuildJob }] = await Promise.all([import('./job.ts'), import('../replicator/stats/stats.ts')])
	await runJobs({ config: options.config, json: false, quiet: true }, deps, rebuildJob)
}
