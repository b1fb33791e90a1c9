/** `cairn why PATH`: why a file has the copies it has. */
import { KIND } from '../core/catalogue/files.ts'
import { UserError } from '../core/errors.ts'
import { askWhy } from '../core/live/ask.ts'
import type { Explanation } from '../core/stats/explanation.ts'
import { jsonBytes, showBytes, showText } from '../core/text.ts'
import { loadFor } from './catalogue.ts'
import { EXIT } from './exit-codes.ts'
import { many } from './many.ts'
import { showSize } from './sizes.ts'
import { showAge, table } from './table.ts'
import { TREE_PATH, treePath } from './tree-path.ts'
import { type Common, type Deps, JSON_OPTION, type Verb } from './verb.ts'

interface Options extends Common {
	path: string
	json: boolean
}

export const why: Verb<Options> = (deps) => ({
	command: 'why <path>',
	describe: 'one file: its class, its copies, what is owed and why that is not done yet',
	builder: (yargs) => yargs.positional('path', { type: 'string', demandOption: true, describe: TREE_PATH }).option('json', JSON_OPTION),
	handler: (options) => run(options, deps),
})

export async function run(options: Options, deps: Deps): Promise<void> {
	const config = await loadFor(options, deps)
	const path = await treePath(options.path, config, deps)
	const found = (await askWhy(config.catalogue, path)) ?? (await (await import('./why-look.ts')).lookUp(path, config))
	if (found === 'nothing there') throw new UserError(`${showText(options.path)}: there is no such file in the tree`, EXIT.refused)
	if (options.json) return deps.print(JSON.stringify(toJson(found), null, 2))
	for (const line of toLines(found)) deps.print(line)
}

function toJson({ paths, hash, ...rest }: Explanation): object {
	return { paths: paths.map((path) => jsonBytes('path', path)), ...rest, hash: hash?.toString('hex') ?? null }
}

function toLines(found: Explanation): string[] {
	const { paths, id, size, version, hash, hasCopies, class: rule, copies, missing, writers, offsite, missingOffsite } = found
	const head = [...paths.map((path) => `/${showBytes(path)}`), `file ${id}, ${kindName(found)}, ${showSize(size)}B, version ${version}`]
	if (!hasCopies) return [...head, 'in the catalogue only: directories and special files have no copies']
	const nowSeconds = Date.now() / 1000
	const rows = copies.map((copy) => [
		copy.node, copy.nodeState, copy.state, String(copy.version), copy.provedAt === undefined ? 'never' : `${showAge(nowSeconds - copy.provedAt)} ago`,
	])
	const owed = copies.flatMap(({ node, owed: what }) => (what ? [`${node}: ${what.what}`, ...what.why.map((reason) => `  ${reason}`)] : []))
	return [
		...head,
		...(hash ? [`SHA-256 ${hash.toString('hex')}`] : ['its hash is not known yet']),
		`class ${rule.name}: ${many(rule.copies, 'copy', 'copies')}${rule.zones > 1 ? ` in ${rule.zones} zones` : ''}${rule.offsite > 0 ? ` and ${rule.offsite} off-site` : ''}, by ${rule.pattern === '' ? 'default' : `its pattern ${showText(rule.pattern)}`}`,
		...(rule.becomes ? [`its path falls under class ${rule.becomes} now: cairn class apply`] : []),
		...table(['NODE', 'NODE IS', 'COPY', 'VERSION', 'PROVED'], rows),
		...offsite.map(({ site, state, version, provedAt }) => `off-site ${site}: ${state}${version > 0 ? `, version ${version}` : ''}${provedAt === undefined ? '' : `, proved ${showAge(nowSeconds - provedAt)} ago`}`),
		...owed,
		...(missing ? [`${many(missing.copies, 'copy', 'copies')} without a node: ${missing.why}`] : []),
		...(missingOffsite ? [`${many(missingOffsite.copies, 'off-site copy', 'off-site copies')} to be made: ${missingOffsite.why}`] : []),
		...writers.map(({ node, client }) => `open for writing on ${node} by ${client}`),
		...(owed.length === 0 && !missing && !missingOffsite ? ['nothing is owed'] : []),
	]
}

function kindName({ kind }: Explanation): string {
	return kind === KIND.regular ? 'a regular file' : kind === KIND.directory ? 'a directory' : kind === KIND.symlink ? 'a symlink' : 'a special file'
}
