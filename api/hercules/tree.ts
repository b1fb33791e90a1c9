/** Paths as Hercules' clients write them: from the root, with or without a slash or `./` before them. */
import type { FastifyRequest } from 'fastify'
import type { Path } from '../../core/ids.ts'
import { textParameter } from '../content/text-parameter.ts'
import { HttpError } from '../errors.ts'

/** `..` is left in, and refused by whoever looks it up. */
export function toPath(text: string): Path {
	// JSON can say half of a character; as bytes it would be another name.
	if (!text.isWellFormed()) throw new HttpError(400, 'a path is not Unicode')
	return Buffer.from(text.split('/').filter((name) => name !== '' && name !== '.').join('/'))
}

export function pathAsked(request: FastifyRequest): { text: string; path: Path } {
	const text = textParameter(request, 'path') ?? ''
	if (text === '') throw new HttpError(400, 'path is required')
	return { text, path: toPath(text) }
}
