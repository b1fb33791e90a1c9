/** `cairn import geograph`: takes over what another system knew. */
import { importGeograph } from './import-geograph.ts'
import type { Verb } from './verb.ts'

export const importVerb: Verb = (deps) => ({
	command: 'import',
	describe: 'take over what another system knew: geograph',
	builder: (yargs) => yargs.command(importGeograph(deps)).demandCommand(1, 'import: geograph?'),
	handler: () => undefined,
})
