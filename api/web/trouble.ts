/** What somebody has to look at. */
import { ago, count, size } from './amounts.ts'
import { html, type Html, NOTHING } from './html.ts'
import { linkTo } from './names.ts'
import { empty, section, table } from './parts.ts'
import type { Overview, TroubleShown } from './shown.ts'

export function trouble({ trouble, at }: Overview): Html {
	const { conflicts, bad, failures } = trouble
	const isNone = conflicts === 0 && bad === 0 && failures.length === 0
	const body = isNone ? empty('None: no conflicts, no bad copies, no failures lately.') : [conflictTable(trouble, at), badTable(trouble), failureTable(trouble, at)]
	return section({ id: 'trouble', title: 'Trouble', body })
}

const REASONS: Record<string, string> = {
	differs: 'not what the catalogue knows',
	damaged: 'it was right once',
	stray: 'nobody knows it',
}

function conflictTable({ conflicts, latestConflicts }: TroubleShown, at: number): Html {
	if (conflicts === 0) return NOTHING
	const rows = latestConflicts.map(({ id, node, path, reason, size: bytes, found }) => [linkTo(path), html`<bdi>${node}</bdi>`, REASONS[reason] ?? reason, size(bytes), ago(found, at), html`<code>${id}</code>`])
	const columns = [{ title: 'File' }, { title: 'On node' }, { title: 'What was found' }, { title: 'Size', isNumber: true }, { title: 'When' }, { title: 'Id' }]
	const rest = conflicts > rows.length ? html` Here are the latest ${count(rows.length)}.` : NOTHING
	return html`<h3>Conflicts: ${count(conflicts)}</h3><p>Kept aside on their node until you decide; <code>cairn conflicts</code> does that.${rest}</p>${table('Conflicts', columns, rows)}`
}

function badTable({ bad, badExamples }: TroubleShown): Html {
	if (bad === 0) return NOTHING
	const rows = badExamples.map(({ node, path }) => [linkTo(path), html`<bdi>${node}</bdi>`])
	return html`<h3>Bad or doubtful copies: ${count(bad)}</h3><p>Not served; replaced as soon as another copy was read and found right.</p>${table('Bad or doubtful copies', [{ title: 'File' }, { title: 'On node' }], rows)}`
}

function failureTable({ failures }: TroubleShown, at: number): Html {
	if (failures.length === 0) return NOTHING
	const rows = failures.map(({ at: when, what, text }) => [html`<bdi>${what}</bdi>`, text, ago(when, at)])
	return html`<h3>Recent failures</h3>${table('Recent failures', [{ title: 'What' }, { title: 'How it failed' }, { title: 'When' }], rows)}`
}
