/** `cairn token list`. */
import { fromLines } from '../core/access/scope.ts'
import * as tokens from '../core/catalogue/tokens.ts'
import { withCatalogue } from './catalogue.ts'
import { showAge, table } from './table.ts'
import { type Common, type Deps, JSON_OPTION, type Verb } from './verb.ts'

interface Options extends Common {
	json: boolean
}

export const tokenList: Verb<Options> = (deps) => ({
	command: 'list',
	describe: 'the tokens there are, and when each was used last',
	builder: (yargs) => yargs.option('json', JSON_OPTION),
	handler: (options) => run(options, deps),
})

export async function run(options: Options, deps: Deps): Promise<void> {
	const rows = await withCatalogue(options, deps, async (driver) => tokens.list(driver, driver.capabilities))
	const plain = rows.map(({ name, role, paths, per_minute: perMinute, created, expires, used, expired }) => ({
		name, role, paths: (fromLines(paths) ?? []).map((path) => `/${path}`), perMinute, created, expires, used, expired: Boolean(expired),
	}))
	if (options.json) return deps.print(JSON.stringify(plain, null, 2))
	const ago = (at: number) => (at === 0 ? 'never' : `${showAge(Date.now() / 1000 - at)} ago`)
	const until = (at: number, expired: boolean) => (at === 0 ? 'never' : expired ? 'expired' : `in ${showAge(at - Date.now() / 1000)}`)
	const cells = plain.map((row) => [
		row.name, row.role, row.paths.join(' ') || '/', row.perMinute === 0 ? '-' : String(row.perMinute), until(row.expires, row.expired), ago(row.used),
	])
	for (const line of table(['TOKEN', 'ROLE', 'BELOW', 'PER MINUTE', 'EXPIRES', 'USED'], cells)) deps.print(line)
}
