/** What was found by name. */
import { counted, size } from './amounts.ts'
import { html, type Html, NOTHING } from './html.ts'
import { linkTo } from './names.ts'
import { empty, table } from './parts.ts'
import type { FoundShown } from './shown.ts'

export function searchBody({ asked, paths, more }: FoundShown): Html {
	const columns = [{ title: 'Path' }, { title: 'Kind' }, { title: 'Size', isNumber: true }]
	const rows = paths.map(({ path, kind, bytes }) => [linkTo(path), kind, kind === 'directory' ? NOTHING : size(bytes)])
	const none = asked === '' ? 'Type a part of a name above.' : 'Nothing has a name like that. A part of the name is enough; large and small letters differ.'
	return html`<h1 class="of-file" id="main-title">Search</h1>
<p class="stands">${asked === '' ? NOTHING : html`${more ? 'The first ' : NOTHING}${counted(paths.length, 'name')} with <q><bdi>${asked}</bdi></q> in ${paths.length === 1 ? 'it' : 'them'}`}</p>
<section aria-labelledby="main-title">${rows.length === 0 ? empty(none) : table('What was found', columns, rows)}</section>`
}
