/** Which page of a browser a request is from. */
import type { FastifyRequest } from 'fastify'

type Sent = Pick<FastifyRequest, 'headers' | 'host'>

/** Of this door, or of none: programs say nothing of it, and what a person types in comes from nowhere. */
export function isOfOwnPage({ headers, host }: Sent): boolean {
	const site = headers['sec-fetch-site']
	return site === undefined ? headers.origin === undefined || hostOf(headers.origin) === host : site === 'same-origin' || site === 'none'
}

export function isOfNamedOrigin({ headers: { origin = '' } }: Sent, origins: readonly string[]): boolean {
	return origins.includes('*') || origins.includes(origin)
}

function hostOf(origin: string): string | undefined {
	return URL.canParse(origin) ? new URL(origin).host : undefined
}
