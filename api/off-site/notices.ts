/** What agents are told of the tree. */
import type { FastifyInstance } from 'fastify'
import * as table from '../../core/catalogue/backup-notices.ts'
import type { Api } from '../api.ts'
import { siteOf } from './credentials.ts'
import { shownPath } from './places.ts'
import { noticesAnswer, noticesQuery, schemaOf } from './schemas.ts'

export function notices(app: FastifyInstance, { fs }: Api): void {
	const schema = schemaOf({ summary: 'what became of files the site holds', querystring: noticesQuery }, noticesAnswer)
	app.get<{ Querystring: { after: number; limit: number } }>('/notices', { config: { access: 'site' }, schema }, async (request) => {
		const { row } = siteOf(request)
		const { after, limit } = request.query
		if (after > 0) await table.removeUpTo(fs.catalogue, row.id, after)
		const rows = await table.after(fs.catalogue, row.id, after, limit + 1)
		const shown = rows.slice(0, limit).map(({ id, kind, path, at }) => ({ seq: id, kind, ...shownPath(path), at }))
		return { notices: shown, more: rows.length > limit }
	})
}
