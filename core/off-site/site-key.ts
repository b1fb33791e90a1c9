/** A site's key: what its agent signs with. Signing needs the key itself, so it is sealed and not hashed. */
import { randomBytes } from 'node:crypto'
import { seal, unseal } from './seal.ts'

const PREFIX = 'cairnsite_'
const SECRET_BYTES = 32

export function newSiteKey(): string {
	return `${PREFIX}${randomBytes(SECRET_BYTES).toString('base64url')}`
}

const contextOf = (site: string) => `site ${site}`

export function sealSiteKey(sealing: Buffer, site: string, key: string): Buffer {
	return seal(sealing, key, contextOf(site))
}

export function openSiteKey(sealing: Buffer, site: { name: string; sealed_key: Uint8Array }): string | undefined {
	return unseal(sealing, site.sealed_key, contextOf(site.name))
}
