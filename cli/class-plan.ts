/** `cairn class plan`: what `class apply` would do. */
import type { ClassRow } from '../core/catalogue/classes.ts'
import * as classes from '../core/catalogue/classes.ts'
import { type ClassPlan, planClasses } from '../replicator/level/class-plan.ts'
import { showAmount } from './drain-forecast.ts'
import { withFilesystem } from './job.ts'
import { showSize } from './sizes.ts'
import { table } from './table.ts'
import { type Common, type Deps, JSON_OPTION, type Verb } from './verb.ts'

interface Options extends Common {
	json: boolean
}

export const classPlan: Verb<Options> = (deps) => ({
	command: 'plan',
	describe: 'what the configured classes would change',
	builder: (yargs) => yargs.option('json', JSON_OPTION),
	handler: (options) => run(options, deps),
})

export type RuleChange = { name: string; change: 'new' | 'changed' | 'retired'; details: string[] }

export async function run({ json, ...options }: Options, deps: Deps): Promise<void> {
	await withFilesystem(options, deps, async (fs) => {
		const rules = classes.planned(fs.classes, fs.config.classes)
		const changes = rules.flatMap(
			(rule) =>
				changeOf(
					rule,
					fs.classes.find(({ id }) => id === rule.id),
				) ?? [],
		)
		const plan = await planClasses(fs, rules)
		if (json) return deps.print(JSON.stringify({ rules: changes, ...plan }, null, 2))
		for (const line of lines(changes, plan)) deps.print(line)
	})
}

const SHOWN = ['pattern', 'copies', 'zones', 'offsite', 'policy', 'trash', 'position'] as const

function changeOf(rule: ClassRow, stored: ClassRow | undefined): RuleChange | undefined {
	const { name } = rule
	if (!stored)
		return { name, change: 'new', details: [`pattern '${rule.pattern}'`, `copies ${rule.copies}`, `zones ${rule.zones}`] }
	if (classes.same(rule, stored)) return undefined
	if (classes.isRetired(rule)) return classes.isRetired(stored) ? undefined : { name, change: 'retired', details: [] }
	const details = SHOWN.filter((field) => rule[field] !== stored[field]).map(
		(field) => `${field} ${shown(stored[field])} -> ${shown(rule[field])}`,
	)
	return { name, change: 'changed', details }
}

function shown(value: string | number): string {
	return typeof value === 'string' ? `'${value}'` : `${value}`
}

function lines(changes: RuleChange[], { moves, nodes, short }: ClassPlan): string[] {
	if (changes.length === 0 && moves.length === 0) return ['nothing would change']
	const rules = changes.map(
		({ name, change, details }) => `class ${name}: ${change}${details.length > 0 ? `, ${details.join(', ')}` : ''}`,
	)
	const files = moves.map(({ from, to, ...amount }) => [from, to, `${amount.files}`, showSize(amount.bytes)])
	const copies = nodes.map(({ name, added, removed }) => [
		name,
		`${added.files}`,
		showSize(added.bytes),
		`${removed.files}`,
		showSize(removed.bytes),
	])
	return [
		...rules,
		...(files.length > 0 ? ['', ...table(['FILES OF', 'WOULD BE', 'FILES', 'BYTES'], files)] : []),
		...(copies.length > 0 ? ['', ...table(['NODE', 'MORE COPIES', 'BYTES', 'FEWER COPIES', 'BYTES'], copies)] : []),
		...(short.files > 0 ? ['', `not enough nodes for ${showAmount(short)}`] : []),
	]
}
