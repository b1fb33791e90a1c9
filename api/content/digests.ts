/** Hashes that a client sends along, and what it gets: Content-MD5 (RFC 1864), Digest (RFC 3230), Repr-Digest and Content-Digest (RFC 9530). */
import { createHash } from 'node:crypto'
import type { Beside, Digests } from '../../core/filesystem/upload.ts'
import { HttpError } from '../errors.ts'

export interface Expected {
	algorithm: keyof Digests
	bytes: Buffer
}

type Headers = Readonly<Record<string, string | string[] | undefined>>

const LENGTHS: Record<Expected['algorithm'], number> = { md5: 16, sha256: 32, sha512: 64 }

/** Every one has to hold. Algorithms that are not known are passed over, as the RFCs want. */
export function expectedOf(headers: Headers): Expected[] {
	const expected: Expected[] = []
	const note = (name: string, value: string) => {
		const algorithm = /^(?:md5|sha-?(?:256|512))$/i.test(name) ? (name.toLowerCase().replace('-', '') as Expected['algorithm']) : undefined
		if (algorithm) expected.push({ algorithm, bytes: bytes(value, LENGTHS[algorithm]) })
	}
	const md5 = single(headers['content-md5'])
	if (md5 !== undefined) note('md5', md5.trim())
	for (const [name, value] of pairs(single(headers.digest), /^\s*([\w-]+)=(.+?)\s*$/)) note(name, value)
	for (const header of ['content-digest', 'repr-digest']) {
		for (const [name, value] of pairs(single(headers[header]), /^\s*([\w-]+)=:(.+?):\s*(?:;.*)?$/)) note(name, value)
	}
	return expected
}

/** What a file's own hash does not say. */
export function besidesOf(expected: readonly Expected[]): Beside[] {
	return [...new Set(expected.flatMap(({ algorithm }) => (algorithm === 'sha256' ? [] : algorithm)))]
}

function pairs(header: string | undefined, form: RegExp): Array<[string, string]> {
	if (header === undefined) return []
	return header.split(',').map((part) => {
		const [, name, value] = form.exec(part) ?? []
		if (value === undefined) throw new HttpError(400, 'a digest in the request cannot be read')
		return [name, value]
	})
}

function bytes(text: string, length: number): Buffer {
	const value = Buffer.from(text, 'base64')
	if (value.length !== length) throw new HttpError(400, 'a digest in the request cannot be read')
	return value
}

export function verify(expected: readonly Expected[], found: Digests): void {
	for (const { algorithm, bytes } of expected) {
		if (!found[algorithm]?.equals(bytes)) throw new HttpError(400, 'what arrived does not have the hash that was sent along')
	}
}

/** Of content that is at hand. */
export function verifyWhole(headers: Headers, content: Uint8Array): void {
	const digest = (algorithm: string) => createHash(algorithm).update(content).digest()
	const expected = expectedOf(headers)
	if (expected.length > 0) verify(expected, { sha256: digest('sha256'), ...Object.fromEntries(besidesOf(expected).map((name) => [name, digest(name)])) })
}

function single(value: string | string[] | undefined): string | undefined {
	return Array.isArray(value) ? value.join(',') : value
}
