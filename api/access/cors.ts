/** Which pages of other origins may use this door from a browser. */
import type { FastifyInstance, FastifyReply } from 'fastify'

const PREFLIGHT_SECONDS = 600
/** Of what answers say all but what a browser shows by itself. */
const EXPOSED = [
	'Accept-Encoding, Accept-Ranges, Allow, Content-Disposition, Content-MD5, Content-Range, DAV, ETag, Location, Lock-Token, Repr-Digest, Retry-After, X-Bytes-Read, X-OC-MTime',
	'Tus-Resumable, Tus-Version, Tus-Extension, Tus-Checksum-Algorithm, Upload-Concat, Upload-Defer-Length, Upload-Expires, Upload-Length, Upload-Metadata, Upload-Offset',
].join(', ')

export function allowOrigins(app: FastifyInstance, origins: readonly string[]): void {
	if (origins.length === 0) return
	app.addHook('onRequest', async (request, reply) => {
		const { origin } = request.headers
		// Also of what is sent to no page: a browser would give it to one from its cache, without the word that it may have it.
		addVary(reply, 'Origin')
		if (origin === undefined || !(origins.includes('*') || origins.includes(origin))) return
		// No credentials: a token travels in a header that the page sets itself, never in what the browser adds by itself.
		reply.headers({ 'access-control-allow-origin': origins.includes('*') ? '*' : origin, 'access-control-expose-headers': EXPOSED })
		const asked = request.headers['access-control-request-method']
		if (request.method !== 'OPTIONS' || asked === undefined) return
		return reply
			.headers({
				'access-control-allow-methods': asked,
				'access-control-allow-headers': request.headers['access-control-request-headers'] ?? '',
				'access-control-max-age': String(PREFLIGHT_SECONDS),
			})
			.code(204)
			.send()
	})
}

/** What besides the address an answer depends on. */
export function addVary(reply: FastifyReply, name: string): void {
	const others = reply.getHeader('vary')
	reply.header('vary', others === undefined ? name : `${others}, ${name}`)
}
