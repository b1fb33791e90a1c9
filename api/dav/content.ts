/** GET and PUT of WebDAV. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { KIND } from '../../core/catalogue/files.ts'
import { run } from '../../core/op.ts'
import type { Api } from '../api.ts'
import { handOverBy } from '../content/hand-over.ts'
import { mediaTypeOf } from '../content/media-type.ts'
import { pathIn } from '../content/paths.ts'
import { receive } from '../content/receive.ts'
import { sealed } from '../content/sealed.ts'
import { sendFile } from '../content/send.ts'
import { versionTag } from '../content/validators.ts'
import { endsInSlash } from '../tree/below.ts'
import { reachExisting, reachTarget } from '../tree/reach.ts'
import { checkLocks, checkOf } from './locks.ts'
import { notTaken } from './not-taken.ts'
import { withTag } from './tag.ts'

export async function get(request: FastifyRequest, reply: FastifyReply, api: Api): Promise<FastifyReply> {
	const path = pathIn(request.originalUrl)
	return await sendFile(request, reply, api, {
		*find() {
			const found = yield* reachExisting(request, api.fs, path, { role: 'read' })
			if (found.row.kind === KIND.directory) throw notTaken('a collection has no content; PROPFIND lists it', found.row)
			return { ...found, row: withTag(found.row) }
		},
		handOver: handOverBy(request, reply, api),
		headersOf: ({ place }) => sealed(mediaTypeOf(place?.name ?? path)),
	})
}

export async function put(request: FastifyRequest, reply: FastifyReply, api: Api): Promise<FastifyReply> {
	const path = pathIn(request.originalUrl)
	const located = await reachTarget(request, api, path)
	if (!located.place || located.row?.kind === KIND.directory || endsInSlash(path)) throw notTaken('a collection has no content', located.row)
	const changes = [{ path: located.path, name: located.row === undefined }]
	await run(checkLocks(request, api, changes))
	const { isNew, row } = await receive(request, reply, api, located, { check: checkOf(request, api, changes) })
	return reply.code(isNew ? 201 : 204).header('etag', versionTag(row)).send()
}

