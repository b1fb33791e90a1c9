/** `cairn site rotate-key NAME`: another key; the old one is worth nothing from then on. */
import * as sites from '../core/catalogue/sites.ts'
import { sealingKey } from '../core/off-site/seal.ts'
import { newSiteKey, sealSiteKey } from '../core/off-site/site-key.ts'
import { withCatalogue } from './catalogue.ts'
import { findSite } from './site-set.ts'
import { type Common, type Deps, JSON_OPTION, type Verb } from './verb.ts'

interface Options extends Common {
	name: string
	json: boolean
}

export const siteRotateKey: Verb<Options> = (deps) => ({
	command: 'rotate-key <name>',
	describe: 'give a site another key and show it, once',
	builder: (yargs) => yargs.positional('name', { type: 'string', demandOption: true }).option('json', JSON_OPTION),
	handler: (options) => run(options, deps),
})

export async function run(options: Options, deps: Deps): Promise<void> {
	const { name, json } = options
	const key = newSiteKey()
	await withCatalogue(options, deps, async (driver, config) => {
		const { id } = await findSite(driver, name)
		const sealed = sealSiteKey(sealingKey(config.backup.keyFile, { create: true }), name, key)
		await driver.transaction(function* (tx) {
			sites.update(tx, id, { sealed_key: sealed })
		})
	})
	deps.print(json ? JSON.stringify({ name, key }) : key)
}
