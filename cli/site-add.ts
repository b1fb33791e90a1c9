/** `cairn site add NAME`: makes a site and shows its key, once. */
import * as classes from '../core/catalogue/classes.ts'
import * as sites from '../core/catalogue/sites.ts'
import type { SiteRow } from '../core/catalogue/sites.ts'
import type { Driver } from '../core/catalogue/driver.ts'
import { codeOf, UserError } from '../core/errors.ts'
import { wait } from '../core/op.ts'
import { askForPass } from '../core/off-site/feed.ts'
import { sealingKey } from '../core/off-site/seal.ts'
import { newSiteKey, sealSiteKey } from '../core/off-site/site-key.ts'
import type { SiteSettings } from '../core/off-site/site-settings.ts'
import { withCatalogue } from './catalogue.ts'
import { EXIT } from './exit-codes.ts'
import { type SiteOptions, siteOptions, withSiteOptions } from './site-options.ts'
import { type Deps, JSON_OPTION, type Verb } from './verb.ts'

interface Options extends SiteOptions {
	name: string
	json: boolean
}

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/

export const siteAdd: Verb<Options> = (deps) => ({
	command: 'add <name>',
	describe: 'make a site and show the key its agent signs with: nobody can be told it again',
	builder: (yargs) =>
		siteOptions(yargs)
			.positional('name', { type: 'string', demandOption: true, describe: 'what it is called: a-z, 0-9 and -' })
			.option('json', JSON_OPTION),
	handler: (options) => run(options, deps),
})

export async function run(options: Options, deps: Deps): Promise<void> {
	const { name } = options
	if (!NAME.test(name)) throw new UserError(`'${name}' is no name for a site: a-z, 0-9 and -, at most 63 of them`, EXIT.usage)
	const settings = withSiteOptions({}, options)
	const key = await withCatalogue(options, deps, (driver, config) => addSite(driver, { name, settings, keyFile: config.backup.keyFile }))
	deps.print(options.json ? JSON.stringify({ name, key, settings }) : key)
}

export async function addSite(driver: Driver, { name, settings, keyFile, key = newSiteKey(), state = 'active' }: NewSite): Promise<string> {
	await checkClasses(driver, settings)
	const sealed = sealSiteKey(sealingKey(keyFile, { create: true }), name, key)
	try {
		await driver.transaction(function* (tx) {
			if (yield* wait(sites.find(tx, name, driver.capabilities))) throw new UserError(`there is a site ${name} already`, EXIT.refused)
			sites.insert(tx, { name, sealed_key: sealed, state, settings: JSON.stringify(settings) }, driver.capabilities)
			askForPass(tx, driver.capabilities)
		})
	} catch (error) {
		throw codeOf(error) === 'EEXIST' ? new UserError(`there is a site ${name} already`, EXIT.refused) : error
	}
	return key
}

export interface NewSite {
	name: string
	settings: SiteSettings
	keyFile: string
	/** One it has already, elsewhere. */
	key?: string
	state?: SiteRow['state']
}

export async function checkClasses(driver: Driver, settings: SiteSettings): Promise<void> {
	if (!settings.classes) return
	const known = (await classes.list(driver)).map((rule) => rule.name)
	const strange = settings.classes.find((name) => !known.includes(name))
	if (strange !== undefined) throw new UserError(`--class: there is no class ${strange}; there are: ${known.join(', ')}`, EXIT.refused)
}
