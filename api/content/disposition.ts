/** Content-Disposition, of a request and of a part of a form: RFC 6266, and what browsers and curl make of it. */
const PARAMETER = /;\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]*))/gs
const UTF8 = new TextDecoder('utf-8', { fatal: true })

/** Its parameters, by name in small letters. Header values are bytes, which node shows as Latin-1: here they are text. */
export function parametersOf(header: string): Map<string, string> {
	const found = new Map<string, string>()
	for (const [, name, quoted, plain] of `;${header.replace(/^\s*;/, '')}`.matchAll(PARAMETER)) {
		const key = name.toLowerCase()
		if (!found.has(key)) found.set(key, toText(quoted === undefined ? plain.trim() : unquoted(quoted)))
	}
	return found
}

/** Without the folders some browsers put before it; '' where none is said. */
export function filenameOf(header: string): string {
	const parameters = parametersOf(header)
	return baseName(extended(parameters.get('filename*')) ?? parameters.get('filename') ?? '')
}

/** The same of a file in a form: what would end the name there, and nothing else, is written %xx (HTML, "multipart form data"; curl too). */
export function filenameInForm(header: string): string {
	return filenameOf(header).replace(/%(22|0A|0D)/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** A backslash is a letter like any other, unless it stands in a whole path of Windows. */
const WINDOWS_PATH = /^([a-z]:|\\)\\/i

export function baseName(name: string): string {
	const own = WINDOWS_PATH.test(name) ? name.lastIndexOf('\\') : -1
	return name.slice(Math.max(name.lastIndexOf('/'), own) + 1)
}

/** For a response: an old client reads the first form, every other one the second. */
export function disposition(kind: 'inline' | 'attachment', name: string): string {
	if (name === '') return kind
	const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, '_')
	return plain === name ? `${kind}; filename="${name}"` : `${kind}; filename="${plain}"; filename*=UTF-8''${encode(name)}`
}

/** Windows writes its backslashes unescaped: what follows one counts as escaped only where it has to be. */
function unquoted(value: string): string {
	return value.replace(/\\(["\\])/g, '$1')
}

/** `UTF-8''na%C3%AFve.txt` (RFC 8187). */
function extended(value: string | undefined): string | undefined {
	const [, encoded] = /^utf-8'[^']*'(.*)$/is.exec(value ?? '') ?? []
	if (encoded === undefined) return undefined
	try {
		return decodeURIComponent(encoded)
	} catch {
		return undefined
	}
}

function encode(name: string): string {
	return encodeURIComponent(name.toWellFormed()).replace(/['()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** UTF-8 where it is, else what Latin-1 says. */
export function toText(value: string): string {
	if (!/[\x80-\xff]/.test(value)) return value
	try {
		return UTF8.decode(Buffer.from(value, 'latin1'))
	} catch {
		return value
	}
}
