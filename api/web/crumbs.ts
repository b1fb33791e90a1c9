/** The way to a path, each directory on it a link. */
import { html, type Html } from './html.ts'
import { addressOf, showName } from './names.ts'

export function crumbs(path: Uint8Array): Html {
	const names = path.length === 0 ? [] : splitPath(path)
	const links = names.map(({ name, end }, index) => {
		const shown = showName(name)
		return html`<li>${index === names.length - 1 ? html`<span aria-current="page">${shown}</span>` : html`<a href="${addressOf(path.subarray(0, end))}">${shown}</a>`}</li>`
	})
	return html`<nav class="crumbs" aria-label="Where this is"><ol><li>${names.length === 0 ? html`<span aria-current="page">All files</span>` : html`<a href="/tree/">All files</a>`}</li>${links}</ol></nav>`
}

function splitPath(path: Uint8Array): Array<{ name: Uint8Array; end: number }> {
	const names: Array<{ name: Uint8Array; end: number }> = []
	for (let from = 0; from <= path.length; ) {
		const slash = path.indexOf(0x2f, from)
		const end = slash === -1 ? path.length : slash
		names.push({ name: path.subarray(from, end), end })
		from = end + 1
	}
	return names
}
