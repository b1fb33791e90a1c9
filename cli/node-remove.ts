/** `cairn node remove NAME`: forgets a node that holds nothing any more. Its directory is left as it is. */
import * as nodes from '../core/catalogue/nodes.ts'
import { UserError } from '../core/errors.ts'
import { wait } from '../core/op.ts'
import { withCatalogue } from './catalogue.ts'
import { EXIT } from './exit-codes.ts'
import { found } from './node-set.ts'
import type { Common, Deps, Verb } from './verb.ts'

interface Options extends Common {
	name: string
}

export const nodeRemove: Verb<Options> = (deps) => ({
	command: 'remove <name>',
	describe: 'forget a node that holds nothing any more',
	builder: (yargs) => yargs.positional('name', { type: 'string', demandOption: true }),
	handler: (options) => run(options, deps),
})

export async function run({ name, ...options }: Options, deps: Deps): Promise<void> {
	await withCatalogue(options, deps, async (driver) =>
		driver.transaction(function* (tx) {
			const row = found(name, yield* wait(nodes.findByName(tx, name)))
			if (yield* wait(nodes.inUse(tx, row.id))) {
				throw new UserError(`node ${name} still holds files or has changes to carry out: set it to drain first`, EXIT.refused)
			}
			nodes.remove(tx, row.id, driver.capabilities)
		}),
	)
	deps.print(`node ${name}: removed from the catalogue, its directory is as it was`)
}
