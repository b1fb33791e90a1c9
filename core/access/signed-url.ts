/** An address that by itself lets somebody do one thing with one path until a certain time. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Driver } from '../catalogue/driver.ts'
import * as settings from '../catalogue/settings.ts'
import { type Op, wait } from '../op.ts'

const KEY = 'url_key'
const KEY_BYTES = 32
const SIGNATURE = /^[A-Za-z0-9_-]{43}$/

/** One for the catalogue, so that any door knows what another has signed. */
export function* signingKey(driver: Driver): Op<Buffer> {
	const text = yield* wait(
		driver.transaction(function* (tx) {
			const row = yield* wait(settings.find(tx, KEY))
			if (row) return row.value
			const made = randomBytes(KEY_BYTES).toString('hex')
			settings.set(tx, KEY, made, driver.capabilities)
			return made
		}),
	)
	return Buffer.from(text, 'hex')
}

export interface Signed {
	/** HEAD counts as GET. */
	method: string
	/** As it stands in the request, still encoded. */
	path: string
	/** Seconds since 1970. */
	expires: number
}

export function sign(key: Buffer, { method, path, expires }: Signed): string {
	return createHmac('sha256', key).update(`${method === 'HEAD' ? 'GET' : method}\n${path}\n${expires}`).digest('base64url')
}

export function isSignedBy(key: Buffer, signed: Signed, signature: string): boolean {
	return SIGNATURE.test(signature) && timingSafeEqual(Buffer.from(sign(key, signed)), Buffer.from(signature))
}
