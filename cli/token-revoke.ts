/** `cairn token revoke NAME`: doors refuse it within a moment. */
import * as tokens from '../core/catalogue/tokens.ts'
import { UserError } from '../core/errors.ts'
import { withCatalogue } from './catalogue.ts'
import { EXIT } from './exit-codes.ts'
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
	const removed = await withCatalogue(options, deps, async (driver) => tokens.remove(driver, options.name))
	if (removed === 0) throw new UserError(`there is no token ${options.name}`, EXIT.refused)
	deps.print(`token ${options.name}: revoked`)
}
