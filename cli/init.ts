/** `cairn init`: makes the configured catalogue, or brings it up to date. */
import { now } from '../core/clock.ts'
import { type Initialised, initialise } from '../core/catalogue/initialise.ts'
import { checkSchema, isBehind, isMade } from '../core/catalogue/migrate.ts'
import { openCatalogue } from '../core/catalogue/open.ts'
import type { Config } from '../core/config/types.ts'
import { loadFor, shownAddress } from './catalogue.ts'
import { refuseInUse } from './in-use.ts'
import type { Common, Deps, Verb } from './verb.ts'

export const init: Verb = (deps) => ({
	command: 'init',
	describe: 'make the catalogue: schema, root directory, classes',
	handler: (options) => run(options, deps),
})

export async function run(options: Common, deps: Deps): Promise<void> {
	const config = await loadFor(options, deps)
	const { from, to, made } = await prepareCatalogue(config, deps)
	const what = made ? 'made' : from === to ? 'is there already, nothing changed' : `brought from schema ${from} to ${to}`
	deps.print(`catalogue ${shownAddress(config.catalogue)}: ${what}`)
}

/** The root directory belongs to whoever makes the catalogue. One that was made before and is gone or empty was lost: refused. */
export async function prepareCatalogue(config: Config, { uid, gid }: Deps, { wasMade = false } = {}): Promise<Initialised> {
	const driver = await openCatalogue(config, { create: !wasMade })
	try {
		if (wasMade && !(await isMade(driver))) await checkSchema(driver)
		if (await isBehind(driver)) await refuseInUse(driver)
		return await initialise(driver, { owner: { uid, gid }, classes: config.classes, now: now() })
	} finally {
		await driver.close()
	}
}
