/** Lines of JSON that end with their own checksum: a file that is cut or damaged is told from a whole one. */
import { createHash } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'

// On this thread: some milliseconds at a time, and memory that threads of the pool would each keep for themselves.
const GZIP = { level: 4 }

/** The first line, then the others. */
export function seal(header: object, lines: readonly string[]): Buffer {
	const text = [JSON.stringify(header), ...lines, ''].join('\n')
	const end = JSON.stringify({ end: true, sha256: checksum(text) })
	return gzipSync(`${text}${end}\n`, GZIP)
}

/** Undefined where it is not whole. */
export function unseal<Header>(data: Buffer): { header: Header; lines: string[] } | undefined {
	const text = inflated(data)
	const at = text.lastIndexOf('\n', text.length - 2) + 1
	const end = parsed<{ sha256?: string }>(text.slice(at))
	if (end?.sha256 !== checksum(text.slice(0, at))) return undefined
	const lines = text.slice(0, at - 1).split('\n')
	return { header: JSON.parse(lines[0]) as Header, lines: lines.slice(1) }
}

function checksum(text: string): string {
	return createHash('sha256').update(text).digest('hex')
}

function inflated(data: Buffer): string {
	try {
		return gunzipSync(data).toString()
	} catch (error) {
		// Of zlib: cut or damaged. Anything else, no memory for one, is a failure.
		if (!String((error as { code?: string }).code).startsWith('Z_')) throw error
		return ''
	}
}

function parsed<T>(text: string): T | undefined {
	try {
		return JSON.parse(text) as T
	} catch (error) {
		if (error instanceof SyntaxError) return undefined
		throw error
	}
}
