/** Which page of a browser a request is from. */
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyRequest } from 'fastify'

type Sent = Pick<FastifyRequest, 'headers' | 'host' | 'method'>

/** Of this door, or of none: programs say nothing of it, and what a person types in comes from nowhere. */
export function isOfOwnPage({ headers, host, method }: Sent): boolean {
	const { origin, 'sec-fetch-site': site } = headers
	if (site !== undefined) return site === 'same-origin' || site === 'none'
	return origin === undefined ? !isOfSomePage({ headers, method }) : hostOf(origin) === host
}

/** Where nothing is encrypted a browser does not say which page wants a picture, and any may want one from here (Fetch Metadata, 2). */
function isOfSomePage({ headers, method }: Pick<Sent, 'headers' | 'method'>): boolean {
	return (method === 'GET' || method === 'HEAD') && isOfBrowser(headers)
}

export function isOfBrowser({ 'user-agent': program = '' }: IncomingHttpHeaders): boolean {
	return program.startsWith('Mozilla/')
}

export function isOfNamedOrigin({ headers: { origin = '' } }: Pick<Sent, 'headers'>, origins: readonly string[]): boolean {
	return origins.includes('*') || origins.includes(origin)
}

function hostOf(origin: string): string | undefined {
	return URL.canParse(origin) ? new URL(origin).host : undefined
}
