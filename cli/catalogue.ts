/** Opens the configured catalogue for the length of one verb. */
import { openCatalogue } from '../core/catalogue/open.ts'
import { checkSchema } from '../core/catalogue/migrate.ts'
import type { Driver } from '../core/catalogue/driver.ts'
import { loadConfig } from '../core/config/load.ts'
import type { Config } from '../core/config/types.ts'
import type { Common, Deps } from './verb.ts'

export function loadFor(options: Common, deps: Deps): Promise<Config> {
	return loadConfig({ path: options.config, environment: deps.environment, directory: deps.directory })
}

/** `body` gets a catalogue of the schema this program knows. */
export async function withCatalogue<T>(options: Common, deps: Deps, body: (driver: Driver, config: Config) => Promise<T>): Promise<T> {
	const config = await loadFor(options, deps)
	return await withCatalogueOf(config, (driver) => body(driver, config))
}

/** The same with a configuration that was read before. */
export async function withCatalogueOf<T>(config: Config, body: (driver: Driver) => Promise<T>): Promise<T> {
	const driver = await openCatalogue(config, { isBrief: true })
	try {
		await checkSchema(driver)
		return await body(driver)
	} finally {
		await driver.close()
	}
}

/** For people: a password in the address is not for the screen. */
export function shownAddress(catalogue: string): string {
	return catalogue.replace(/^([a-z]+:\/\/[^:@/]*):.*@/i, '$1@')
}
