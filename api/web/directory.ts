/** A directory: what is in it, and how much is below each. */
import { ago, count, counted, size } from './amounts.ts'
import { crumbs } from './crumbs.ts'
import { nameOf } from './file.ts'
import { html, type Html, NOTHING, type Shown } from './html.ts'
import { addressOf, inUrl, showName } from './names.ts'
import { empty, table } from './parts.ts'
import type { DirectoryShown, EntryShown } from './shown.ts'

const COLUMNS = [{ title: 'Name' }, { title: 'Size', isNumber: true }, { title: 'Files', isNumber: true }, { title: 'Changed' }]

export function directoryBody(directory: DirectoryShown, at: number): Html {
	const { path, entries, next, files, bytes } = directory
	const rows = entries.map((entry) => row(path, entry, at))
	return html`${crumbs(path)}
<h1 class="of-file" id="main-title">${path.length === 0 ? 'All files' : showName(nameOf(path))}</h1>
<p class="stands">${counted(files, 'file')} below it, ${size(bytes)}</p>
<section aria-labelledby="main-title">${rows.length === 0 ? empty('It is empty.') : table('What is in it', COLUMNS, rows)}
${next ? html`<p class="more"><a rel="next" href="${addressOf(path)}?after=${inUrl(next).replaceAll('&', '%26').replaceAll('+', '%2B')}">The next ones</a></p>` : NOTHING}</section>`
}

function row(path: Uint8Array, { name, kind, bytes, files, modified }: EntryShown, at: number): Shown[] {
	const address = addressOf(path.length === 0 ? name : Buffer.concat([path, Buffer.from('/'), name]))
	const isDirectory = kind === 'directory'
	const shown = html`<a href="${address}">${showName(name)}</a>${isDirectory ? '/' : kind === 'file' ? NOTHING : html` <span class="quiet">${kind}</span>`}`
	return [shown, bytes === undefined ? NOTHING : size(bytes), isDirectory && files !== undefined ? count(files) : NOTHING, ago(modified, at)]
}
