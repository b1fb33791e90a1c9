/** What agents are told of the tree. */
import type { FastifyInstance } from 'fastify'
import type { NoticeRow } from '../../core/catalogue/backup-notices.ts'
import * as table from '../../core/catalogue/backup-notices.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { type Move, movesFrom } from '../../core/off-site/moves.ts'
import { run } from '../../core/op.ts'
import type { Api } from '../api.ts'
import { siteOf } from './credentials.ts'
import { shownPath } from './places.ts'
import { noticesAnswer, noticesQuery, schemaOf } from './schemas.ts'

export function notices(app: FastifyInstance, { fs }: Api): void {
	const schema = schemaOf({ summary: 'what became of files the site holds', querystring: noticesQuery }, noticesAnswer)
	app.get<{ Querystring: { after: number; limit: number } }>('/notices', { config: { access: 'site' }, schema }, async (request) => {
		const { row } = siteOf(request)
		const { after, limit } = request.query
		if (after > 0) {
			await fs.catalogue.transaction(function* (tx) {
				table.removeUpTo(tx, row.id, after)
			})
		}
		const rows = await table.after(fs.catalogue, row.id, after, limit + 1)
		const asked = once(rows.slice(0, limit))
		// A directory on the way may have another name since a moment.
		await run(catchUp(fs))
		const moves = await run(movesFrom(fs, row.id, asked.filter(({ kind }) => kind === 'moved').map(({ path }) => Buffer.from(path))))
		const shown = asked.map(({ id, kind, path, at }) => ({ seq: id, kind, ...shownPath(path), at, ...movedTo(moves.get(textOf({ path }))) }))
		return { notices: shown, more: rows.length > limit }
	})
}

/** What was moved several times is told of once: where it is now. */
function once(rows: readonly NoticeRow[]): NoticeRow[] {
	const last = new Map(rows.map((row) => [textOf(row), row]))
	return rows.filter((row) => row.kind !== 'moved' || last.get(textOf(row)) === row)
}

function textOf({ path }: Pick<NoticeRow, 'path'>): string {
	return Buffer.from(path).toString('latin1')
}

function movedTo(move: Move | undefined): object {
	if (!move) return {}
	const { row, to } = move
	const { path64: to64, path } = shownPath(to)
	return { to64, to: path, id: row.file_id, version: row.version, size: row.size, hash: row.hash === null ? null : Buffer.from(row.hash).toString('hex') }
}
