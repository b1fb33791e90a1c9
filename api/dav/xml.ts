/**
 * The XML of WebDAV's requests: elements with namespaces, text, CDATA. A document type is refused: entities of one's own are
 * a way to read files of the server or to fill its memory.
 */
import { HttpError } from '../errors.ts'

export interface Element {
	namespace: string
	name: string
	children: Element[]
	/** All text below it. */
	text: string
	/** What is inside it, so that it means the same elsewhere. */
	inner: string
}

export const DAV = 'DAV:'
const DEPTH_MAX = 64
/** Elements and their attributes. */
const PARTS_MAX = 10_000
/** Each element below says it again. */
const NAMESPACE_CHARACTERS_MAX = 1_024
const TOKEN = /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<!\[CDATA\[([\s\S]*?)\]\]>|<(\/?)([^\s<>/=]+)((?:\s+[^\s=<>/]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>|([^<]+)/y
const ATTRIBUTE = /([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g
const ENTITY = /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(\w+));/gi
/** Without a prefix (Namespaces in XML 1.0, NCName). */
const NAME_START = 'A-Z_a-z\\u00c0-\\u00d6\\u00d8-\\u00f6\\u00f8-\\u02ff\\u0370-\\u037d\\u037f-\\u1fff\\u200c\\u200d\\u2070-\\u218f\\u2c00-\\u2fef\\u3001-\\ud7ff\\uf900-\\ufdcf\\ufdf0-\\ufffd\\u{10000}-\\u{effff}'
const NAME = new RegExp(`^[${NAME_START}][${NAME_START}\\-.0-9\\u00b7\\u0300-\\u036f\\u203f\\u2040]*$`, 'u')
const NAMED: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

/** What prefixes stand for; those that are not here are looked for above. */
interface Prefixes {
	own: ReadonlyMap<string, string>
	above?: Prefixes
}

const NOTHING: Prefixes = { own: new Map() }

interface Open {
	element: Element
	tag: string
	prefixes: Prefixes
}

export function parse(bytes: Buffer): Element {
	const text = toText(bytes)
	const root: Element = { namespace: '', name: '', children: [], text: '', inner: '' }
	const stack: Open[] = [{ element: root, tag: '', prefixes: { own: new Map([['xml', 'http://www.w3.org/XML/1998/namespace']]) } }]
	let count = 0
	for (TOKEN.lastIndex = 0; TOKEN.lastIndex < text.length; ) {
		const match = TOKEN.exec(text)
		if (!match) throw wrong()
		const [, cdata, closing, tag, attributes = '', empty, plain] = match
		if (cdata !== undefined || plain !== undefined) addText(stack, cdata ?? plainOf(plain))
		else if (closing) close(stack, tag)
		else if (tag !== undefined) {
			count += 1 + open(stack, tag, attributes)
			if (count > PARTS_MAX || stack.length > DEPTH_MAX) throw wrong()
			if (empty) close(stack, tag)
		}
	}
	const [first, ...others] = root.children
	if (stack.length !== 1 || !first || others.length > 0) throw wrong()
	return first
}

/** How many attributes it has. */
function open(stack: Open[], tag: string, attributes: string): number {
	const { element: parent, prefixes: above } = stack[stack.length - 1]
	const own = new Map<string, string>()
	const others: Array<[string, string]> = []
	for (const [, name, double, single] of attributes.matchAll(ATTRIBUTE)) {
		const value = plainOf(double ?? single)
		if (name === 'xmlns') own.set('', value)
		else if (name.startsWith('xmlns:')) own.set(name.slice(6), value || refuse())
		else others.push([name, value])
		if (own.size + others.length > PARTS_MAX) throw wrong()
	}
	const prefixes = own.size > 0 ? { own, above } : above
	const { namespace, name } = resolved(tag, prefixes)
	const element: Element = { namespace, name, children: [], text: '', inner: '' }
	parent.children.push(element)
	const kept = keptAttributes(others, prefixes)
	for (const { element: above } of stack) above.inner += `<${name} xmlns="${escaped(namespace)}"${kept}>`
	stack.push({ element, tag, prefixes })
	return own.size + others.length
}

function resolved(tag: string, prefixes: Prefixes): { namespace: string; name: string } {
	const colon = tag.indexOf(':')
	const namespace = namespaceOf(colon === -1 ? '' : tag.slice(0, colon), prefixes)
	const name = tag.slice(colon + 1)
	if ((namespace === undefined && colon !== -1) || !isName(name)) throw wrong()
	return { namespace: namespace ?? '', name }
}

function namespaceOf(prefix: string, prefixes: Prefixes): string | undefined {
	for (let at: Prefixes | undefined = prefixes; at; at = at.above) {
		const namespace = at.own.get(prefix)
		if (namespace === undefined) continue
		if (namespace.length > NAMESPACE_CHARACTERS_MAX) throw wrong()
		return namespace
	}
	return undefined
}

/** Attributes belong to the value of a property (RFC 4918, 4.3); each once. */
function keptAttributes(attributes: ReadonlyArray<[string, string]>, prefixes: Prefixes): string {
	const kept = new Map<string, string>()
	for (const [index, [written, value]] of attributes.entries()) {
		const isPlain = !written.includes(':')
		const { namespace, name } = isPlain ? resolved(written, NOTHING) : resolved(written, prefixes)
		const key = `{${namespace}}${name}`
		if (kept.has(key)) throw wrong()
		// The prefix is one of its own, what it stood for is the same.
		const isAsWritten = isPlain || written.startsWith('xml:')
		kept.set(key, isAsWritten ? ` ${written}="${escaped(value)}"` : ` xmlns:a${index}="${escaped(namespace)}" a${index}:${name}="${escaped(value)}"`)
	}
	return [...kept.values()].join('')
}

function close(stack: Open[], tag: string): void {
	const last = stack.pop()
	if (!last || last.tag !== tag || stack.length === 0) throw wrong()
	for (const { element } of stack) element.inner += `</${last.element.name}>`
}

function addText(stack: Open[], text: string): void {
	// Between the elements of the document itself there may be blanks only.
	if (stack.length === 1 && text.trim() !== '') throw wrong()
	for (const { element } of stack) {
		element.text += text
		element.inner += escaped(text)
	}
}

function plainOf(text: string): string {
	return text.replace(ENTITY, (_, decimal, hexadecimal, name) => {
		if (name !== undefined) return NAMED[name] ?? refuse()
		const code = decimal === undefined ? Number.parseInt(hexadecimal, 16) : Number(decimal)
		return code > 0 && code <= 0x10_ff_ff ? String.fromCodePoint(code) : refuse()
	})
}

function refuse(): never {
	throw wrong()
}

function toText(bytes: Buffer): string {
	try {
		return new TextDecoder(bytes[0] === 0xfe || bytes[0] === 0xff ? 'utf-16' : 'utf-8', { fatal: true }).decode(bytes)
	} catch {
		throw wrong()
	}
}

function wrong(): HttpError {
	return new HttpError(400, 'the XML of the request cannot be read')
}

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** Control characters cannot be said in XML at all. */
export function escaped(text: string): string {
	// biome-ignore lint/suspicious/noControlCharactersInRegex: those that XML 1.0 has no way to write
	return text.replace(/[&<>"]/g, (character) => ESCAPES[character]).replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '\ufffd')
}

/** Of an element or attribute, without a prefix. */
export function isName(text: string): boolean {
	return NAME.test(text)
}

/** What stands between tags, so that it can do so in another document; what cannot is text. */
export function contentOf(text: string): string {
	try {
		return parse(Buffer.from(`<content>${text}</content>`)).inner
	} catch {
		return escaped(text)
	}
}

export function child(element: Element | undefined, name: string): Element | undefined {
	return element?.children.find((each) => each.namespace === DAV && each.name === name)
}
