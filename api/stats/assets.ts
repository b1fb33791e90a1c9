/** What the pages need besides themselves: few files, read once, each with a strong ETag. Nothing comes from anywhere else. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { FastifyInstance } from 'fastify'

const STATIC = join(import.meta.dirname, '../web/static')
const UPLOT = dirname(createRequire(import.meta.url).resolve('uplot/dist/uPlot.min.css'))

const CSS = 'text/css; charset=utf-8'
const SCRIPT = 'text/javascript; charset=utf-8'

const ASSETS = [
	{ name: 'page.css', file: join(STATIC, 'page.css'), type: CSS },
	{ name: 'page.js', file: join(STATIC, 'page.js'), type: SCRIPT },
	{ name: 'charts.js', file: join(STATIC, 'charts.js'), type: SCRIPT },
	{ name: 'cairn.svg', file: join(STATIC, 'cairn.svg'), type: 'image/svg+xml' },
	{ name: 'uplot.css', file: join(UPLOT, 'uPlot.min.css'), type: CSS },
	{ name: 'uplot.js', file: join(UPLOT, 'uPlot.iife.min.js'), type: SCRIPT },
]

export function assets(app: FastifyInstance): void {
	for (const { name, file, type } of ASSETS) {
		const content = readFileSync(file)
		const etag = `"${createHash('sha256').update(content).digest('base64url')}"`
		app.get(`/web/${name}`, { config: { access: 'open' }, schema: { hide: true } }, async ({ headers }, reply) => {
			reply.headers({ etag, 'cache-control': 'public, no-cache', 'x-content-type-options': 'nosniff' })
			if (headers['if-none-match']?.includes(etag)) return reply.code(304).send()
			return reply.type(type).send(content)
		})
	}
}
