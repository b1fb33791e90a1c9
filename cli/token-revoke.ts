/** `cairn token revoke NAME`: doors refuse it within a moment. */
import * as tokens from '../core/catalogue/tokens.ts'
import { withCatalogue } from './catalogue.ts'
import { noSuch } from './no-such.ts'
import type { Common, Deps, Verb } from './verb.ts'

interface Options extends Common {
	name: string
}

export const tokenRevoke: Verb<Options> = (deps) => ({
	command: 'revoke <name>',
	describe: 'from now on it lets nobody in',
	builder: (yargs) => yargs.positional('name', { type: 'string', demandOption: true, describe: 'as `cairn token list` has it' }),
	handler: (options) => run(options, deps),
})

export async function run(options: Options, deps: Deps): Promise<void> {
	await withCatalogue(options, deps, async (driver) => {
		if ((await tokens.remove(driver, options.name)) === 0) throw noSuch('token', options.name, await tokens.list(driver, driver.capabilities))
	})
	deps.print(`token ${options.name}: revoked`)
}
