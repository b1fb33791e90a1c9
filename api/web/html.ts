/**
 * Text as HTML. Whatever is put into a template is escaped, unless it is itself the result of a template: there is no other
 * way to make `Html`, so nothing gets onto a page unescaped by accident. Attribute values must stand in double quotes.
 */

const MARK = Symbol('html')

export interface Html {
	readonly [MARK]: true
	readonly text: string
}

/** Nothing is left out silently: undefined, null and false stand for nothing. */
export type Shown = Html | string | number | undefined | null | false | readonly Shown[]

export function html(parts: TemplateStringsArray, ...values: Shown[]): Html {
	let text = parts[0]
	for (const [index, value] of values.entries()) text += toText(value) + parts[index + 1]
	return { [MARK]: true, text }
}

export const NOTHING: Html = html``

function toText(value: Shown): string {
	if (value === undefined || value === null || value === false) return ''
	if (typeof value === 'number') return String(value)
	if (typeof value === 'string') return escaped(value)
	if (Array.isArray(value)) return value.map(toText).join('')
	return (value as Html).text
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;', '`': '&#96;' }

function escaped(text: string): string {
	return text.replace(/[&<>"'`]/g, (character) => ENTITIES[character])
}

/** Between each two of them. */
export function joined(items: readonly Shown[], between: Shown): Html {
	return html`${items.map((item, index) => (index === 0 ? item : html`${between}${item}`))}`
}
