/** A directory as a page for people: nothing in it needs a script. */
import { HIDDEN } from '../web/names.ts'
import type { Entry, Page } from './listing.ts'

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1c2733}
h1{font-size:1.2rem;font-weight:600;word-break:break-all}table{border-collapse:collapse;width:100%}
td,th{padding:.3rem .6rem;text-align:left;border-bottom:1px solid #dde3e8}td:nth-child(n+2),th:nth-child(n+2){text-align:right;white-space:nowrap}
a{color:#0b5a8a;text-decoration:none;word-break:break-all}a:hover{text-decoration:underline}form{margin:1.5rem 0}
@media(prefers-color-scheme:dark){body{background:#10161c;color:#d7dee5}td,th{border-color:#2a343d}a{color:#7cc0ea}}`

export function toHtml({ path, href, entries, next }: Page): string {
	const up = path === '/' ? '' : row({ href: href.replace(/[^/]+\/$/, ''), name: '..', size: '', modified: '' })
	const rows = entries.map((entry) => row({ href: entry.href, name: shownName(entry), size: shownSize(entry), modified: entry.modified.slice(0, 19).replace('T', ' ') }))
	return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${visible(path)}</title><style>${STYLE}</style></head>
<body><main><h1>${visible(path)}</h1>
<table><thead><tr><th>Name</th><th>Size</th><th>Changed (UTC)</th></tr></thead><tbody>${up}${rows.join('\n')}</tbody></table>
${next ? `<p><a href="${text(next)}">More</a></p>` : ''}
<form method="post" action="${text(href)}" enctype="multipart/form-data"><label>A file to put here: <input type="file" name="file" required></label> <button>Upload</button></form>
</main></body></html>
`
}

function row({ href, name, size, modified }: { href: string; name: string; size: string; modified: string }): string {
	return `<tr><td><a href="${text(href)}"><bdi>${visible(name)}</bdi></a></td><td>${size}</td><td>${modified}</td></tr>`
}

function shownName({ name, type }: Entry): string {
	return type === 'directory' ? `${name}/` : name
}

const HIDDEN_ANYWHERE = new RegExp(HIDDEN, 'gu')

/** What would not show, or turn the line around: `fdp.exe` is not to be read as `exe.pdf`. */
function visible(name: string): string {
	return text(name.replace(HIDDEN_ANYWHERE, '\ufffd'))
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

function shownSize({ size, type }: Entry): string {
	if (type !== 'file') return ''
	const unit = Math.min(UNITS.length - 1, Math.floor(Math.log2(Math.max(1, size)) / 10))
	const value = size / 1024 ** unit
	return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function text(value: string): string {
	return value.replace(/[&<>"']/g, (character) => ENTITIES[character])
}
