/** The backups elsewhere. */
import { ago, count, percent, size } from './amounts.ts'
import { html, type Html, NOTHING, type Shown } from './html.ts'
import { bar, section, table } from './parts.ts'
import type { Overview, SiteShown } from './shown.ts'

const COLUMNS = [
	{ title: 'Site' },
	{ title: 'Holds', isNumber: true },
	{ title: 'Proved', isNumber: true },
	{ title: 'Oldest proof' },
	{ title: 'Waiting', isNumber: true },
	{ title: 'Sent today' },
	{ title: 'Heard of' },
]

/** Shown where there are sites. */
export function offsite({ sites, at }: Overview): Html {
	if (sites.length === 0) return html`<section id="offsite" data-live hidden></section>`
	return section({ id: 'offsite', title: 'Off-site', says: 'Copies on machines elsewhere, proved by questions only somebody with the bytes can answer.', body: table('Off-site copies by site', COLUMNS, sites.map((site) => row(site, at))) })
}

function row(site: SiteShown, at: number): Shown[] {
	const { name, claimed, proved, oldestProof, waiting, lastSeen } = site
	return [
		html`<bdi>${name}</bdi>`,
		count(claimed),
		claimed === 0 ? count(proved) : html`${count(proved)} <span class="quiet">${percent(proved, claimed)}</span>`,
		oldestProof === undefined ? 'none yet' : ago(oldestProof, at),
		count(waiting),
		today(site),
		lastSeen === undefined ? 'never' : ago(lastSeen, at),
	]
}

function today({ bytesToday, budgetBytes }: SiteShown): Html {
	if (budgetBytes === 0) return size(bytesToday)
	return html`${bar(budgetBytes, [{ name: 'used', amount: bytesToday }])}${size(bytesToday)} of ${size(budgetBytes)}${bytesToday >= budgetBytes ? html` <span class="quiet">until midnight</span>` : NOTHING}`
}
