/** The head of a request as plain clients write it. What is written in any other way is for node's HTTP to judge. */
import type { IncomingHttpHeaders } from 'node:http'
import { isHost } from '../framing.ts'

/** Longer than what is asked plainly. */
const HEAD_BYTES_MAX = 4_096
const REQUEST_LINE = /^(GET|HEAD|PUT|POST) (\/[\x21-\x7e]*) HTTP\/1\.1$/
const HEADER_LINE = /^([A-Za-z-]+):[ \t]*([\x20-\x7e]*)$/
/** What does not change how a request is to be understood, or is looked at here. */
const PLAIN = new Set([
	'host', 'authorization', 'user-agent', 'accept', 'accept-encoding', 'accept-language', 'connection', 'if-none-match', 'if-modified-since', 'cache-control',
	'pragma', 'referer', 'content-length', 'content-type', 'sec-fetch-mode',
])
const END = '\r\n\r\n'

export interface PlainHead {
	method: string
	url: string
	headers: IncomingHttpHeaders
	/** What comes with it. */
	body: Buffer
}

/** Undefined of what is not exactly one whole request without anything unusual. */
export type ReadPlain = (chunk: Buffer) => PlainHead | undefined

/** For one connection: who keeps it says the same of himself each time. */
export function createReader(): ReadPlain {
	let lastLines: string | undefined
	let last: IncomingHttpHeaders | undefined

	function headersOf(lines: string): IncomingHttpHeaders | undefined {
		if (lines === lastLines) return last
		lastLines = lines
		last = parse(lines)
		return last
	}

	return (chunk) => {
		const end = chunk.indexOf(END)
		if (end === -1 || end > HEAD_BYTES_MAX) return undefined
		const head = chunk.toString('latin1', 0, end)
		const first = head.indexOf('\r\n')
		const [, method, url] = REQUEST_LINE.exec(first === -1 ? head : head.slice(0, first)) ?? []
		const headers = url === undefined || first === -1 ? undefined : headersOf(head.slice(first + 2))
		if (!headers) return undefined
		const body = chunk.subarray(end + END.length)
		const announced = method === 'PUT' || method === 'POST' ? String(body.length) : undefined
		if (headers['content-length'] !== announced || (announced === undefined && body.length > 0)) return undefined
		return { method, url, headers, body }
	}
}

function parse(lines: string): IncomingHttpHeaders | undefined {
	const headers: IncomingHttpHeaders = {}
	for (const line of lines.split('\r\n')) {
		const [, written, value] = HEADER_LINE.exec(line) ?? []
		const name = written?.toLowerCase()
		if (name === undefined || !PLAIN.has(name) || headers[name] !== undefined) return undefined
		headers[name] = value.trimEnd()
	}
	const { host, connection = 'keep-alive' } = headers
	return isHost(host) && connection.toLowerCase() === 'keep-alive' ? headers : undefined
}
