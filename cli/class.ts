/** `cairn class list|plan|apply`: the rules paths fall under. */
import * as classes from '../core/catalogue/classes.ts'
import { withCatalogue } from './catalogue.ts'
import { classApply } from './class-apply.ts'
import { classPlan } from './class-plan.ts'
import { table } from './table.ts'
import { type Common, type Deps, JSON_OPTION, type Verb } from './verb.ts'

interface Options extends Common {
	json: boolean
}

export const classVerb: Verb = (deps) => ({
	command: 'class',
	describe: 'the rules paths fall under: list, plan, apply',
	builder: (yargs) => yargs.command(classList(deps)).command(classPlan(deps)).command(classApply(deps)).demandCommand(1, 'class: list, plan or apply?'),
	handler: () => undefined,
})

const classList: Verb<Options> = (deps) => ({
	command: 'list',
	describe: 'the classes in the catalogue, in the order they are tried',
	builder: (yargs) => yargs.option('json', JSON_OPTION),
	handler: (options) => runList(options, deps),
})

async function runList(options: Options, deps: Deps): Promise<void> {
	const rows = await withCatalogue(options, deps, async (driver) => classes.list(driver))
	const plain = rows.map(({ id, name, pattern, copies, zones, offsite, policy, trash }) => ({
		id, name, pattern, copies, zones, offsite, policy, trashDays: trash,
	}))
	if (options.json) return deps.print(JSON.stringify(plain, null, 2))
	const cells = plain.map((row) => [row.name, row.pattern, row.copies, row.zones, row.offsite, row.policy, row.trashDays].map(String))
	for (const line of table(['CLASS', 'PATTERN', 'COPIES', 'ZONES', 'OFFSITE', 'POLICY', 'TRASH DAYS'], cells)) deps.print(line)
}
