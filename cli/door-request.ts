/** One request to a door, its body and its answer as streams. */
import { type IncomingMessage, type OutgoingHttpHeaders, request as plain } from 'node:http'
import { request as secure } from 'node:https'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { DoorAddress } from './door-address.ts'

export interface Asked {
	method: string
	/** Encoded. */
	path: string
	headers?: OutgoingHttpHeaders
	body?: Readable
}

const SILENT_MS = 60_000
const SAID_BYTES_MAX = 65_536

/** The door did not do what it was asked to. */
export class Refused extends Error {
	readonly status: number

	constructor(status: number, message: string) {
		super(message)
		this.status = status
	}
}

export async function ask({ url, socketPath, token }: DoorAddress, { method, path, headers = {}, body }: Asked): Promise<IncomingMessage> {
	const send = url.protocol === 'https:' ? secure : plain
	const authorization = token === '' ? {} : { authorization: `Bearer ${token}` }
	const request = send(new URL(path, url), { method, socketPath, headers: { ...authorization, ...headers } })
	request.setTimeout(SILENT_MS, () => request.destroy(new Error(`the door has said nothing for ${SILENT_MS / 1000} s`)))
	const answered = new Promise<IncomingMessage>((resolve, reject) =>
		request.on('response', resolve).on('error', (error: NodeJS.ErrnoException) => reject(isNobody(error) ? nobodyAt(socketPath ?? url.host) : error)),
	)
	if (!body) request.end()
	// An answer may come before all is sent: then it is that which counts.
	else pipeline(body, request).catch((error: Error) => request.destroy(error))
	return await answered
}

/** Nothing listens there; a file to be sent may be missing too. */
function isNobody({ code, syscall }: NodeJS.ErrnoException): boolean {
	return syscall === 'connect' && (code === 'ECONNREFUSED' || code === 'ENOENT')
}

function nobodyAt(place: string): Error {
	return new Error(`no door answers at ${place}: does cairn api run there?`)
}

/** All of what it says; throws where that is no success. */
export async function told(response: IncomingMessage): Promise<string> {
	let text = ''
	for await (const chunk of response.setEncoding('utf8')) if (text.length < SAID_BYTES_MAX) text += chunk
	const { statusCode = 0 } = response
	if (statusCode >= 200 && statusCode < 300) return text
	throw new Refused(statusCode, `${statusCode}: ${reasonIn(text) || response.statusMessage}`)
}

function reasonIn(text: string): string {
	try {
		const { error } = JSON.parse(text) as { error?: string | { message?: string } }
		return (typeof error === 'string' ? error : error?.message) ?? ''
	} catch {
		return ''
	}
}

/** The door, or what is between, failed; another attempt may not. */
export function mayPass(error: unknown): boolean {
	return !(error instanceof Refused) || error.status === 503 || error.status === 504 || error.status === 429
}
