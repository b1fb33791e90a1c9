/** `cairn why PATH`: why a file has the copies it has. */
import * as classTable from '../core/catalogue/classes.ts'
import type { Driver } from '../core/catalogue/driver.ts'
import { KIND } from '../core/catalogue/files.ts'
import * as nodeTable from '../core/catalogue/nodes.ts'
import type { Config } from '../core/config/types.ts'
import { askAll } from '../core/live/ask.ts'
import { run as drive } from '../core/op.ts'
import { explain } from '../core/stats/explain.ts'
import type { Asker, Explanation } from '../core/stats/explanation.ts'
import { jsonBytes, showBytes, showText } from '../core/text.ts'
import { withCatalogue } from './catalogue.ts'
import { probeNode } from './node-probe.ts'
import { showSize } from './sizes.ts'
import { showAge, table } from './table.ts'
import { fileNamed } from './tree-file.ts'
import { type Common, type Deps, JSON_OPTION, type Verb } from './verb.ts'

interface Options extends Common {
	path: string
	json: boolean
}

export const why: Verb<Options> = (deps) => ({
	command: 'why <path>',
	describe: 'one file: its class, its copies, what is owed and why that is not done yet',
	builder: (yargs) => yargs.positional('path', { type: 'string', demandOption: true, describe: 'in the tree, or below the mount point' }).option('json', JSON_OPTION),
	handler: (options) => run(options, deps),
})

export async function run(options: Options, deps: Deps): Promise<void> {
	const found = await withCatalogue(options, deps, async (driver, config) => {
		const { id } = await fileNamed(options.path, driver, config)
		return await drive(explain(await lookAround(driver, config), id, await classTable.list(driver)))
	})
	if (options.json) return deps.print(JSON.stringify(toJson(found), null, 2))
	for (const line of toLines(found)) deps.print(line)
}

/** Each node is looked at once, from here; since when one is away is known to those that use it. */
async function lookAround(driver: Driver, config: Config): Promise<Asker> {
	const rows = await nodeTable.list(driver)
	const probes = new Map(await Promise.all(rows.map(async (row) => [row.id, await probeNode(row, config.nodes[row.name]?.path ?? row.path)] as const)))
	const since = [...probes.values()].every(({ up }) => up) ? new Map<string, number>() : await awaySince(config)
	return {
		catalogue: driver,
		copyRates: config.replicator.copyRates,
		see(row) {
			const probe = probes.get(row.id)
			const { up = false, reason = 'unknown' } = probe ?? {}
			return { up, since: since.get(row.name), reason, capacityBytes: probe?.capacity ?? row.capacity, freeBytes: probe?.free ?? row.free }
		},
	}
}

/** By the name of the node, of the process that has missed it longest. */
async function awaySince({ catalogue }: Config): Promise<Map<string, number>> {
	const since = new Map<string, number>()
	for (const { families = [] } of await askAll(catalogue, 'metrics')) {
		const of = (name: string) => new Map(families.find((family) => family.name === name)?.samples.map(({ labels, value }) => [labels.node, value]))
		const moments = of('cairn_node_since_seconds')
		for (const [node, up] of of('cairn_node_up')) {
			const moment = moments.get(node)
			if (up === 0 && moment !== undefined) since.set(node, Math.min(moment, since.get(node) ?? moment))
		}
	}
	return since
}

function toJson({ paths, hash, ...rest }: Explanation): object {
	return { paths: paths.map((path) => jsonBytes('path', path)), ...rest, hash: hash?.toString('hex') ?? null }
}

export function toLines(found: Explanation): string[] {
	const { paths, id, size, version, hash, hasCopies, class: rule, copies, missing, writers, offsite } = found
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
		`class ${rule.name}: ${many(rule.copies, 'copy', 'copies')}${rule.zones > 1 ? ` in ${rule.zones} zones` : ''}, by ${rule.pattern === '' ? 'default' : `its pattern ${showText(rule.pattern)}`}`,
		...(rule.becomes ? [`its path falls under class ${rule.becomes} now: cairn class apply`] : []),
		...table(['NODE', 'NODE IS', 'COPY', 'VERSION', 'PROVED'], rows),
		...offsite.map(({ site, state, version, provedAt }) => `off-site ${site}: ${state}${version > 0 ? `, version ${version}` : ''}${provedAt === undefined ? '' : `, proved ${showAge(nowSeconds - provedAt)} ago`}`),
		...owed,
		...(missing ? [`${many(missing.copies, 'copy', 'copies')} without a node: ${missing.why}`] : []),
		...writers.map(({ node, client }) => `open for writing on ${node} by ${client}`),
		...(owed.length === 0 && !missing ? ['nothing is owed'] : []),
	]
}

function many(count: number, one: string, more: string): string {
	return `${count} ${count === 1 ? one : more}`
}

function kindName({ kind }: Explanation): string {
	return kind === KIND.regular ? 'a regular file' : kind === KIND.directory ? 'a directory' : kind === KIND.symlink ? 'a symlink' : 'a special file'
}
