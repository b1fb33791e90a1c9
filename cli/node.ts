/** `cairn node add|list|set|replace|remove`. */
import { nodeAdd } from './node-add.ts'
import { nodeList } from './node-list.ts'
import { nodeRemove } from './node-remove.ts'
import { nodeReplace } from './node-replace.ts'
import { nodeSet } from './node-set.ts'
import type { Verb } from './verb.ts'

export const node: Verb = (deps) => ({
	command: 'node',
	describe: 'the storage servers: add, list, set, replace, remove',
	builder: (yargs) =>
		yargs
			.command(nodeAdd(deps))
			.command(nodeList(deps))
			.command(nodeSet(deps))
			.command(nodeReplace(deps))
			.command(nodeRemove(deps))
			.demandCommand(1, 'node: add, list, set, replace or remove?'),
	handler: () => undefined,
})
