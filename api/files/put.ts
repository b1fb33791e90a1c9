/** Writing: a file whole, by its path or out of a form. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { KIND } from '../../core/catalogue/files.ts'
import { fail } from '../../core/errors.ts'
import { joinPath } from '../../core/filesystem/directories.ts'
import type { Path } from '../../core/ids.ts'
import { run } from '../../core/op.ts'
import type { Api, PlainRoute } from '../api.ts'
import { wholeOrStream } from '../content/body.ts'
import { boundaryOf, fileOfForm } from '../content/form.ts'
import { pathIn } from '../content/paths.ts'
import { receive, receiveWhole, refuseNew, type Received } from '../content/receive.ts'
import { HttpError, inGeneral } from '../errors.ts'
import { endsInSlash } from '../tree/below.ts'
import { reach, reachWithParents, withDirectory } from '../tree/reach.ts'
import { hrefOf, PREFIX } from './listing.ts'

export async function put(request: FastifyRequest, reply: FastifyReply, api: Api): Promise<FastifyReply> {
	const located = await withDirectory(() => reachWithParents(request, api, wanted(request.originalUrl), () => refuseNew(request)))
	return answer(reply, located.path, await receive(request, reply, api, located))
}

function wanted(url: string): Path {
	const path = pathIn(url)
	return endsInSlash(path) ? fail('EISDIR', 'a file has no slash at its end') : path
}

/** The same without the router. */
export const plainPut = (api: Api): PlainRoute => ({
	access: 'write',
	takes: ({ method, url }) => method === 'PUT' && url.startsWith(PREFIX) && !url.includes('?'),
	async handle({ url, headers, body, grant }) {
		const located = await withDirectory(() => reachWithParents({ grant }, api, wanted(url)))
		const { status, etag, location, said } = toAnswer(located.path, await receiveWhole(headers, api, located, body))
		return { status, headers: { etag, location }, body: said }
	},
	refuse: (failure) => ({ ...failure, body: inGeneral(failure) }),
})

/** The file of a form goes into the directory it is sent to, under the name it has there. */
export async function post(request: FastifyRequest, reply: FastifyReply, api: Api): Promise<FastifyReply> {
	const boundary = boundaryOf(request.headers['content-type'])
	if (boundary === undefined) throw new HttpError(415, 'a file is posted as multipart/form-data; PUT takes it as it is')
	const directory = pathIn(request.originalUrl)
	const { row, path } = await run(reach(request, api.fs, directory, { role: 'write' }))
	if (row?.kind !== KIND.directory) fail(row ? 'ENOTDIR' : 'ENOENT', 'there is no directory at this path')
	const file = await fileOfForm(await wholeOrStream(request), boundary, ({ filename }) => (filename === '' ? 'skip' : 'only'))
	if (!file) throw new HttpError(400, 'the form has no file in it')
	const located = await run(reach(request, api.fs, joinPath(path, Buffer.from(file.filename)), { role: 'write' }))
	const received = await receive(request, reply, api, located, { source: async () => file.content })
	if (!/\btext\/html\b/.test(request.headers.accept ?? '')) return answer(reply, located.path, received)
	return reply.code(303).header('location', hrefOf(path, true)).send()
}

function answer(reply: FastifyReply, path: Path, received: Received): FastifyReply {
	const { status, etag, location, said } = toAnswer(path, received)
	return reply.code(status).headers({ etag, location }).send(said)
}

function toAnswer(path: Path, { row, sha256, isNew }: Received) {
	const location = hrefOf(path, false)
	const hash = sha256.toString('hex')
	return { status: isNew ? 201 : 200, etag: `"${hash}"`, location, said: { path: `/${path}`, href: location, size: row.size, sha256: hash } } as const
}
