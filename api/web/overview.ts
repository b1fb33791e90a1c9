/** The first page: the verdict, then what it is made of. Its sections are sent again by themselves when they change. */
import { ago, count, size } from './amounts.ts'
import { clients } from './clients.ts'
import { copies } from './copies.ts'
import { growth } from './growth.ts'
import { html, type Html, NOTHING } from './html.ts'
import { nodes } from './nodes.ts'
import { offsite } from './offsite.ts'
import { owed } from './owed.ts'
import type { NodeShown, Overview } from './shown.ts'
import { trouble } from './trouble.ts'
import { shortVerdict, verdict } from './verdict.ts'

/** By the id each has on the page. */
export type Sections = Map<string, Html>

/** With `isStale` the catalogue does not answer and these are the last figures there were. */
export function sections(overview: Overview, isStale: boolean): Sections {
	return new Map([
		['stale', stale(overview.at, isStale)],
		['verdict', html`<div id="verdict" data-live data-title="${titleOf(overview, isStale)}">${verdict(overview)}${strip(overview)}</div>`],
		['nodes', nodes(overview)],
		['copies', copies(overview)],
		['offsite', offsite(overview)],
		['owed', owed(overview)],
		['trouble', trouble(overview)],
		['growth', growth(overview)],
		['clients', clients(overview)],
	])
}

/** For everybody: no name of a file, no machine, no path. */
export function summarySections(overview: Overview, isStale: boolean): Sections {
	const classes = overview.classes.map((rule) => ({ ...rule, rows: rule.rows.map((row) => ({ ...row, example: undefined })) }))
	const nodes = overview.nodes.map((node, index) => ({ ...node, name: `node ${index + 1}`, zone: '', reason: '' }))
	const sites = overview.sites.map((site, index) => ({ ...site, name: `site ${index + 1}` }))
	const all = sections({ ...overview, classes, nodes, sites }, isStale)
	for (const id of ['trouble', 'clients']) all.delete(id)
	return all
}

export function titleOf(overview: Overview, isStale: boolean): string {
	return `Cairn: ${isStale ? 'the catalogue does not answer' : shortVerdict(overview)}`
}

function stale(at: number, isStale: boolean): Html {
	if (!isStale) return html`<div id="stale" data-live></div>`
	return html`<div id="stale" data-live><p class="banner" role="alert"><strong>The catalogue does not answer.</strong> What you see was so ${ago(at, Date.now() / 1000)}. Files that are open go on; others wait for it.</p></div>`
}

/** What people ask first. */
function strip({ files, bytes, nodes: all, proofs }: Overview): Html {
	const figures: Array<[string, Html | string]> = [
		['files', count(files)],
		['stored once', size(bytes)],
		['free on nodes', size(roomOn(all))],
		[`copies checked in ${proofs.days} days`, count(proofs.checked)],
	]
	return html`<dl class="strip">${figures.map(([word, value]) => html`<div><dt>${word}</dt><dd>${value}</dd></div>`)}</dl>`
}

/** Nodes that share a disk have its room together. */
function roomOn(nodes: readonly NodeShown[]): number {
	const taking = nodes.filter(({ up, state }) => up && state === 'rw')
	const disks = Map.groupBy(taking, ({ name, disk }) => disk || name)
	return [...disks.values()].reduce((sum, each) => sum + Math.max(0, ...each.map(({ free, reserve }) => free - reserve)), 0)
}

export function overviewBody(all: Sections): Html {
	return html`${[...all.values()].map((each) => html`${each}
`)}${NOTHING}`
}
