/** Tokens that let their holder write one object, or read it, for a few seconds: HS256, as SeaweedFS signs them. */
import { createHmac, timingSafeEqual } from 'node:crypto'

interface Claims {
	/** As it was given out: it holds for all that were given out with it. */
	fid: string
	/** Seconds since 1970. */
	exp: number
}

const HEADER = encode({ alg: 'HS256', typ: 'JWT' })
const PARTS = /^([\w-]{1,512})\.([\w-]{1,2048})\.([\w-]{43})$/

export function signJwt(key: string, claims: Claims): string {
	const head = `${HEADER}.${encode(claims)}`
	return `${head}.${signature(key, head)}`
}

/** Whether it holds for this object now. */
export function isValidJwt(key: string, token: string, fid: string, nowSeconds: number): boolean {
	const [, header, body, signed] = PARTS.exec(token) ?? []
	if (signed === undefined) return false
	if (!timingSafeEqual(Buffer.from(signature(key, `${header}.${body}`)), Buffer.from(signed))) return false
	const claims = decode(body)
	return decode(header)?.alg === 'HS256' && claims?.fid === fid && typeof claims.exp === 'number' && claims.exp >= nowSeconds
}

function signature(key: string, text: string): string {
	return createHmac('sha256', key).update(text).digest('base64url')
}

function encode(value: object): string {
	return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function decode(text: string): Record<string, unknown> | undefined {
	try {
		const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
		return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
	} catch {
		return undefined
	}
}
