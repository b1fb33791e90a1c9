/** Whether everything is safe, in one sentence. */
import { count, counted, since } from './amounts.ts'
import { html, type Html, joined, NOTHING } from './html.ts'
import type { NodeShown, Overview, Standing } from './shown.ts'

export interface Clause {
	standing: Standing
	text: Html
	/** The section of the page that says more. */
	more: string
}

/** The first clause says how the files are; the others what else there is to know, worst first. */
function clausesOf(overview: Overview): Clause[] {
	const others = [...nodesAway(overview), ...badCopies(overview), ...conflicts(overview), ...work(overview)]
	const order: Standing[] = ['bad', 'busy', 'good']
	return [files(overview), ...others.sort((a, b) => order.indexOf(a.standing) - order.indexOf(b.standing))]
}

function standingOf(clauses: readonly Clause[]): Standing {
	if (clauses.some(({ standing }) => standing === 'bad')) return 'bad'
	return clauses.some(({ standing }) => standing === 'busy') ? 'busy' : 'good'
}

/** In large letters; the others follow in small ones. */
const CLAUSES_MAX = 4

const WORDS: Record<Standing, string> = { good: 'All is well', busy: 'Work is under way', bad: 'Something needs you' }

/** A live region: whoever cannot see the page is told when it changes. */
export function verdict(overview: Overview): Html {
	const clauses = clausesOf(overview)
	const standing = standingOf(clauses)
	const also = clauses.slice(CLAUSES_MAX)
	return html`<div class="verdict ${standing}">
<p class="mark"><svg aria-hidden="true"><use href="#${standing}"/></svg> ${WORDS[standing]}</p>
<div role="status"><h1>${joined(clauses.slice(0, CLAUSES_MAX).map(link), '; ')}.</h1>${also.length > 0 ? html`<p class="also">Also: ${joined(also.map((clause) => link(clause, CLAUSES_MAX)), '; ')}.</p>` : NOTHING}</div>
</div>`
}

/** The same without marks, for the title of the page. */
export function shortVerdict(overview: Overview): string {
	const clauses = clausesOf(overview)
	const standing = standingOf(clauses)
	return standing === 'good' ? 'all is well' : clauses.some(({ more }) => more === 'nodes') ? 'a node is away' : WORDS[standing].toLowerCase()
}

/** The first is what the page is about: no link. */
function link({ text, more, standing }: Clause, index: number): Html {
	return index === 0 ? text : html`<a class="${standing}" href="#${more}">${text}</a>`
}

function files({ files, complete, unreadable, behind, nodes, owed: { short } }: Overview): Clause {
	const more = 'copies'
	if (files === 0 && behind > 0) return { standing: 'busy', text: html`The files are being counted`, more }
	if (files === 0) return { standing: 'good', text: html`There are no files yet`, more }
	if (nodes.every(isAway)) return { standing: 'bad', text: html`None of ${counted(files, 'file')} can be read now`, more }
	if (unreadable > 0) return { standing: 'bad', text: html`${counted(unreadable, 'file')} of ${count(files)} cannot be read now`, more }
	// Copies on a node that is dead are counted, and these files lack them all the same.
	const whole = Math.min(complete, Math.max(0, files - short))
	if (whole < files) return { standing: 'busy', text: html`${count(whole)} of ${counted(files, 'file')} have their copies`, more }
	return { standing: 'good', text: files === 1 ? html`The one file has its copies` : html`All ${count(files)} files have their copies`, more }
}

const NAMED_MAX = 3

function nodesAway({ nodes, at }: Overview): Clause[] {
	const away = nodes.filter(isAway)
	const named = away.slice(0, NAMED_MAX).map((node) => ({
		standing: 'bad' as const,
		text: html`node <bdi>${node.name}</bdi> has been away for ${since(awaySince(node), at)}`,
		more: 'nodes',
	}))
	if (away.length <= NAMED_MAX) return named
	return [...named, { standing: 'bad', text: html`so have ${counted(away.length - NAMED_MAX, 'other node')}`, more: 'nodes' }]
}

/** Those the keeper gave up are not missed. */
export function isAway({ state, up }: Pick<NodeShown, 'state' | 'up'>): boolean {
	return state !== 'dead' && (state === 'down' || !up)
}

export function awaySince({ state, stateSince, upSince }: NodeShown): number {
	return state === 'down' ? stateSince : upSince
}

function badCopies({ owed: { suspect } }: Overview): Clause[] {
	return suspect === 0 ? [] : [{ standing: 'bad', text: html`${counted(suspect, 'copy is', 'copies are')} bad or doubtful`, more: 'trouble' }]
}

function conflicts({ trouble: { conflicts } }: Overview): Clause[] {
	if (conflicts === 0) return []
	return [{ standing: 'bad', text: html`${counted(conflicts, 'conflict is', 'conflicts are')} for you to decide`, more: 'trouble' }]
}

/** So many may wait for a moment where much goes on. */
const BEHIND_MAX = 1_000

function work({ owed: { offsite, intents, copies, short, classesShort }, behind, nodes }: Overview): Clause[] {
	const clauses: Clause[] = []
	const busy = (text: Html, more: string) => clauses.push({ standing: 'busy', text, more })
	if (copies > 0) busy(html`${counted(copies, 'copy is', 'copies are')} being made`, 'owed')
	if (short > 0 && classesShort.length === 0) clauses.push({ standing: 'bad', text: html`no other node takes a copy of ${counted(short, 'file')}`, more: 'owed' })
	if (classesShort.length > 0) busy(html`there are too few nodes for ${counted(classesShort.length, 'class', 'classes')}`, 'owed')
	if (offsite > 0) busy(html`${counted(offsite, 'file awaits', 'files await')} an off-site copy`, 'offsite')
	if (intents > 0) busy(html`${counted(intents, 'change has', 'changes have')} yet to reach a node`, 'owed')
	if (behind > BEHIND_MAX || (behind > 0 && !nodes.some(({ lookedAfter }) => lookedAfter))) busy(html`${counted(behind, 'change is', 'changes are')} not counted yet`, 'copies')
	return clauses
}
