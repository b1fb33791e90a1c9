/** Small things several sections are made of. */
import { html, type Html, NOTHING, type Shown } from './html.ts'
import type { Standing } from './shown.ts'

export interface Section {
	id: string
	title: string
	/** A sentence under the title. */
	says?: Shown
	body: Shown
}

/** A part of a page that is sent again by itself when it changed. */
export function section({ id, title, says, body }: Section): Html {
	return html`<section id="${id}" aria-labelledby="${id}-title" data-live>
<header><h2 id="${id}-title">${title}</h2>${says ? html`<p>${says}</p>` : NOTHING}</header>
${body}
</section>`
}

/** Colour is never the only sign. */
export function badge(standing: Standing, word: Shown): Html {
	return html`<span class="badge ${standing}"><svg aria-hidden="true"><use href="#${standing}"/></svg>${word}</span>`
}

export interface Column {
	title: string
	/** Numbers stand to the right. */
	isNumber?: boolean
}

/** The first cell of a row is its heading. */
export function table(caption: string, columns: readonly Column[], rows: ReadonlyArray<readonly Shown[]>): Html {
	const isWide = columns.length > COLUMNS_NARROW_MAX
	return html`<div class="scroll" role="group" aria-label="${caption}" tabindex="0"><table${isWide ? html` class="wide" role="table"` : NOTHING}>
<caption class="unseen">${caption}</caption>
<thead${role(isWide, 'rowgroup')}><tr${role(isWide, 'row')}>${columns.map(({ title, isNumber }) => html`<th scope="col"${numeric(isNumber)}${role(isWide, 'columnheader')}>${title}</th>`)}</tr></thead>
<tbody${role(isWide, 'rowgroup')}>${rows.map((cells) => row(columns, cells, isWide))}</tbody>
</table></div>`
}

/** On a narrow screen a wider table becomes a list, each cell with its column's title; roles keep it a table for who cannot see it. */
const COLUMNS_NARROW_MAX = 4

function row(columns: readonly Column[], [first, ...others]: readonly Shown[], isWide: boolean): Html {
	const cells = others.map((cell, index) => {
		const { title, isNumber } = columns[index + 1]
		return html`<td${numeric(isNumber)}${isWide ? html` role="cell" data-title="${title}"` : NOTHING}>${cell}</td>`
	})
	return html`<tr${role(isWide, 'row')}><th scope="row"${role(isWide, 'rowheader')}>${first}</th>${cells}</tr>
`
}

function role(isSaid: boolean, name: string): Html {
	return isSaid ? html` role="${name}"` : NOTHING
}

function numeric(isNumber = false): Html {
	return isNumber ? html` class="n"` : NOTHING
}

export interface Share {
	/** Of the style sheet. */
	name: string
	amount: number
}

/** A bar of shares of a whole. What it says stands beside it in words. */
export function bar(whole: number, shares: readonly Share[]): Html {
	let from = 0
	const rects = shares.map(({ name, amount }) => {
		const width = whole > 0 ? Math.max(0, Math.min(100 - from, (100 * amount) / whole)) : 0
		const rect = html`<rect class="${name}" x="${from.toFixed(2)}" width="${width.toFixed(2)}" height="10"/>`
		from += width
		return rect
	})
	return html`<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect class="whole" width="100" height="10"/>${rects}</svg>`
}

export function empty(text: Shown): Html {
	return html`<p class="empty">${text}</p>`
}

export function facts(pairs: ReadonlyArray<readonly [string, Shown]>): Html {
	return html`<dl class="facts">${pairs.map(([term, value]) => html`<div><dt>${term}</dt><dd>${value}</dd></div>`)}</dl>`
}
