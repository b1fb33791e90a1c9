/** `cairn bench`: how much something bears. */
import { benchHttp } from './bench-http.ts'
import type { Verb } from './verb.ts'

export const bench: Verb = (deps) => ({
	command: 'bench',
	describe: 'measure how much a door bears',
	builder: (yargs) => yargs.command(benchHttp(deps)).demandCommand(1, 'bench what? http'),
	handler: () => undefined,
})
