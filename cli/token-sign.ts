/** `cairn token sign ADDRESS`: an address that works without a token, for one method and for a while. */
import { signedTarget, signingKey, withoutSignature } from '../core/access/signed-url.ts'
import { UserError } from '../core/errors.ts'
import { run as drive } from '../core/op.ts'
import { withCatalogue } from './catalogue.ts'
import { lastingSeconds } from './durations.ts'
import { EXIT } from './exit-codes.ts'
import type { Common, Deps, Verb } from './verb.ts'

interface Options extends Common {
	address: string
	method: string
	for: string
}

export const tokenSign: Verb<Options> = (deps) => ({
	command: 'sign <address>',
	describe: 'an address that works without a token, for one method and for a while',
	builder: (yargs) =>
		yargs
			.positional('address', { type: 'string', demandOption: true, describe: 'http://host:port/files/photos/1.jpg' })
			.option('method', { choices: ['GET', 'PUT', 'DELETE'], default: 'GET', requiresArg: true, describe: 'what may be done there' })
			.option('for', { type: 'string', default: '1h', requiresArg: true, describe: 'how long: 15m, 12h, 30d' }),
	handler: (options) => run(options, deps),
})

export async function run({ address, method, for: span, config }: Options, deps: Deps): Promise<void> {
	const url = toUrl(address)
	const expires = Math.floor(Date.now() / 1000) + lastingSeconds(span, '--for')
	const key = await withCatalogue({ config }, deps, async (driver) => drive(signingKey(driver)))
	deps.print(url.origin + signedTarget(key, { method, target: withoutSignature(url.pathname + url.search), expires }))
}

function toUrl(address: string): URL {
	if (URL.canParse(address) && /^https?:/.test(address)) return new URL(address)
	throw new UserError(`'${address}' is no address: http://host:port/files/...`, EXIT.usage)
}
