/** Parameters of dialects whose paths are text: what is not UTF-8 is refused, and not taken for something else. */
import type { FastifyRequest } from 'fastify'
import { HttpError } from '../errors.ts'
import { parameter } from './paths.ts'

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** `+` is a space, as in a form. Undefined where it is not said. */
export function textParameter({ originalUrl }: Pick<FastifyRequest, 'originalUrl'>, name: string): string | undefined {
	const query = originalUrl.indexOf('?')
	const bytes = query === -1 ? undefined : parameter(originalUrl.slice(0, query) + originalUrl.slice(query).replaceAll('+', '%20'), name)
	if (bytes === undefined) return undefined
	const text = utf8(bytes)
	if (text === undefined) throw new HttpError(400, `${name} is not UTF-8`)
	return text
}

/** Undefined where it is something else. */
export function utf8(bytes: Uint8Array): string | undefined {
	try {
		return UTF8.decode(bytes)
	} catch {
		return undefined
	}
}
