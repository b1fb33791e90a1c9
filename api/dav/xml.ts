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
const ELEMENTS_MAX = 10_000
const TOKEN = /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<!\[CDATA\[([\s\S]*?)\]\]>|<(\/?)([^\s<>/=]+)((?:\s+[^\s=<>/]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>|([^<]+)/y
const ATTRIBUTE = /([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g
const ENTITY = /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(\w+));/gi
const NAMED: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

interface Open {
	element: Element
	tag: string
	prefixes: Map<string, string>
}

export function parse(bytes: Buffer): Element {
	const text = toText(bytes)
	const root: Element = { namespace: '', name: '', children: [], text: '', inner: '' }
	const stack: Open[] = [{ element: root, tag: '', prefixes: new Map([['xml', 'http://www.w3.org/XML/1998/namespace']]) }]
	let count = 0
	for (TOKEN.lastIndex = 0; TOKEN.lastIndex < text.length; ) {
		const match = TOKEN.exec(text)
		if (!match) throw wrong()
		const [, cdata, closing, tag, attributes = '', empty, plain] = match
		if (cdata !== undefined || plain !== undefined) addText(stack, cdata ?? plainOf(plain))
		else if (closing) close(stack, tag)
		else if (tag !== undefined) {
			if (++count > ELEMENTS_MAX || stack.length > DEPTH_MAX) throw wrong()
			open(stack, tag, attributes)
			if (empty) close(stack, tag)
		}
	}
	const [first, ...others] = root.children
	if (stack.length !== 1 || !first || others.length > 0) throw wrong()
	return first
}

function open(stack: Open[], tag: string, attributes: string): void {
	const prefixes = new Map(stack[stack.length - 1].prefixes)
	const others: Array<[string, string]> = []
	for (const [, name, double, single] of attributes.matchAll(ATTRIBUTE)) {
		const value = plainOf(double ?? single)
		if (name === 'xmlns') prefixes.set('', value)
		else if (name.startsWith('xmlns:')) prefixes.set(name.slice(6), value || refuse())
		else others.push([name, value])
	}
	const { namespace, name } = resolved(tag, prefixes)
	const element: Element = { namespace, name, children: [], text: '', inner: '' }
	const parent = stack[stack.length - 1].element
	parent.children.push(element)
	const kept = others.map((attribute, index) => keptAttribute(attribute, index, prefixes)).join('')
	for (const { element: above } of stack) above.inner += `<${name} xmlns="${escaped(namespace)}"${kept}>`
	stack.push({ element, tag, prefixes })
}

function resolved(tag: string, prefixes: ReadonlyMap<string, string>): { namespace: string; name: string } {
	const colon = tag.indexOf(':')
	const namespace = prefixes.get(colon === -1 ? '' : tag.slice(0, colon))
	if (namespace === undefined && colon !== -1) throw wrong()
	return { namespace: namespace ?? '', name: tag.slice(colon + 1) }
}

/** Attributes belong to the value of a property (RFC 4918, 4.3); the prefix is one of its own, what it stood for is the same. */
function keptAttribute([written, value]: [string, string], index: number, prefixes: ReadonlyMap<string, string>): string {
	if (!written.includes(':') || written.startsWith('xml:')) return ` ${written}="${escaped(value)}"`
	const { namespace, name } = resolved(written, prefixes)
	return ` xmlns:a${index}="${escaped(namespace)}" a${index}:${name}="${escaped(value)}"`
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

export function child(element: Element | undefined, name: string): Element | undefined {
	return element?.children.find((each) => each.namespace === DAV && each.name === name)
}
