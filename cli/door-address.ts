/** Which door a verb speaks with, and who it says it is. */
import { readFileSync } from 'node:fs'
import type { Argv } from 'yargs'
import { codeOf, UserError } from '../core/errors.ts'
import { loadFor } from './catalogue.ts'
import { EXIT } from './exit-codes.ts'
import type { Common, Deps } from './verb.ts'

export interface DoorOptions extends Common {
	door?: string
	tokenFile?: string
}

export interface DoorAddress {
	/** `http://host:port`, without a slash at its end. */
	url: URL
	/** A socket in place of host and port. */
	socketPath: string | undefined
	token: string
}

const UNIX = 'unix:'

export function doorOptions<T>(yargs: Argv<T>): Argv<T & DoorOptions> {
	return yargs
		.option('door', { type: 'string', requiresArg: true, describe: 'http://host:port or unix:/path; else $CAIRN_DOOR, or the first of api.listen' })
		.option('token-file', { type: 'string', requiresArg: true, describe: 'a file that holds the token; else $CAIRN_TOKEN' }) as Argv<T & DoorOptions>
}

export async function doorAddress(options: DoorOptions, deps: Deps): Promise<DoorAddress> {
	const said = options.door ?? deps.environment.CAIRN_DOOR ?? (await configured(options, deps))
	const token = options.tokenFile === undefined ? (deps.environment.CAIRN_TOKEN ?? '') : readToken(options.tokenFile)
	if (said.startsWith(UNIX)) return { url: new URL('http://cairn'), socketPath: said.slice(UNIX.length), token }
	const url = URL.parse(said)
	if (!url || !/^https?:$/.test(url.protocol)) throw new UserError(`--door: '${said}' is not http://host:port or unix:/path`, EXIT.usage)
	return { url, socketPath: undefined, token }
}

async function configured(options: DoorOptions, deps: Deps): Promise<string> {
	const { api } = await loadFor(options, deps)
	const at = api.listen[0]?.at
	if (at === undefined) throw new UserError('which door? --door http://host:port, or $CAIRN_DOOR', EXIT.usage)
	return at.startsWith(UNIX) ? at : `${api.tlsCertFile === '' ? 'http' : 'https'}://${at}`
}

function readToken(file: string): string {
	try {
		return readFileSync(file, 'utf8').trim()
	} catch (error) {
		throw new UserError(`--token-file: ${file} cannot be read (${codeOf(error)})`, EXIT.usage)
	}
}
