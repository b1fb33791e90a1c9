/**
 * A form (multipart/form-data, RFC 7578) that is at hand, taken apart in one pass, where it is written as clients write them. Of whatever is
 * unusual about one, the parser of those that come in pieces judges (form.ts).
 */
export interface WholePart {
	/** In the order they have, with their names in small letters. */
	headers: Array<[name: string, value: string]>
	content: Buffer
}

const PARTS_MAX = 16
const LINES_MAX = 16
const HEAD_BYTES_MAX = 4_096
const HEADER_LINE = /^([\w-]+):[ \t]?([^\r\n]*)$/
const CRLF = 0x0d0a
const DASHES = 0x2d2d
const CRLF_BYTES = 2
const HEAD_END = '\r\n\r\n'

/** Undefined of what is unusual. */
export function partsOfWhole(form: Buffer, boundary: string): WholePart[] | undefined {
	const between = Buffer.from(`\r\n--${boundary}`)
	if (form.indexOf(between.subarray(CRLF_BYTES)) !== 0) return undefined
	const parts: WholePart[] = []
	let at = between.length - CRLF_BYTES
	for (;;) {
		const mark = at + CRLF_BYTES <= form.length ? form.readUInt16BE(at) : undefined
		if (mark === DASHES) return parts
		if (mark !== CRLF || parts.length === PARTS_MAX) return undefined
		const end = form.indexOf(between, at)
		const part = end === -1 ? undefined : partOf(form.subarray(at, end))
		if (!part) return undefined
		parts.push(part)
		at = end + between.length
	}
}

/** `bytes` begin with the end of the line before. */
function partOf(bytes: Buffer): WholePart | undefined {
	const end = bytes.indexOf(HEAD_END)
	if (end === -1 || end > HEAD_BYTES_MAX) return undefined
	const headers = end === 0 ? [] : headersOf(bytes.toString('latin1', CRLF_BYTES, end))
	return headers && { headers, content: bytes.subarray(end + HEAD_END.length) }
}

function headersOf(text: string): WholePart['headers'] | undefined {
	const headers: WholePart['headers'] = []
	for (const line of text.split('\r\n')) {
		const [, name, value] = HEADER_LINE.exec(line) ?? []
		if (name === undefined || headers.length === LINES_MAX) return undefined
		headers.push([name.toLowerCase(), value])
	}
	return headers
}
