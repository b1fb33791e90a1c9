/** How agents of the system before this one sign: HMAC-MD5 over the query as it was sent, up to `&sig=`, which has to be its end. */
import { createHmac, timingSafeEqual } from 'node:crypto'

const SIGNED = /^(.*)&sig=([0-9a-f]{32})$/s

export interface Signed {
	text: string
	signature: Buffer
}

export function readSigned(url: string): Signed | undefined {
	const at = url.indexOf('?')
	const [, text, signature] = SIGNED.exec(at === -1 ? '' : url.slice(at + 1)) ?? []
	return text === undefined ? undefined : { text, signature: Buffer.from(signature, 'hex') }
}

export function legacySignature(secret: string, text: string): Buffer {
	return createHmac('md5', secret).update(text).digest()
}

export function isSigned(secret: string, { text, signature }: Signed): boolean {
	return timingSafeEqual(legacySignature(secret, text), signature)
}
