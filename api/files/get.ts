/** Reading: a file, or what a directory has in it. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { KIND } from '../../core/catalogue/files.ts'
import type { Path } from '../../core/ids.ts'
import { run } from '../../core/op.ts'
import { addVary } from '../access/cors.ts'
import type { Api } from '../api.ts'
import { disposition } from '../content/disposition.ts'
import { handOverBy, type Signer } from '../content/hand-over.ts'
import { mediaTypeOf } from '../content/media-type.ts'
import { parameter, pathIn } from '../content/paths.ts'
import { sealed } from '../content/sealed.ts'
import { type Found, sendFile } from '../content/send.ts'
import { reachExisting } from '../tree/reach.ts'
import { pageOf } from './listing.ts'
import { toHtml } from './page.ts'

export async function get(request: FastifyRequest, reply: FastifyReply, api: Api, signed: Signer): Promise<FastifyReply> {
	const path = pathIn(request.originalUrl)
	const isDownload = parameter(request.originalUrl, 'dl') !== undefined
	const found = await run(reachExisting(request, api.fs, path, { role: 'read' }))
	if (found.row.kind === KIND.directory) return await sendListing(request, reply, api, found)
	// The first look is the one that was just made.
	let first: Found | undefined = found
	return await sendFile(request, reply, api, {
		*find() {
			const known = first
			first = undefined
			return known ?? (yield* reachExisting(request, api.fs, path, { role: 'read' }))
		},
		headersOf: (located) => headersOf(path, located, isDownload),
		handOver: handOverBy(request, reply, api, signed),
		sent: (located, headers, bytes) => api.answers?.keep(request.originalUrl, { found: located, headers: { ...headers, ...variesBy(reply) }, bytes }),
	})
}

function variesBy(reply: FastifyReply): Record<string, string> {
	const vary = reply.getHeader('vary')
	return vary === undefined ? {} : { vary: String(vary) }
}

function headersOf(path: Path, { place }: Found, isDownload: boolean): Record<string, string> {
	const name = path.subarray(path.lastIndexOf('/') + 1)
	return {
		...sealed(mediaTypeOf(place?.name ?? name)),
		...(isDownload ? { 'content-disposition': disposition('attachment', name.toString()) } : {}),
	}
}

async function sendListing(request: FastifyRequest, reply: FastifyReply, api: Api, { row, path }: Found): Promise<FastifyReply> {
	const page = await pageOf(api, request, row.id, path)
	addVary(reply, 'Accept')
	reply.header('cache-control', 'no-cache')
	// As text: put together by the schema it takes several times as long.
	if (!/\btext\/html\b/.test(request.headers.accept ?? '')) return reply.type('application/json; charset=utf-8').send(JSON.stringify(page))
	return reply.type('text/html; charset=utf-8').header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'").send(toHtml(page))
}
