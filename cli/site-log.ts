/** `cairn site log NAME`: what a site did lately. */
import * as records from '../core/catalogue/site-records.ts'
import { UserError } from '../core/errors.ts'
import { withCatalogue } from './catalogue.ts'
import { EXIT } from './exit-codes.ts'
import { findSite } from './site-set.ts'
import { type Common, type Deps, JSON_OPTION, type Verb } from './verb.ts'

interface Options extends Common {
	name: string
	lines: number
	json: boolean
}

const LINES = 50

export const siteLog: Verb<Options> = (deps) => ({
	command: 'log <name>',
	describe: 'what a site did lately, the newest last',
	builder: (yargs) =>
		yargs
			.positional('name', { type: 'string', demandOption: true })
			.option('lines', { alias: 'n', type: 'number', default: LINES, requiresArg: true, describe: 'so many at most' })
			.option('json', JSON_OPTION),
	handler: (options) => run(options, deps),
})

export async function run(options: Options, deps: Deps): Promise<void> {
	const { name, lines } = options
	if (!(Number.isSafeInteger(lines) && lines >= 1)) throw new UserError('--lines: a whole number, 1 or more', EXIT.usage)
	const rows = await withCatalogue(options, deps, async (driver) => records.lastLines(driver, (await findSite(driver, name)).id, lines))
	const plain = rows.map(({ at, what, detail }) => ({ at, what, detail }))
	if (options.json) return deps.print(JSON.stringify(plain, null, 2))
	for (const { at, what, detail } of plain) deps.print(`${new Date(at * 1000).toISOString()}  ${what}  ${detail}`.trimEnd())
}
