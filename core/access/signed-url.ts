/** An address that by itself lets somebody do one thing there until a certain time. */
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
	/** Path and query as they stand in the request, still encoded, without what is added here: in some dialects the query says which file is meant. */
	target: string
	/** Seconds since 1970. */
	expires: number
}

export function sign(key: Buffer, { method, target, expires }: Signed): string {
	return createHmac('sha256', key).update(`${method === 'HEAD' ? 'GET' : method}\n${target}\n${expires}`).digest('base64url')
}

export function signedTarget(key: Buffer, signed: Signed): string {
	const { target, expires } = signed
	return `${target}${target.includes('?') ? '&' : '?'}expires=${expires}&signature=${sign(key, signed)}`
}

/** What `signedTarget` was given. */
export function withoutSignature(target: string): string {
	const [path, ...query] = target.split('?')
	const said = query.join('?').split('&').filter((each) => !/^(expires|signature)=/.test(each)).join('&')
	return said === '' ? path : `${path}?${said}`
}

export function isSignedBy(key: Buffer, signed: Signed, signature: string): boolean {
	return SIGNATURE.test(signature) && timingSafeEqual(Buffer.from(sign(key, signed)), Buffer.from(signature))
}
