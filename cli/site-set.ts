/** `cairn site set NAME`: changes what a site takes, when and how fast. */
import * as sites from '../core/catalogue/sites.ts'
import type { SiteRow } from '../core/catalogue/sites.ts'
import type { Driver } from '../core/catalogue/driver.ts'
import { UserError } from '../core/errors.ts'
import { askForPass } from '../core/off-site/feed.ts'
import { forgetAgent } from '../core/off-site/report.ts'
import { readSettings } from '../core/off-site/site-settings.ts'
import { withCatalogue } from './catalogue.ts'
import { EXIT } from './exit-codes.ts'
import { noSuch } from './no-such.ts'
import { checkClasses } from './site-add.ts'
import { saysAnything, type SiteOptions, siteOptions, withSiteOptions } from './site-options.ts'
import type { Deps, Verb } from './verb.ts'

interface Options extends SiteOptions {
	name: string
	newAgent?: boolean
}

export const siteSet: Verb<Options> = (deps) => ({
	command: 'set <name>',
	describe: 'change what a site takes, when and how fast',
	builder: (yargs) =>
		siteOptions(yargs)
			.positional('name', { type: 'string', demandOption: true })
			.option('new-agent', { type: 'boolean', describe: 'another folder may speak for it; what it holds is to be proved anew' }),
	handler: (options) => run(options, deps),
})

export async function run(options: Options, deps: Deps): Promise<void> {
	const { name, newAgent = false } = options
	if (!saysAnything(options) && !newAgent) throw new UserError('site set: what? See cairn site set --help', EXIT.usage)
	await withCatalogue(options, deps, async (driver) => {
		const row = await findSite(driver, name)
		const settings = withSiteOptions(readSettings(row), options)
		await checkClasses(driver, settings)
		await driver.transaction(function* (tx) {
			sites.update(tx, row.id, { settings: JSON.stringify(settings) })
			askForPass(tx, driver.capabilities)
		})
		if (newAgent) await forgetAgent({ catalogue: driver, capabilities: driver.capabilities }, row)
	})
	deps.print(`site ${name}: changed`)
}

export async function findSite(driver: Driver, name: string): Promise<SiteRow> {
	const row = await sites.find(driver, name, driver.capabilities)
	if (row) return row
	throw noSuch('site', name, await sites.list(driver, driver.capabilities))
}
