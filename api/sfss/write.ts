/** POST and PUT do the same, as they do there; only their status differs. Content comes as it is or in a form, as `upload_file`. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { KIND } from '../../core/catalogue/files.ts'
import { codeOf, fail } from '../../core/errors.ts'
import { unlink } from '../../core/filesystem/remove.ts'
import { run } from '../../core/op.ts'
import type { Api } from '../api.ts'
import { lengthOf, wholeOrStream } from '../content/body.ts'
import { BESIDE_BYTES, boundaryOf, fileOfForm } from '../content/form.ts'
import { receive, refuseNew, refuseUnfit } from '../content/receive.ts'
import { conditionOf } from '../content/validators.ts'
import { HttpError } from '../errors.ts'
import { reach, reachWithParents } from '../tree/reach.ts'
import { pathAsked, QUERY } from './path.ts'

const FIELD = 'upload_file'
const MAY_WRITE = { access: 'write', byPath: true } as const

export function write(app: FastifyInstance, api: Api): void {
	app.post('/files', { config: { ...MAY_WRITE, answers: [201] }, schema: { summary: 'Creates a file', querystring: QUERY } }, (request, reply) => take(request, reply, api, 201))
	app.put('/file', { config: MAY_WRITE, schema: { summary: 'Writes a file', querystring: QUERY } }, (request, reply) => take(request, reply, api, 200))

	app.delete('/file', { config: { ...MAY_WRITE, answers: [204] }, schema: { summary: 'Removes a file', querystring: QUERY } }, async (request, reply) => {
		const { place, row } = await run(reach(request, api.fs, pathAsked(request), { role: 'write', follow: false }))
		if (!row || !place || row.kind === KIND.directory) return fail('ENOENT', 'there is no such file')
		await run(unlink(api.fs, place, { check: conditionOf(request.headers) }))
		return reply.code(204).send()
	})
}

async function take(request: FastifyRequest, reply: FastifyReply, api: Api, status: number): Promise<FastifyReply> {
	const { sfssBytesMax: bytesMax } = api.config.api
	try {
		refuseUnfit(request)
		const path = pathAsked(request)
		const boundary = boundaryOf(request.headers['content-type'])
		if ((lengthOf(request) ?? 0) > bytesMax + (boundary === undefined ? 0 : BESIDE_BYTES)) throw tooLarge(bytesMax)
		const located = await reachWithParents(request, api, path, () => refuseNew(request))
		await receive(request, reply, api, located, { bytesMax, source: boundary === undefined ? undefined : () => fileIn(request, boundary) })
	} catch (error) {
		throw codeOf(error) === 'EFBIG' ? tooLarge(bytesMax) : error
	}
	return reply.code(status).send()
}

async function fileIn(request: FastifyRequest, boundary: string): Promise<AsyncIterable<Buffer> | Buffer> {
	const file = await fileOfForm(await wholeOrStream(request), boundary, ({ field }) => (field === FIELD ? 'take' : 'skip'))
	if (!file) throw new HttpError(400, `missing ${FIELD} field`)
	return file.content
}

function tooLarge(bytesMax: number): HttpError {
	return new HttpError(413, `file size limited to ${bytesMax} bytes`)
}
