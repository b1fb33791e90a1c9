/** What an address takes, for whoever asks it for something else (RFC 9110, 15.5.6) or for that (OPTIONS). */
import type { FastifyContextConfig } from 'fastify'

export interface Known {
	method: string
	url: string
	config: FastifyContextConfig
}

/** The routes that a path fits. */
export type Fitting = (path: string) => Known[]

export function createFitting(routes: readonly Known[]): Fitting {
	const patterns = new Map<string, RegExp>()
	const patternOf = (url: string) => {
		const pattern = patterns.get(url) ?? toPattern(url)
		patterns.set(url, pattern)
		return pattern
	}
	return (path) => routes.filter(({ url }) => patternOf(url).test(path))
}

const PARAMETER = /(:\w+(?:\(\^.*?\$\))?)/

/** `:name` is one part of a path, `:name(^…$)` one of that form, `*` all the rest. */
function toPattern(url: string): RegExp {
	const source = url.split(PARAMETER).map((piece) => {
		if (!PARAMETER.test(piece)) return piece.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace(/\*$/, '.*')
		const form = piece.indexOf('(')
		return form === -1 ? '[^/]+' : piece.slice(form + 2, -2)
	})
	return new RegExp(`^${source.join('')}$`)
}

export function methodsOf(routes: readonly Known[]): string {
	return [...new Set([...routes.map(({ method }) => method), 'OPTIONS'])].sort().join(', ')
}
