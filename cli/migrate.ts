/** `cairn migrate`: brings the catalogue to this program's schema. */
import { isBehind, migrate as migrateSchema } from '../core/catalogue/migrate.ts'
import { openCatalogue } from '../core/catalogue/open.ts'
import { loadFor } from './catalogue.ts'
import { refuseInUse } from './in-use.ts'
import type { Common, Deps, Verb } from './verb.ts'

export const migrate: Verb = (deps) => ({
	command: 'migrate',
	describe: "bring the catalogue to this program's schema",
	handler: (options) => run(options, deps),
})

export async function run(options: Common, deps: Deps): Promise<void> {
	const driver = await openCatalogue(await loadFor(options, deps))
	try {
		if (await isBehind(driver)) await refuseInUse(driver)
		const { from, to } = await migrateSchema(driver)
		deps.print(from === to ? `the catalogue has schema ${to} already` : `brought the catalogue from schema ${from} to ${to}`)
	} finally {
		await driver.close()
	}
}
