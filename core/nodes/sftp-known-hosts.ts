/** known_hosts, as sshd(8) describes it: which keys a host may have. What it does not say is not trusted. */
import { createHmac } from 'node:crypto'

export interface KnownKeys {
	/** Of this host, by the file. */
	keys: Buffer[]
	/** Never to be accepted, whatever else the file says. */
	revoked: Buffer[]
}

const SSH_PORT = 22

export function knownKeys(text: string, host: string, port: number): KnownKeys {
	const name = port === SSH_PORT ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`
	const known: KnownKeys = { keys: [], revoked: [] }
	for (const line of text.split('\n')) {
		const fields = line.trim().split(/\s+/)
		if (fields[0] === '' || fields[0].startsWith('#')) continue
		const marker = fields[0].startsWith('@') ? fields.shift() : undefined
		const [patterns, , key] = fields
		// A certificate authority speaks for keys that are not in the file: that is more than was asked for.
		if (key === undefined || (marker !== undefined && marker !== '@revoked') || !names(patterns, name)) continue
		known[marker === '@revoked' ? 'revoked' : 'keys'].push(Buffer.from(key, 'base64'))
	}
	return known
}

function names(patterns: string, name: string): boolean {
	if (patterns.startsWith('|1|')) return isHashOf(patterns, name)
	const list = patterns.toLowerCase().split(',')
	if (list.some((pattern) => pattern.startsWith('!') && fits(pattern.slice(1), name))) return false
	return list.some((pattern) => fits(pattern, name))
}

/** `|1|salt|hash`: the name is hidden from whoever reads the file. */
function isHashOf(pattern: string, name: string): boolean {
	const [, , salt, hash] = pattern.split('|')
	return createHmac('sha1', Buffer.from(salt ?? '', 'base64'))
		.update(name)
		.digest()
		.equals(Buffer.from(hash ?? '', 'base64'))
}

function fits(pattern: string, name: string): boolean {
	const expression = pattern
		.replace(/[.+^${}()|[\]\\]/g, '\\$&')
		.replaceAll('*', '.*')
		.replaceAll('?', '.')
	return new RegExp(`^${expression}$`).test(name)
}

/** The name of a key's kind is the first field of the key. */
export function keyType(key: Buffer): string {
	return key.length < 4 ? '' : key.toString('latin1', 4, 4 + key.readUInt32BE(0))
}
