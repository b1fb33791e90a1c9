/** `cairn token add|list|revoke|sign`: who may come in over HTTP. */
import { tokenAdd } from './token-add.ts'
import { tokenList } from './token-list.ts'
import { tokenRevoke } from './token-revoke.ts'
import { tokenSign } from './token-sign.ts'
import type { Verb } from './verb.ts'

export const token: Verb = (deps) => ({
	command: 'token',
	describe: 'who may come in over HTTP: add, list, revoke, sign',
	builder: (yargs) =>
		yargs
			.command(tokenAdd(deps))
			.command(tokenList(deps))
			.command(tokenRevoke(deps))
			.command(tokenSign(deps))
			.demandCommand(1, 'token: add, list, revoke or sign?'),
	handler: () => undefined,
})
