/**
 * Who came in with a token, in a cookie: the token's hash and a time, signed with a key of the catalogue, so that any door knows it,
 * none keeps it, and it is worth nothing once the token is revoked.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { signingKey } from '../../core/access/signed-url.ts'
import { hashOf } from '../../core/access/token.ts'
import { run } from '../../core/op.ts'
import type { TokenGrant } from '../access/known.ts'
import type { Api, Grant } from '../api.ts'
import { inTime } from './in-time.ts'

const COOKIE = 'cairn_session'
const SESSION_SECONDS = 14 * 86_400

export interface Sessions {
	/** What the cookie of whoever brings this token says; undefined where it is none. */
	begin(token: string): Promise<string | undefined>
	/** Who brings this cookie. When the catalogue does not answer, whoever was known last. */
	find(cookies: string | undefined): Promise<Grant | undefined>
}

const sessions = new WeakMap<Api, Sessions>()

/** One for the door: the tokens are read once for all its addresses. */
export function sessionsOf(api: Api): Sessions {
	const known = sessions.get(api) ?? createSessions(api)
	sessions.set(api, known)
	return known
}

function createSessions({ fs, tokens }: Api): Sessions {
	let key: Promise<Buffer> | undefined

	function readKey(): Promise<Buffer> {
		key ??= Promise.resolve(run(signingKey(fs.catalogue))).catch((error) => {
			key = undefined
			throw error
		})
		return key
	}

	async function holderOf(hash: Buffer): Promise<TokenGrant | undefined> {
		return await inTime(tokens.findHash(hash)).catch(() => tokens.lastKnown(hash))
	}

	return {
		async begin(token) {
			if (!(await tokens.find(token))) return undefined
			const value = `${hashOf(token).toString('base64url')}.${Math.floor(Date.now() / 1000) + SESSION_SECONDS}`
			return `${value}.${signature(await readKey(), value)}`
		},
		async find(cookies) {
			const [, hash, until, signed] = SESSION.exec(cookies ?? '') ?? []
			if (hash === undefined || Number(until) * 1000 < Date.now()) return undefined
			const right = signature(await inTime(readKey()), `${hash}.${until}`)
			return timingSafeEqual(Buffer.from(right), Buffer.from(signed)) ? await holderOf(Buffer.from(hash, 'base64url')) : undefined
		},
	}
}

const SESSION = new RegExp(`(?:^|; ?)${COOKIE}=([A-Za-z0-9_-]{43})\\.(\\d{1,12})\\.([A-Za-z0-9_-]{43})(?:;|$)`)

function signature(key: Buffer, value: string): string {
	return createHmac('sha256', key).update(`session\n${value}`).digest('base64url')
}

/** Not sent along from pages of others, not seen by scripts; '' ends it. */
export function cookieOf(value: string, isSecure: boolean): string {
	return `${COOKIE}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${value === '' ? 0 : SESSION_SECONDS}${isSecure ? '; Secure' : ''}`
}
