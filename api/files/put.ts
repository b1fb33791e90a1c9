/** Writing: a file whole, by its path or out of a form. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { KIND } from '../../core/catalogue/files.ts'
import { fail } from '../../core/errors.ts'
import { joinPath } from '../../core/filesystem/directories.ts'
import type { Path } from '../../core/ids.ts'
import { run } from '../../core/op.ts'
import type { Api } from '../api.ts'
import { bodyOf } from '../content/body.ts'
import { boundaryOf, fileOfForm } from '../content/form.ts'
import { pathIn } from '../content/paths.ts'
import { giveUp, receive, type Received } from '../content/receive.ts'
import { HttpError } from '../errors.ts'
import { reach, reachWithParents } from '../tree/reach.ts'
import { hrefOf, PREFIX } from './listing.ts'
import { Readable } from 'node:stream'

export async function put(request: FastifyRequest, reply: FastifyReply, api: Api): Promise<FastifyReply> {
	try {
		const path = pathIn(request.originalUrl, PREFIX)
		if (path.at(-1) === 0x2f) fail('EISDIR', 'a file has no slash at its end')
		const located = await reachWithParents(request, api, path)
		return answer(reply, located.path, await receive(request, reply, api, located))
	} catch (error) {
		giveUp(request, reply)
		throw error
	}
}

/** The file of a form goes into the directory it is sent to, under the name it has there. */
export async function post(request: FastifyRequest, reply: FastifyReply, api: Api): Promise<FastifyReply> {
	try {
		const boundary = boundaryOf(request.headers['content-type'])
		if (boundary === undefined) throw new HttpError(415, 'a file is posted as multipart/form-data; PUT takes it as it is')
		const directory = pathIn(request.originalUrl, PREFIX)
		const { row, path } = await run(reach(request, api.fs, directory, { role: 'write' }))
		if (row?.kind !== KIND.directory) fail(row ? 'ENOTDIR' : 'ENOENT', 'there is no directory at this path')
		const file = await fileOfForm(Readable.from(bodyOf(request)), boundary, ({ filename }) => (filename === '' ? 'skip' : 'only'))
		if (!file) throw new HttpError(400, 'the form has no file in it')
		const located = await run(reach(request, api.fs, joinPath(path, Buffer.from(file.filename)), { role: 'write' }))
		const received = await receive(request, reply, api, located, { source: file.content })
		if (!/\btext\/html\b/.test(request.headers.accept ?? '')) return answer(reply, located.path, received)
		return reply.code(303).header('location', hrefOf(path, true)).send()
	} catch (error) {
		giveUp(request, reply)
		throw error
	}
}

function answer(reply: FastifyReply, path: Path, { row, sha256, isNew }: Received): FastifyReply {
	const href = hrefOf(path, false)
	reply.code(isNew ? 201 : 200).headers({ etag: `"${sha256.toString('hex')}"`, location: href })
	return reply.send({ path: `/${path}`, href, size: row.size, sha256: sha256.toString('hex') })
}
