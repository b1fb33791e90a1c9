/** `cairn stats` as lines for people, and as JSON. */
import type { Day } from '../core/stats/days.ts'
import type { Overview } from '../core/stats/overview.ts'
import { jsonBytes, showBytes } from '../core/text.ts'
import { many } from './many.ts'
import { showDuration } from './progress-text.ts'
import { showSize } from './sizes.ts'
import { table } from './table.ts'

export interface Only {
	class?: string
	node?: string
}

/** What the figures say, and which nodes do not answer now: what they have is counted as if it were in order. */
export interface Found extends Overview {
	away: string[]
}

function chosen(found: Found, only: Only): Found {
	return {
		...found,
		copies: found.copies.filter((row) => only.class === undefined || row.class === only.class),
		nodes: found.nodes.filter((row) => only.node === undefined || row.name === only.node),
		owed: found.owed.filter((row) => only.node === undefined || row.node === only.node),
		offsite: found.offsite.filter((row) => only.class === undefined || row.class === only.class),
		// Of all classes: of one nobody knows.
		short: only.class === undefined ? found.short : 0,
		away: found.away.filter((name) => only.node === undefined || name === only.node),
	}
}

export function statsJson(found: Found, only: Only): object {
	const { copies, ...rest } = chosen(found, only)
	return {
		...rest,
		copies: copies.map((row) => ({
			...row,
			rows: row.rows.map(({ example, ...count }) => ({ ...count, example: example ? { id: example.id, ...jsonBytes('path', example.path) } : null })),
		})),
	}
}

export function statsLines(all: Found, only: Only): string[] {
	const found = chosen(all, only)
	const { behind, tree, copies, nodes, offsite, awaitingOffsite } = found
	return [
		`${many(tree.files, 'file')} in ${many(tree.directories, 'directory', 'directories')}, ${showSize(tree.bytes)}B${behind > 0 ? `; ${many(behind, 'change is', 'changes are')} not counted yet` : ''}`,
		'',
		...table(['CLASS', 'GOAL', 'COPIES', 'STANDING', 'FILES', 'BYTES', 'FOR EXAMPLE'], copies.flatMap((row) =>
			row.rows.length === 0
				? [[row.class, `${row.goal}`, '-', '-', '0', '0', '']]
				: row.rows.map((count) => [
						row.class, `${row.goal}`, `${count.copies}`, count.standing, `${count.files}`, showSize(count.bytes), count.example ? `/${showBytes(count.example.path)}` : '',
					]),
		)),
		'',
		...table(['NODE', 'STATE', 'GOOD', 'BYTES', 'WANTED', 'SUSPECT', 'SURPLUS', 'CHANGES', 'CONFLICTS'], nodes.map((node) => [
			node.name, node.state, `${node.good.files}`, showSize(node.good.bytes), `${node.wanted.files}`, `${node.suspect.files}`, `${node.surplus.files}`,
			`${node.intents}`, `${node.conflicts}`,
		])),
		...(offsite.length === 0 ? [] : ['', ...table(['SITE', 'CLASS', 'WANTED', 'BYTES', 'CLAIMED', 'PROVED', 'FAILED'], offsite.map((row) => [
			row.site, row.class, `${row.wanted.files}`, showSize(row.wanted.bytes), `${row.claimed.files}`, `${row.proved.files}`, `${row.failed.files}`,
		]))]),
		...(awaitingOffsite.files > 0 ? ['', `${many(awaitingOffsite.files, 'file')} (${showSize(awaitingOffsite.bytes)}B) to be copied off-site`] : []),
		'',
		...owedLines(found),
	]
}

function owedLines({ behind, copies, owed, away, short: placeless }: Found): string[] {
	if (owed.length > 0) {
		const cells = owed.map((row) => [row.kind, row.node, `${row.files}`, showSize(row.bytes), row.etaSeconds === undefined ? '-' : showDuration(row.etaSeconds)])
		return [...table(['OWED', 'NODE', 'FILES', 'BYTES', 'TAKES'], cells), ...(away.length > 0 ? [`away: ${away.join(', ')}; copies there are counted as if they were in order`] : [])]
	}
	const inOrder = away.length > 0 ? `, if the copies on ${away.join(', ')} are in order` : ''
	const under = copies.flatMap(({ rows }) => rows).reduce((sum, row) => sum + (row.standing === 'under' ? row.files : 0), 0)
	const short = Math.max(under, placeless)
	if (short > 0) return [`no node owes anything${inOrder}, and ${many(short, 'file has', 'files have')} fewer copies than asked for: cairn status`]
	return [behind > 0 ? `nothing is owed of what is counted${inOrder}; cairn status knows the rest` : `nothing is owed${inOrder}`]
}

const OPS = ['create', 'publish', 'unlink', 'rename'] as const

export function dayLines(days: readonly Day[], { node }: Only): string[] {
	const cells = (day: Day) => {
		const own = node === undefined ? [day] : day.nodes
		const sum = (of: 'files' | 'bytes') => own.reduce((total, row) => total + row[of], 0)
		return [day.date, `${sum('files')}`, showSize(sum('bytes')), ...OPS.map((op) => `${day.changes[op] ?? 0}`)]
	}
	return table(['DAY', node === undefined ? 'FILES' : 'COPIES', 'BYTES', 'CREATED', 'WRITTEN', 'REMOVED', 'RENAMED'], days.map(cells))
}
