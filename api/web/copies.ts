/** What classes ask for against what there is. */
import { ago, count, counted, size } from './amounts.ts'
import { html, type Html, NOTHING, type Shown } from './html.ts'
import { linkTo } from './names.ts'
import { badge, empty, section, table } from './parts.ts'
import type { ClassShown, Overview, ProofsShown, Standing } from './shown.ts'

const COLUMNS = [
	{ title: 'Class' },
	{ title: 'Asks for' },
	{ title: 'There are' },
	{ title: 'Files', isNumber: true },
	{ title: 'Size', isNumber: true },
	{ title: 'For example' },
]

export function copies({ classes, proofs, files, bytes, directories, behind, at }: Overview): Html {
	const used = classes.filter(({ rows }) => rows.length > 0)
	const waiting = behind > 0 ? html`; ${counted(behind, 'change is', 'changes are')} not counted yet` : NOTHING
	const says = html`${counted(files, 'file')} in ${counted(directories, 'directory', 'directories')}, ${size(bytes)}${waiting}`
	const body = used.length === 0 ? empty('Nothing is stored yet. What is written to the mount appears here.') : html`${table('Files by class and number of copies', COLUMNS, used.flatMap(rowsOf))}${proved(proofs, at)}`
	return section({ id: 'copies', title: 'Copies', says, body })
}

function rowsOf(rule: ClassShown): Shown[][] {
	return rule.rows.map((row, index) => [
		html`<bdi${index > 0 ? html` class="again"` : NOTHING}>${rule.name}</bdi>`,
		html`<span${index > 0 ? html` class="again"` : NOTHING}>${goal(rule)}</span>`,
		reality(rule.copies, row.copies),
		count(row.files),
		size(row.bytes),
		row.example ? html`<span class="example">${linkTo(row.example)}</span>` : NOTHING,
	])
}

export function goal({ copies, zones, offsite }: Pick<ClassShown, 'copies' | 'zones' | 'offsite'>): string {
	const inZones = zones > 1 ? ` in ${zones} zones` : ''
	return `${counted(copies, 'copy', 'copies')}${inZones}${offsite > 0 ? ` and ${offsite} off-site` : ''}`
}

function reality(wanted: number, found: number): Html {
	const standing: Standing = found === 0 ? 'bad' : found === wanted ? 'good' : 'busy'
	const word = found < wanted ? 'too few' : found > wanted ? 'more than asked' : 'exact'
	return badge(standing, html`${count(found)}<span class="quiet"> ${word}</span>`)
}

/** Copies are read back and compared with what they should be, all of them in turn. */
function proved({ days, checked, bad, oldest, hasUnproved }: ProofsShown, at: number): Html {
	const read = checked === 0 ? html`No copy was read back and compared in the last ${days} days` : html`${counted(checked, 'copy was', 'copies were')} read back and compared in the last ${days} days, ${bad === 0 ? 'and all were good' : html`and bad ones found ${counted(bad, 'time')}`}`
	const age = oldest === undefined ? NOTHING : html`; the oldest proof, which making a copy is too, is from ${ago(oldest, at)}`
	return html`<p class="scale">${read}${age}${hasUnproved ? '; some copies have none yet' : NOTHING}.</p>`
}
