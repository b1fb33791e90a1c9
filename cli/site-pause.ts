/** `cairn site pause NAME`, `cairn site resume NAME`. */
import * as sites from '../core/catalogue/sites.ts'
import { withCatalogue } from './catalogue.ts'
import { lastingSeconds } from './durations.ts'
import { findSite } from './site-set.ts'
import type { Common, Deps, Verb } from './verb.ts'

interface Options extends Common {
	name: string
	for?: string
}

export const sitePause: Verb<Options> = (deps) => ({
	command: 'pause <name>',
	describe: 'send a site nothing; its agent is told when to come again',
	builder: (yargs) =>
		yargs
			.positional('name', { type: 'string', demandOption: true })
			.option('for', { type: 'string', requiresArg: true, describe: 'for 12h, 3d; without it, until it is resumed' }),
	handler: (options) => setState(options, deps, 'paused'),
})

export const siteResume: Verb<Options> = (deps) => ({
	command: 'resume <name>',
	describe: 'go on with a site that was paused',
	builder: (yargs) => yargs.positional('name', { type: 'string', demandOption: true }),
	handler: (options) => setState(options, deps, 'active'),
})

export async function setState(options: Options, deps: Deps, state: 'paused' | 'active'): Promise<void> {
	const { name } = options
	const seconds = options.for === undefined ? 0 : lastingSeconds(options.for, '--for')
	await withCatalogue(options, deps, async (driver) => {
		const row = await findSite(driver, name)
		await driver.transaction(function* (tx) {
			sites.update(tx, row.id, { state, paused_until: seconds === 0 ? 0 : row.now + seconds })
		})
	})
	deps.print(`site ${name}: ${state}`)
}
