/** GET and PUT of WebDAV. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { KIND } from '../../core/catalogue/files.ts'
import { codeOf } from '../../core/errors.ts'
import type { Located } from '../../core/filesystem/resolve.ts'
import { run } from '../../core/op.ts'
import type { Api } from '../api.ts'
import { handOverBy } from '../content/hand-over.ts'
import { mediaTypeOf } from '../content/media-type.ts'
import { pathIn } from '../content/paths.ts'
import { receive } from '../content/receive.ts'
import { sendFile } from '../content/send.ts'
import { versionTag } from '../content/validators.ts'
import { HttpError } from '../errors.ts'
import { reach, reachExisting } from '../tree/reach.ts'
import { checkLocks, checkOf } from './locks.ts'
import { withTag } from './tag.ts'

export async function get(request: FastifyRequest, reply: FastifyReply, api: Api): Promise<FastifyReply> {
	const path = pathIn(request.originalUrl)
	return await sendFile(request, reply, api, {
		*find() {
			const found = yield* reachExisting(request, api.fs, path, { role: 'read' })
			if (found.row.kind === KIND.directory) throw new HttpError(405, 'a collection has no content; PROPFIND lists it', { allow: 'OPTIONS, PROPFIND, PROPPATCH, DELETE, COPY, MOVE, LOCK, UNLOCK' })
			return { ...found, row: withTag(found.row) }
		},
		handOver: handOverBy(request, reply, api),
		headersOf: ({ place }) => ({ 'content-type': mediaTypeOf(place?.name ?? path), 'x-content-type-options': 'nosniff', 'content-security-policy': 'sandbox' }),
	})
}

export async function put(request: FastifyRequest, reply: FastifyReply, api: Api): Promise<FastifyReply> {
	const located = await target(request, api)
	if (!located.place || located.row?.kind === KIND.directory) throw new HttpError(405, 'a collection has no content')
	const changes = [{ path: located.path, name: located.row === undefined }]
	await run(checkLocks(request, api, changes))
	const { isNew, row } = await receive(request, reply, api, located, { check: checkOf(request, api, changes) })
	return reply.code(isNew ? 201 : 204).header('etag', versionTag(row)).send()
}

/** Where the collection above is missing the answer is 409, for every method that makes a name (RFC 4918, 9.7.1). */
export async function target(request: FastifyRequest, { fs }: Api, path = pathIn(request.originalUrl), follow = true): Promise<Located> {
	try {
		return await run(reach(request, fs, path, { role: 'write', follow }))
	} catch (error) {
		if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') throw new HttpError(409, 'there is no collection for that name to be in')
		throw error
	}
}
