/** `cairn conflicts list|keep|drop`: what was found on nodes and could not be what the tree says. */
import type { Argv } from 'yargs'
import * as conflicts from '../core/catalogue/conflicts.ts'
import type { ConflictRow } from '../core/catalogue/conflicts.ts'
import * as nodes from '../core/catalogue/nodes.ts'
import { jsonBytes, showBytes } from '../core/text.ts'
import { withCatalogue } from './catalogue.ts'
import { type Decide, decide, drop, keep } from './conflicts-decide.ts'
import { showTime } from './moments.ts'
import { showSize } from './sizes.ts'
import { table } from './table.ts'
import { type Common, type Deps, JSON_OPTION, type Verb } from './verb.ts'

interface ListOptions extends Common {
	json: boolean
}

interface DecideOptions extends Common {
	id?: number[]
	all: boolean
	as?: string
}

const PAGE_ROWS = 1_000

export const conflictsVerb: Verb = (deps) => ({
	command: 'conflicts',
	describe: 'what was found on nodes and kept aside: list, keep, drop',
	builder: (yargs) => yargs.command(list(deps)).command(keepVerb(deps)).command(dropVerb(deps)).demandCommand(1, 'conflicts: list, keep or drop?'),
	handler: () => undefined,
})

const list: Verb<ListOptions> = (deps) => ({
	command: 'list',
	describe: 'each with its node, where it stood, where it is kept',
	builder: (yargs) => yargs.option('json', JSON_OPTION),
	handler: (options) => runList(options, deps),
})

const keepVerb: Verb<DecideOptions> = (deps) => ({
	command: 'keep [id..]',
	describe: 'bring it into the tree, under a name of its own; one left where it stood becomes the file',
	builder: (yargs) => chosen(yargs).option('as', { type: 'string', requiresArg: true, describe: 'under this path of the tree; for one id' }),
	handler: (options) => run(options, deps, keep(options.as)),
})

const dropVerb: Verb<DecideOptions> = (deps) => ({
	command: 'drop [id..]',
	describe: 'remove it from its node',
	builder: (yargs) => chosen(yargs),
	handler: (options) => run(options, deps, drop),
})

function chosen<T>(yargs: Argv<T>): Argv<T & { id?: number[]; all: boolean }> {
	return yargs
		.positional('id', { type: 'number', array: true, describe: 'as `conflicts list` shows them' })
		.option('all', { type: 'boolean', default: false, describe: 'all there are' }) as Argv<T & { id?: number[]; all: boolean }>
}

function run({ id = [], all, as, ...options }: DecideOptions, deps: Deps, how: Decide): Promise<void> {
	return decide({ ids: id, all, isNamed: as !== undefined }, options, deps, how)
}

async function runList(options: ListOptions, deps: Deps): Promise<void> {
	const { rows, names } = await withCatalogue(options, deps, async (driver) => {
		const known = await nodes.list(driver)
		const rows: ConflictRow[] = []
		for (let page = await conflicts.list(driver, 0, PAGE_ROWS); page.length > 0; page = await conflicts.list(driver, page[page.length - 1].id, PAGE_ROWS)) {
			rows.push(...page)
		}
		return { rows, names: new Map(known.map(({ id, name }) => [id, name])) }
	})
	const plain = rows.map((row) => ({
		id: row.id,
		node: names.get(row.node_id) ?? `#${row.node_id}`,
		...jsonBytes('path', row.path),
		...(row.aside === null ? { kept: null } : jsonBytes('kept', row.aside)),
		reason: row.reason,
		size: row.size,
		modified: new Date(row.mtime * 1_000).toISOString(),
		found: new Date(row.found * 1_000).toISOString(),
	}))
	if (options.json) return deps.print(JSON.stringify(plain, null, 2))
	if (plain.length === 0) return deps.print('no conflicts')
	const cells = plain.map(({ id, node, reason, size }, index) => {
		const { path, aside, mtime } = rows[index]
		return [String(id), node, showBytes(path), reason, showSize(size), showTime(mtime).slice(0, 16), aside === null ? 'where it stood' : showBytes(aside)]
	})
	for (const line of table(['ID', 'NODE', 'PATH', 'REASON', 'SIZE', 'MODIFIED', 'KEPT AS'], cells)) deps.print(line)
}
