/** A token: 256 random bits in a form that is easily recognised where it should not be, such as a log. */
import { createHash, randomBytes } from 'node:crypto'
import type { Driver } from '../catalogue/driver.ts'
import * as tokens from '../catalogue/tokens.ts'
import { fail } from '../errors.ts'
import { type Op, wait } from '../op.ts'
import type { Role } from './role.ts'
import { type Scope, toLines } from './scope.ts'

const PREFIX = 'cairn_'
const SECRET_BYTES = 32

export interface TokenSettings {
	name: string
	role: Role
	scope: Scope
	/** 0: no limit. */
	perMinute: number
	/** 0: for ever. */
	lastsSeconds: number
}

/** Its text, which nobody can be told a second time. EEXIST where the name is taken. */
export function* makeToken(driver: Driver, settings: TokenSettings): Op<string> {
	const text = newText()
	yield* enterToken(driver, text, settings)
	return text
}

export function newText(): string {
	return `${PREFIX}${randomBytes(SECRET_BYTES).toString('base64url')}`
}

/** Once: whoever enters it again, because he was killed, finds it there. EEXIST where another has the name. */
export function* enterToken(driver: Driver, text: string, { name, role, scope, perMinute, lastsSeconds }: TokenSettings): Op<void> {
	yield* wait(
		driver.transaction(function* (tx) {
			const there = yield* wait(tokens.find(tx, name))
			if (there) return hashOf(text).equals(there.hash) ? undefined : fail('EEXIST')
			tokens.insert(tx, { name, hash: hashOf(text), role, paths: toLines(scope), per_minute: perMinute, lastsSeconds }, driver.capabilities)
		}),
	)
}

/** It has so many bits that a slow hash would protect nothing more. */
export function hashOf(text: string): Buffer {
	return createHash('sha256').update(text).digest()
}
