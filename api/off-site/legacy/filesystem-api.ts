/**
 * The protocol of the system before this one, for its agents in the field: one address, always 200, errors as `{"error": "..."}`, every
 * value a text. They fetch from a plain web server, so what is counted here is what they say.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Api } from '../../api.ts'
import { logLine, siteOf } from '../credentials.ts'
import { Refusal } from '../failure.ts'
import { printable } from '../../../core/off-site/report.ts'
import { setSeen } from '../../../core/catalogue/sites.ts'
import { filesOfFolder, filesToFetch } from './file-list.ts'
import { drain, failures, notify } from './said.ts'

const FORM_BYTES_MAX = 4 * 1_048_576
const MODES = { recent: 'recent', full: 'full', backfill: 'fill-gaps', partial: 'fill-gaps' } as const

type Parameters = URLSearchParams
type Answer = object

export function filesystemApi(app: FastifyInstance, api: Api): void {
	app.setErrorHandler((error, request, reply) => answerError(error, request, reply, api))
	app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string', bodyLimit: FORM_BYTES_MAX }, async (_: FastifyRequest, body: string) => body)
	app.route({
		method: ['GET', 'POST'],
		url: '/filesystem-api.php',
		exposeHeadRoute: false,
		config: { access: 'site' },
		schema: { summary: 'the protocol of the system before this one', tags: ['backup'] },
		handler: (request) => answer(api, request),
	})
}

async function answer(api: Api, request: FastifyRequest): Promise<Answer> {
	const site = siteOf(request)
	const at = request.originalUrl.indexOf('?')
	const query = new URLSearchParams(request.originalUrl.slice(at + 1))
	const form = new URLSearchParams(typeof request.body === 'string' ? request.body : '')
	await setSeen(api.fs.catalogue, site.row.id, JSON.stringify({ version: 'legacy' }))
	switch (query.get('command')) {
		case 'filelist':
			return await fileList(api, request, query)
		case 'notify':
			return await notify(api, site, form.get('file_ids') ?? '')
		case 'drain':
			return await drain(api, site, form.get('file_ids') ?? '')
		case 'failures':
			return failures(api, site, form.get('notes') ?? '')
		case 'log':
			logLine(api, site, { what: 'log', detail: printable([...form.values()].join(' ')) })
			return { ok: '1' }
		default:
			return { error: 'Unknown command' }
	}
}

async function fileList(api: Api, request: FastifyRequest, query: Parameters): Promise<Answer> {
	const site = siteOf(request)
	const folder = query.get('folder')
	if (folder !== null) return await filesOfFolder(api, site, folder)
	const mode = MODES[query.get('mode') as keyof typeof MODES]
	return mode ? await filesToFetch(api, site, mode) : { error: 'Unknown mode' }
}

/** The agents look at nothing but the text. */
function answerError(error: unknown, { method }: FastifyRequest, reply: FastifyReply, { report }: Api): FastifyReply {
	if (!(error instanceof Refusal)) report(`${method} /filesystem-api.php: ${(error as Error)?.stack ?? error}`)
	const message = error instanceof Refusal ? error.message : 'Server error'
	return reply.code(200).send({ error: message })
}
