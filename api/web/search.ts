/** What was found by name. */
import { counted, size } from './amounts.ts'
import { html, type Html, NOTHING } from './html.ts'
import { linkTo } from './names.ts'
import { empty, table } from './parts.ts'
import type { FoundShown } from './shown.ts'

const TYPE_SOMETHING = html`Type a part of a name above.`

export function searchBody({ asked, paths, from, next }: FoundShown): Html {
	const columns = [{ title: 'Path' }, { title: 'Kind' }, { title: 'Size', isNumber: true }]
	const rows = paths.map(({ path, kind, bytes }) => [linkTo(path), kind, kind === 'directory' ? NOTHING : size(bytes)])
	return html`<h1 class="of-file" id="main-title">Search</h1>
<p class="stands">${asked === '' ? NOTHING : summary({ asked, paths, from, next })}</p>
<section aria-labelledby="main-title">${rows.length === 0 ? empty(asked === '' ? TYPE_SOMETHING : none(next)) : table('What was found', columns, rows)}</section>
${next === undefined ? NOTHING : html`<p><a href="/search?q=${encodeURIComponent(asked)}&amp;from=${next}">Search on, in older files</a></p>`}`
}

function summary({ asked, paths, from, next }: FoundShown): Html {
	const which = from !== undefined ? 'Further, ' : next !== undefined ? 'The first ' : NOTHING
	return html`${which}${counted(paths.length, 'name')} with <q><bdi>${asked}</bdi></q> in ${paths.length === 1 ? 'it' : 'them'}`
}

function none(next: number | undefined): Html {
	return next === undefined ? html`Nothing has a name like that. A part of the name is enough.` : html`Nothing yet has a name like that; there are older files to look at.`
}
