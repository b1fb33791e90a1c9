/** Hashes that a client sends along, and what it gets: Content-MD5 (RFC 1864), Digest (RFC 3230), Repr-Digest and Content-Digest (RFC 9530). */
import { createHash } from 'node:crypto'
import { HttpError } from '../errors.ts'

export interface Expected {
	md5?: Buffer
	sha256?: Buffer
}

type Headers = Readonly<Record<string, string | string[] | undefined>>

/** Algorithms that are not known are passed over, as the RFCs want. */
export function expectedOf(headers: Headers): Expected {
	const expected: Expected = {}
	const md5 = single(headers['content-md5'])
	if (md5 !== undefined) expected.md5 = bytes(md5.trim(), 16)
	for (const [name, value] of pairs(single(headers.digest), /^\s*([\w-]+)=(.+?)\s*$/)) note(expected, name, value)
	for (const header of ['content-digest', 'repr-digest']) {
		for (const [name, value] of pairs(single(headers[header]), /^\s*([\w-]+)=:(.+?):\s*(?:;.*)?$/)) note(expected, name, value)
	}
	return expected
}

function note(expected: Expected, name: string, value: string): void {
	if (/^sha-?256$/i.test(name)) expected.sha256 = bytes(value, 32)
	else if (/^md5$/i.test(name)) expected.md5 = bytes(value, 16)
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

export function verify(expected: Expected, found: { sha256: Buffer; md5: Buffer | undefined }): void {
	if ((expected.sha256 && !expected.sha256.equals(found.sha256)) || (expected.md5 && found.md5 && !expected.md5.equals(found.md5))) {
		throw new HttpError(400, 'what arrived does not have the hash that was sent along')
	}
}

/** Of content that is at hand. */
export function verifyWhole(headers: Headers, content: Uint8Array): void {
	const expected = expectedOf(headers)
	if (expected.sha256 ?? expected.md5) verify(expected, { sha256: createHash('sha256').update(content).digest(), md5: createHash('md5').update(content).digest() })
}

function single(value: string | string[] | undefined): string | undefined {
	return Array.isArray(value) ? value.join(',') : value
}
