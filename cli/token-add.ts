/** `cairn token add NAME`: makes a token and shows it, once. */
import { type Role, ROLES } from '../core/access/role.ts'
import { toTop } from '../core/access/scope.ts'
import { makeToken } from '../core/access/token.ts'
import { treePath } from '../core/config/checks.ts'
import { codeOf, UserError } from '../core/errors.ts'
import { run as drive } from '../core/op.ts'
import { withCatalogue } from './catalogue.ts'
import { checked } from './checked.ts'
import { lastingSeconds } from './durations.ts'
import { EXIT } from './exit-codes.ts'
import { type Common, type Deps, JSON_OPTION, type Verb } from './verb.ts'

interface Options extends Common {
	name: string
	role: Role
	path: string[]
	expires?: string
	'per-minute': number
	json: boolean
}

const NAME = /^[\p{L}\p{N}][\p{L}\p{N} ._@-]{0,62}$/u
const PER_MINUTE_MAX = 1_000_000

export const tokenAdd: Verb<Options> = (deps) => ({
	command: 'add <name>',
	describe: 'make a token and show it: nobody can be told it again',
	builder: (yargs) =>
		yargs
			.positional('name', { type: 'string', demandOption: true, describe: 'whose it is, or what for' })
			.option('role', { choices: ROLES, default: 'read' as Role, requiresArg: true, describe: 'what it may: each may what the one before it may' })
			.option('path', { type: 'string', array: true, nargs: 1, default: [], describe: 'only below this path of the tree; may be said again' })
			.option('expires', { type: 'string', requiresArg: true, describe: 'after 12h, 30d, 1y; without it, never' })
			.option('per-minute', { type: 'number', default: 0, requiresArg: true, describe: 'requests it may make; 0 for as many as come' })
			.option('json', JSON_OPTION),
	handler: (options) => run(options, deps),
})

export async function run({ name, role, path, expires, 'per-minute': perMinute, json, config }: Options, deps: Deps): Promise<void> {
	if (!NAME.test(name)) throw new UserError(`'${name}' is no name for a token: letters, digits, spaces and . _ @ -`, EXIT.usage)
	if (!(Number.isInteger(perMinute) && perMinute >= 0 && perMinute <= PER_MINUTE_MAX)) {
		throw new UserError(`--per-minute: a whole number from 0 to ${PER_MINUTE_MAX}`, EXIT.usage)
	}
	if (path.includes('')) throw new UserError('--path: it is empty; for all of the tree leave it out', EXIT.usage)
	if (path.some((top) => top.includes('\n'))) throw new UserError('--path: a path with a line break in it cannot be one of a token', EXIT.usage)
	for (const top of path) checked('--path', top, treePath)
	const lastsSeconds = expires === undefined ? 0 : lastingSeconds(expires, '--expires')
	const scope = path.length === 0 ? undefined : path.map(toTop)
	const text = await withCatalogue({ config }, deps, async (driver) => drive(makeToken(driver, { name, role, scope, perMinute, lastsSeconds }))).catch(
		(error: Error) => {
			throw codeOf(error) === 'EEXIST' ? new UserError(`there is a token ${name} already: cairn token revoke '${name}'`, EXIT.refused) : error
		},
	)
	deps.print(json ? JSON.stringify({ name, role, paths: path, token: text }) : text)
}
