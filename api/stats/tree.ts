/** A page for each file and directory, by its path, and the search. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { KIND } from '../../core/catalogue/files.ts'
import type { Path } from '../../core/ids.ts'
import { run } from '../../core/op.ts'
import { type Matches, searchNames } from '../../core/stats/search.ts'
import type { Api } from '../api.ts'
import { pathOf } from '../errors.ts'
import { reachExisting } from '../tree/reach.ts'
import { directoryBody } from '../web/directory.ts'
import { fileBody } from '../web/file.ts'
import { layout } from '../web/layout.ts'
import { fromUrl, plainName } from '../web/names.ts'
import { searchBody } from '../web/search.ts'
import { kindText, readDirectory } from './directory.ts'
import { readFile } from './file.ts'
import { inTime } from './in-time.ts'
import { sendPage, visitorOf } from './page.ts'

const PREFIX = '/tree/'
const ASKED = { type: 'object', properties: { q: { type: 'string', maxLength: 255 }, from: { type: 'integer', minimum: 0 } } } as const
const FOUND_MAX = 200
/** Of a search: what was found by then is shown. */
const SEARCH_MS_MAX = 1_500
const NOTHING_FOUND: Matches = { found: [] }

export function treePages(app: FastifyInstance, api: Api): void {
	app.get(`${PREFIX}*`, { config: { access: 'read', byPath: true }, schema: { hide: true } }, async (request, reply) => {
		const path = asked(request)
		const { row } = await inTime(run(reachExisting(request, api.fs, path, { role: 'read', follow: false })))
		const nowSeconds = Date.now() / 1000
		const body =
			row.kind === KIND.directory
				? directoryBody(await inTime(run(readDirectory(api.fs, row.id, { path, after: after(request) }))), nowSeconds)
				: fileBody(await inTime(run(readFile(api.fs, row, { path, scope: request.grant.scope }))), nowSeconds)
		return sendPage(reply, layout({ title: `Cairn: ${path.length === 0 ? 'all files' : plainName(path)}`, body, visitor: visitorOf(request), place: 'files' }))
	})

	app.get('/search', { config: { access: 'read' }, schema: { hide: true, querystring: ASKED } }, async (request, reply) => {
		const { q = '', from } = request.query as { q?: string; from?: number }
		const asked = q.trim()
		const { found, next } = asked === '' ? NOTHING_FOUND : await searchNames(api.fs.catalogue, { part: Buffer.from(asked), from, limit: FOUND_MAX, msMax: SEARCH_MS_MAX })
		const paths = found.map(({ path, kind, size }) => ({ path, kind: kindText(kind), bytes: size }))
		return sendPage(reply, layout({ title: 'Cairn: search', body: searchBody({ asked, paths, from, next }), visitor: visitorOf(request), asked }))
	})
}

/** The path in the address, byte by byte; a slash at its end is none of it. */
function asked(request: FastifyRequest): Path {
	const address = pathOf(request)
	const path = fromUrl(address.slice(address.indexOf('/', 1) + 1))
	let end = path.length
	while (end > 0 && path[end - 1] === 0x2f) end--
	return path.subarray(0, end)
}

function after({ originalUrl }: FastifyRequest): Buffer {
	const value = /[?&]after=([^&]*)/.exec(originalUrl)?.[1] ?? ''
	return fromUrl(value)
}
