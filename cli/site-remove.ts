/** `cairn site remove NAME`. */
import * as backups from '../core/catalogue/backups.ts'
import * as sites from '../core/catalogue/sites.ts'
import type { SiteId } from '../core/catalogue/sites.ts'
import type { Driver } from '../core/catalogue/driver.ts'
import { UserError } from '../core/errors.ts'
import { askForPass } from '../core/off-site/feed.ts'
import { withCatalogue } from './catalogue.ts'
import { EXIT } from './exit-codes.ts'
import { findSite } from './site-set.ts'
import type { Common, Deps, Verb } from './verb.ts'

interface Options extends Common {
	name: string
	force: boolean
}

const ROWS_AT_ONCE = 1_000

export const siteRemove: Verb<Options> = (deps) => ({
	command: 'remove <name>',
	describe: 'forget a site and what it holds; its files stay where they are',
	builder: (yargs) =>
		yargs
			.positional('name', { type: 'string', demandOption: true })
			.option('force', { type: 'boolean', default: false, describe: 'also when it holds copies' }),
	handler: (options) => run(options, deps),
})

export async function run(options: Options, deps: Deps): Promise<void> {
	const { name, force } = options
	await withCatalogue(options, deps, async (driver) => {
		const { id } = await findSite(driver, name)
		const held = await backups.sample(driver, id, 0, 1)
		if (held.length > 0 && !force) throw new UserError(`site ${name} holds copies: with --force they are forgotten`, EXIT.refused)
		await removeSite(driver, id)
	})
	deps.print(`site ${name}: removed`)
}

export async function removeSite(driver: Driver, id: SiteId): Promise<void> {
	for (;;) {
		const rows = await backups.idsOfSite(driver, id, ROWS_AT_ONCE)
		if (rows.length === 0) break
		await driver.transaction(function* (tx) {
			for (const { file_id } of rows) backups.remove(tx, { file_id, site_id: id })
		})
	}
	await sites.remove(driver, id, (tx) => askForPass(tx, driver.capabilities))
}
