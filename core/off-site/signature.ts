/** How a request of the backup protocol is signed; both of its ends use this (docs/BACKUP-PROTOCOL.md). */
import { createHash, createHmac } from 'node:crypto'

export interface Signed {
	method: string
	/** As it is on the request line, the query after its first `?` included. */
	target: string
	site: string
	agent: string
	/** Seconds since 1970, in decimal digits. */
	time: string
	nonce: string
	/** SHA-256 of the body, hex. */
	body: string
}

export const NO_BODY = hashOf('')

export function hashOf(body: Buffer | string): string {
	return createHash('sha256').update(body).digest('hex')
}

/** 32 bytes; in the header they are hex. */
export function signatureOf(key: string, { method, target, site, agent, time, nonce, body }: Signed): Buffer {
	const mark = target.indexOf('?')
	const [path, query] = mark === -1 ? [target, ''] : [target.slice(0, mark), target.slice(mark + 1)]
	const text = ['cairn1', method, path, query, site, agent, time, nonce, body].join('\n')
	return createHmac('sha256', key).update(text).digest()
}

export function authorizationOf(key: string, signed: Signed): string {
	const { site, agent, time, nonce, body } = signed
	return `Cairn ${site} ${agent} ${time} ${nonce} ${body} ${signatureOf(key, signed).toString('hex')}`
}
