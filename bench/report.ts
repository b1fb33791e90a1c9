/** docs/PERFORMANCE.md out of what was measured. */
import { type Row, rows, type Target } from './rows.ts'
import { failuresOf, rateOf, ratioOf, type Samples } from './samples.ts'
import type { Finding } from './single/single.ts'
import { systems } from './systems/index.ts'
import type { System } from './systems/system.ts'

export interface Results {
	readonly started: Date
	ended: Date
	readonly rounds: number
	readonly machine: readonly string[]
	/** Options and versions of each system that ran. */
	readonly systems: Map<string, string>
	/** Why a system did not. */
	readonly leftOut: Map<string, string>
	readonly samples: Samples
	readonly findings: Finding[]
}

export function report(results: Results): string {
	return `${[
		'# Performance',
		introduction(results),
		'## Targets',
		targets(results),
		'## Figures',
		'Medians of the rounds.',
		figures(results, 'local'),
		figures(results, 'network'),
		failures(results),
		'## Ratios',
		'By rounds, then the median. 1.00 is as fast; above is faster.',
		ratios(results),
		'## What each row is',
		explanations(results),
	]
		.filter((part) => part !== '')
		.join('\n\n')}\n`
}

function introduction(results: Results): string {
	const facts = [...results.machine, ...[...results.systems].map(([name, text]) => `${titleOf(name)}: ${text}`)]
	const absent = [...results.leftOut].map(([name, reason]) => `${titleOf(name)} was left out: ${reason}`)
	return [
		`Written by \`npm run bench\` on ${results.started.toISOString().slice(0, 10)}: the same work on every system, in turns, ${results.rounds} rounds, ${minutes(results)} minutes.`,
		'The bare disk is a plain directory; every other system stands on directories of that same disk.',
		'',
		...[...facts, ...absent].map((fact) => `- ${fact}`),
	].join('\n')
}

function minutes({ started, ended }: Results): number {
	return Math.ceil((ended.getTime() - started.getTime()) / 60_000)
}

function targets(results: Results): string {
	const lines = measuredRows(results).flatMap((row) => row.targets.map((target) => targetLine(results, row, target)))
	const single = results.findings
		.filter((finding) => finding.target !== '' || finding.met === false)
		.map((finding) => [finding.title, finding.target, finding.value, verdict(finding.met)])
	return table(['work', 'at least', 'measured', ''], [...lines, ...single])
}

function targetLine({ samples }: Results, row: Row, { system, against, atLeast }: Target): string[] {
	const ratio = ratioOf(samples, { row: row.id, system, against })
	return [
		`${row.title}, ${titleOf(system)}`,
		`${atLeast} × ${titleOf(against)}`,
		ratio === undefined ? 'not measured' : `${ratio.toFixed(2)} ×`,
		verdict(ratio === undefined ? undefined : ratio >= atLeast),
	]
}

function figures(results: Results, group: System['group']): string {
	const columns = ranIn(results, group)
	const single = group === 'local' ? results.findings.map((finding) => `- ${finding.title}: ${finding.value}`).join('\n') : ''
	if (columns.length === 0) return single
	const lines = measuredRows(results)
		.filter((row) => row.groups.includes(group))
		.map((row) => [row.title, row.unit, ...columns.map(({ name }) => figure(results.samples, row, name))])
	const heading = group === 'network' ? 'Three branches, or nodes, on three sshfs mounts:' : ''
	return [heading, table(['work', '', ...columns.map(({ title }) => title)], lines), single].filter((part) => part !== '').join('\n\n')
}

function failures({ samples }: Results): string {
	const lines = failuresOf(samples).map(({ row, system, reason }) => `- ${rowTitle(row)}, ${titleOf(system)}: ${reason}`)
	return lines.length === 0 ? '' : ['What failed, in a round or in all of them:', '', ...lines].join('\n')
}

function figure(samples: Samples, row: Row, system: string): string {
	const rate = rateOf(samples, row.id, system)
	return rate === undefined ? '–' : grouped(rate)
}

function ratios(results: Results): string {
	const pairs = ratioPairs(results)
	if (pairs.length === 0) return ''
	const lines = measuredRows(results).map((row) => [
		row.title,
		...pairs.map(([system, against]) => ratioOf(results.samples, { row: row.id, system, against })?.toFixed(2) ?? '–'),
	])
	return table(['work', ...pairs.map(([system, against]) => `${titleOf(system)} / ${titleOf(against)}`)], lines)
}

/** Everything against the disk and against mergerfs, within its group. */
function ratioPairs(results: Results): [system: string, against: string][] {
	const local = ranIn(results, 'local').map(({ name }) => name)
	const pairs = ['disk', 'mergerfs']
		.filter((against) => local.includes(against))
		.flatMap((against) =>
			local.filter((name) => name !== against && name !== 'disk').map((name): [string, string] => [name, against]),
		)
	const network = ranIn(results, 'network').length === 2 ? [['cairn-sshfs', 'mergerfs-sshfs'] as [string, string]] : []
	return [...pairs, ...network]
}

function explanations(results: Results): string {
	const lines = measuredRows(results).map((row) => `- **${row.title}.** ${row.explanation}`)
	const single = results.findings
		.filter((finding) => finding.explanation)
		.map((finding) => `- **${finding.title}.** ${finding.explanation}`)
	return [...lines, ...single].join('\n')
}

function measuredRows({ samples }: Results): Row[] {
	const measured = new Set([...samples.rates.keys()].map((key) => key.split(' ')[0]))
	return rows.filter((row) => measured.has(row.id))
}

function ranIn(results: Results, group: System['group']): System[] {
	return systems.filter((system) => system.group === group && results.systems.has(system.name))
}

function rowTitle(id: string): string {
	return rows.find((row) => row.id === id)?.title ?? id
}

function titleOf(name: string): string {
	return systems.find((system) => system.name === name)?.title ?? name
}

function verdict(met: boolean | undefined): string {
	if (met === undefined) return '?'
	return met ? 'met' : '**missed**'
}

function grouped(rate: number): string {
	return Math.round(rate).toLocaleString('en')
}

function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
	const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
	return [line(head), line(head.map(() => '---')), ...lines.map(line)].join('\n')
}
