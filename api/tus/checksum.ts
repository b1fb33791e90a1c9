/** The body of a request, hashed on its way: as the client asks for it, and as the catalogue wants to know it. */
import { createHash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { fail } from '../../core/errors.ts'
import { bodyOf, lengthOf } from '../content/body.ts'
import { HttpError } from '../errors.ts'

export const ALGORITHMS: readonly string[] = ['sha1', 'sha256', 'md5']
const MISMATCH = 460

export interface Checked {
	source: AsyncIterable<Buffer>
	/** When all has come: throws where it is not what `Upload-Checksum` says. */
	verify(): void
	/** Of all that came; undefined where it was not asked for. */
	sha256(): Buffer | undefined
}

export function checked(request: FastifyRequest, { sha256: isWanted, bytesMax }: { sha256: boolean; bytesMax: number }): Checked {
	const header = request.headers['upload-checksum']
	const [algorithm, value = ''] = String(header ?? '').split(' ')
	if (header !== undefined && !ALGORITHMS.includes(algorithm)) throw new HttpError(400, `checksums are ${ALGORITHMS.join(', ')}`)
	const asked = header === undefined ? undefined : createHash(algorithm)
	const sha256 = isWanted ? createHash('sha256') : undefined
	async function* hashed(): AsyncGenerator<Buffer> {
		if ((lengthOf(request) ?? 0) > bytesMax) fail('EFBIG', 'that is more than was announced')
		for await (const chunk of bodyOf(request)) {
			asked?.update(chunk)
			sha256?.update(chunk)
			yield chunk
		}
	}
	return {
		source: hashed(),
		verify() {
			if (asked && !asked.digest().equals(Buffer.from(value, 'base64'))) throw new HttpError(MISMATCH, 'the checksum does not hold')
		},
		sha256: () => sha256?.digest(),
	}
}
