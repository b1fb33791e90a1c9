/** The tokens as this process knows them: few rows, read whole, and again when they are older than a moment. */
import { hash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { hashOf } from '../../core/access/token.ts'
import { fromLines } from '../../core/access/scope.ts'
import type { Role } from '../../core/access/role.ts'
import * as tokens from '../../core/catalogue/tokens.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import type { Grant } from '../api.ts'

/** A token that was revoked is refused after this long at the latest. */
const KNOWN_MS = 2_000
/** One that is not known may have been made since: it is looked for anew, but not more often than this. */
const LOOKED_MS = 25
const USED_MS = 60_000

export interface TokenGrant extends Grant {
	readonly role: Role
	readonly token: { readonly id: number; readonly perMinute: number; usedAtMs: number }
}

export interface KnownTokens {
	/** Undefined: there is none, or it has expired. */
	find(text: string): Promise<TokenGrant | undefined>
	findHash(hash: Buffer): Promise<TokenGrant | undefined>
	/** To be waited for before `atHand`; undefined where it need not be. */
	stale(): Promise<void> | undefined
	/** What `find` would say, where that needs no look at the catalogue; undefined where it does, and of one that is not known. */
	atHand(text: string): TokenGrant | undefined
	/** Whether there is still one of this id; undefined where what is known is too old to say so. */
	holds(id: number): boolean | undefined
	/** The same without asking the catalogue, for one that gives no answer. */
	lastKnown(hash: Buffer): TokenGrant | undefined
}

export function createKnownTokens({ catalogue, capabilities, report }: Pick<Filesystem, 'catalogue' | 'capabilities' | 'report'>): KnownTokens {
	let byHash = new Map<string, TokenGrant>()
	let readAtMs = Number.NEGATIVE_INFINITY
	let reading: Promise<void> | undefined
	/** Who asks often asks with the same. */
	let lastAsked = { text: '', key: '' }

	async function read(): Promise<void> {
		const startedMs = performance.now()
		const rows = await tokens.list(catalogue, capabilities)
		const previous = byHash
		byHash = new Map(rows.filter((row) => !row.expired).map((row) => toGrant(row, previous)))
		readAtMs = startedMs
	}

	function see(grant: TokenGrant): void {
		const nowMs = performance.now()
		if (nowMs - grant.token.usedAtMs < USED_MS) return
		grant.token.usedAtMs = nowMs
		Promise.resolve(tokens.setUsed(catalogue, grant.token.id)).catch((error: Error) => report(`token ${grant.name}: ${error.message}`))
	}

	async function readUnlessYounger(ms: number): Promise<void> {
		if (performance.now() - readAtMs <= ms) return
		reading ??= read().finally(() => {
			reading = undefined
		})
		await reading
	}

	async function readSince(askedMs: number): Promise<void> {
		while (readAtMs < askedMs) {
			await sleep(Math.max(0, readAtMs + LOOKED_MS - performance.now()))
			if (readAtMs < askedMs) await readUnlessYounger(LOOKED_MS - 1)
		}
	}

	async function findHash(hash: Buffer): Promise<TokenGrant | undefined> {
		const key = hash.toString('latin1')
		await readUnlessYounger(KNOWN_MS)
		if (!byHash.has(key)) await readSince(performance.now())
		const grant = byHash.get(key)
		if (grant) see(grant)
		return grant
	}

	function atHand(text: string): TokenGrant | undefined {
		if (performance.now() - readAtMs > KNOWN_MS) return undefined
		if (lastAsked.text !== text) lastAsked = { text, key: hash('sha256', text, 'binary') }
		const grant = byHash.get(lastAsked.key)
		if (grant) see(grant)
		return grant
	}

	return {
		stale: () => (performance.now() - readAtMs <= KNOWN_MS ? undefined : readUnlessYounger(KNOWN_MS)),
		find: (text) => findHash(hashOf(text)),
		atHand,
		holds: (id) => (performance.now() - readAtMs > KNOWN_MS ? undefined : byHash.values().some(({ token }) => token.id === id)),
		findHash,
		lastKnown: (digest) => byHash.get(digest.toString('latin1')),
	}
}

function toGrant({ id, name, hash, role, paths, per_minute }: tokens.TokenRow, previous: Map<string, TokenGrant>): [string, TokenGrant] {
	const key = Buffer.from(hash).toString('latin1')
	const usedAtMs = previous.get(key)?.token.usedAtMs ?? Number.NEGATIVE_INFINITY
	return [key, { name, role, scope: fromLines(paths), anonymous: false, token: { id, perMinute: per_minute, usedAtMs } }]
}
