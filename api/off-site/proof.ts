/** Challenges, and what agents answer. */
import type { FastifyInstance } from 'fastify'
import { challenges, judge } from '../../core/off-site/proof.ts'
import type { Api } from '../api.ts'
import { refusePaused } from './admit.ts'
import { siteOf } from './credentials.ts'
import { badRequest } from './failure.ts'
import { shownPath } from './places.ts'
import { answersBody, challengesAnswer, limitQuery, schemaOf, verdictsAnswer } from './schemas.ts'

interface Answers {
	answers: Array<{ challenge: number; proof?: string; error?: string }>
}

const config = { access: 'site' } as const

export function proof(app: FastifyInstance, { fs }: Api): void {
	const asking = schemaOf({ summary: 'what the site is to prove', querystring: limitQuery }, challengesAnswer)
	app.get<{ Querystring: { limit: number } }>('/challenges', { config, schema: asking }, async (request) => {
		const site = siteOf(request)
		refusePaused(site)
		const found = await challenges(fs, site.row, request.query.limit)
		return {
			challenges: found.map(({ row, key, ranges }) => ({
				challenge: row.file_id,
				id: row.file_id,
				version: row.version,
				...shownPath(row.path ?? Buffer.alloc(0)),
				size: row.size,
				hash: row.hash === null ? null : Buffer.from(row.hash).toString('hex'),
				key: key.toString('hex'),
				ranges,
			})),
		}
	})

	const answering = schemaOf({ summary: 'answers to challenges', body: answersBody }, verdictsAnswer)
	app.post<{ Body: Answers }>('/challenges', { config, schema: answering }, async (request) => {
		const site = siteOf(request)
		const given = request.body.answers.map(({ challenge, proof: hex, error }, index) => {
			if ((hex === undefined) === (error === undefined)) throw badRequest(`answers/${index}: it has a proof or an error`)
			return { id: challenge, proof: hex === undefined ? undefined : Buffer.from(hex, 'hex') }
		})
		const verdicts = await judge(fs, site.row, given)
		return { results: verdicts.map((result, index) => ({ challenge: given[index].id, result })) }
	})
}
