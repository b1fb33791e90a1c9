/** What a request of the backup protocol says of who sends it, read by its other end. */
import { timingSafeEqual } from 'node:crypto'
import { type Signed, signatureOf } from './signature.ts'

export type Authorization = Omit<Signed, 'method' | 'target'> & { signature: Buffer }

const HEADER =
	/^Cairn ([a-z0-9][a-z0-9-]{0,62}) ([A-Za-z0-9_-]{16,64}) (\d{1,12}) ([A-Za-z0-9_-]{16,64}) ([0-9a-f]{64}) ([0-9a-f]{64})$/
export const CLOCK_WINDOW_SECONDS = 300

/** Undefined of anything that is not quite in its form. */
export function readAuthorization(header: string | undefined): Authorization | undefined {
	const found = HEADER.exec(header ?? '')
	if (!found) return undefined
	const [, site, agent, time, nonce, body, signature] = found
	return { site, agent, time, nonce, body, signature: Buffer.from(signature, 'hex') }
}

/** In constant time. */
export function isSigned(key: string, signed: Signed, signature: Buffer): boolean {
	const expected = signatureOf(key, signed)
	return expected.length === signature.length && timingSafeEqual(expected, signature)
}
