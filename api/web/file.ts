/** A file's own page: how it stands, each copy, what is owed and why it was not done yet. */
import { ago, count, counted, size, timeText } from './amounts.ts'
import { goal } from './copies.ts'
import { crumbs } from './crumbs.ts'
import { html, type Html, NOTHING, type Shown } from './html.ts'
import { linkTo, showName } from './names.ts'
import { badge, empty, facts, table } from './parts.ts'
import type { CopyShown, FileShown, Standing } from './shown.ts'

export function fileBody(file: FileShown, at: number): Html {
	return html`${crumbs(file.path)}
<h1 class="of-file">${showName(nameOf(file.path))}</h1>
<p class="stands ${file.standing}">${badge(file.standing, file.verdict)}</p>
<section id="copies" aria-labelledby="copies-title"><header><h2 id="copies-title">Copies</h2><p>${rule(file)}</p></header>${copies(file, at)}</section>
${file.owed.length === 0 ? NOTHING : html`<section id="owed" aria-labelledby="owed-title"><header><h2 id="owed-title">What is owed</h2></header>${facts(file.owed.map(({ what, why }) => [what, why]))}</section>`}
${offsite(file, at)}
<section id="about" aria-labelledby="about-title"><header><h2 id="about-title">About it</h2></header>${facts(about(file, at))}</section>`
}

export function nameOf(path: Uint8Array): Uint8Array {
	return path.subarray(path.lastIndexOf(0x2f) + 1)
}

function rule({ class: { name, pattern, position, copies, zones, offsite } }: FileShown): Html {
	const why = pattern === '' ? html`the rule for every path no other rule is for` : html`rule ${position + 1}, the first that matches its path: <code>${pattern}</code>`
	return html`Class <strong><bdi>${name}</bdi></strong> asks for ${goal({ copies, zones, offsite })}; chosen by ${why}.`
}

const STATES: Record<string, [Standing, string]> = {
	good: ['good', 'good'],
	wanted: ['busy', 'to be made'],
	suspect: ['bad', 'bad or doubtful'],
	surplus: ['busy', 'more than asked for'],
}

function copies({ copies }: FileShown, at: number): Html {
	if (copies.length === 0) return empty('It has no copies: it is in the catalogue only.')
	const columns = [{ title: 'Node' }, { title: 'Copy' }, { title: 'Version', isNumber: true }, { title: 'Last proof' }, { title: 'Hash of that version' }]
	return table('Copies of this file', columns, copies.map((copy) => row(copy, at)))
}

function row(copy: CopyShown, at: number): Shown[] {
	const { node, state, version, isCurrent, provedAt, up } = copy
	const [standing, word] = STATES[state] ?? ['busy', state]
	return [
		html`<bdi>${node}</bdi>${up ? NOTHING : html` <span class="quiet">away</span>`}`,
		badge(standing === 'good' && !up ? 'busy' : standing, word),
		version === 0 ? 'none' : html`${count(version)}${isCurrent ? NOTHING : html` <span class="quiet">old</span>`}`,
		provedAt === undefined ? 'not yet' : ago(provedAt, at),
		hash(copy.hash),
	]
}

function hash(value: Uint8Array | undefined): Html {
	return value ? html`<code class="hash">${Buffer.from(value).toString('hex')}</code>` : html`<span class="quiet">not known</span>`
}

function offsite({ offsite }: FileShown, at: number): Html {
	if (offsite.length === 0) return NOTHING
	const columns = [{ title: 'Site' }, { title: 'Copy' }, { title: 'Version', isNumber: true }, { title: 'Last proof' }]
	const rows = offsite.map(({ site, version, state, provedAt }) => [html`<bdi>${site}</bdi>`, state, count(version), provedAt === undefined ? 'not yet' : ago(provedAt, at)])
	return html`<section id="offsite" aria-labelledby="offsite-title"><header><h2 id="offsite-title">Off-site</h2></header>${table('Off-site copies', columns, rows)}</section>`
}

function about(file: FileShown, at: number): Array<[string, Shown]> {
	const { size: bytes, modified, version, kind, mode, uid, gid, id, otherPaths, target } = file
	return [
		['Kind', kind],
		['Size', html`${size(bytes)} <span class="quiet">${counted(bytes, 'byte')}</span>`],
		['Changed', html`${ago(modified, at)} <span class="quiet">${timeText(modified)}</span>`],
		['Version', version === 0 ? 'being created' : count(version)],
		['SHA-256', hash(file.hash)],
		['Mode and owner', html`<code>${mode.toString(8).padStart(4, '0')}</code> ${uid}:${gid}`],
		['Id', html`<code>${id}</code>`],
		...(target ? [['Leads to', showName(target)] satisfies [string, Shown]] : []),
		...(otherPaths.length > 0 ? [['Also named', html`${otherPaths.map((path) => html`${linkTo(path)} `)}`] satisfies [string, Shown]] : []),
	]
}
