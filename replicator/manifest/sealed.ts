/** Lines of JSON that end with their own checksum: a file that is cut or damaged is told from a whole one. */
import { createHash } from 'node:crypto'
// On this thread: some milliseconds at a time, and memory that threads of the pool would each keep for themselves.
import { gunzipSync, gzipSync } from 'node:zlib'

const GZIP = { level: 4 }
const NEWLINE = 0x0a

/** The first line, then the others. */
export function seal(header: object, lines: readonly string[]): Buffer {
	const text = Buffer.from([JSON.stringify(header), ...lines, ''].join('\n'))
	const end = Buffer.from(`${JSON.stringify({ end: true, sha256: checksum(text) })}\n`)
	return gzipSync(Buffer.concat([text, end]), GZIP)
}

/** Undefined where it is not whole. */
export function unseal<Header>(data: Buffer): { header: Header; lines: string[] } | undefined {
	const text = wholeText(data)
	if (!text) return undefined
	const lines = text.toString('utf8', 0, text.length - 1).split('\n')
	return { header: JSON.parse(lines[0]) as Header, lines: lines.slice(1) }
}

/** The same of the first line alone: what it costs to know that a file is whole. */
export function unsealHeader<Header>(data: Buffer): Header | undefined {
	const text = wholeText(data)
	return text && (JSON.parse(text.toString('utf8', 0, text.indexOf(NEWLINE))) as Header)
}

/** All but the last line, if that one says that this is all. */
function wholeText(data: Buffer): Buffer | undefined {
	const all = inflated(data)
	const at = all.length < 2 ? 0 : all.lastIndexOf(NEWLINE, all.length - 2) + 1
	const text = all.subarray(0, at)
	return at > 0 && checksumIn(all.toString('utf8', at)) === checksum(text) ? text : undefined
}

function checksum(text: Buffer): string {
	return createHash('sha256').update(text).digest('hex')
}

function inflated(data: Buffer): Buffer {
	try {
		return gunzipSync(data)
	} catch (error) {
		// Of zlib: cut or damaged. Anything else, no memory for one, is a failure.
		if (!String((error as { code?: string }).code).startsWith('Z_')) throw error
		return Buffer.alloc(0)
	}
}

function checksumIn(line: string): string | undefined {
	try {
		return (JSON.parse(line) as { sha256?: string }).sha256
	} catch (error) {
		if (error instanceof SyntaxError) return undefined
		throw error
	}
}
