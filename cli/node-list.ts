/** `cairn node list`: what the catalogue says; `cairn status` says how they are. */
import * as nodes from '../core/catalogue/nodes.ts'
import { withCatalogue } from './catalogue.ts'
import { showSize } from './sizes.ts'
import { table } from './table.ts'
import { type Common, type Deps, JSON_OPTION, type Verb } from './verb.ts'

interface Options extends Common {
	json: boolean
}

export const nodeList: Verb<Options> = (deps) => ({
	command: 'list',
	describe: 'the nodes and how they are used',
	builder: (yargs) => yargs.option('json', JSON_OPTION),
	handler: (options) => run(options, deps),
})

export async function run(options: Options, deps: Deps): Promise<void> {
	const rows = await withCatalogue(options, deps, async (driver) => nodes.list(driver))
	const plain = rows.map(({ seen_at: seenAt, ...row }) => ({ ...row, seenAt }))
	if (options.json) return deps.print(JSON.stringify(plain, null, 2))
	const reserve = (bytes: number) => (bytes < 0 ? 'auto' : showSize(bytes))
	const cells = plain.map((row) => [row.name, row.state, row.zone || '-', row.io, reserve(row.reserve), `${row.weight}`, row.path])
	for (const line of table(['NODE', 'STATE', 'ZONE', 'IO', 'RESERVE', 'WEIGHT', 'PATH'], cells)) deps.print(line)
}
