/** The first page, what of it everybody may see, and what keeps both true. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { createListener } from '../../core/live/latencies.ts'
import type { Api } from '../api.ts'
import { HttpError } from '../errors.ts'
import { layout } from '../web/layout.ts'
import { overviewBody, type Sections, sections, summarySections, titleOf } from '../web/overview.ts'
import { takeDays, takeFigures } from './figures.ts'
import { kept } from './kept.ts'
import { createLatest, type Latest } from './latest.ts'
import { fromText, marksOf, tellChanges, toText } from './live.ts'
import { sendPage, visitorOf } from './page.ts'
import { createStreams, type Streams } from './stream.ts'

const SINCE = { type: 'object', properties: { since: { type: 'string', maxLength: 1_000 } } } as const

interface View {
	url: string
	live: string
	make(latest: Latest): Sections
}

interface Serving {
	access: 'read' | 'open'
	streams: Streams
	check: () => void
}

const WHOLE: View = { url: '/', live: '/live', make: ({ overview, isStale }) => sections(overview, isStale) }
const SUMMARY: View = { url: '/summary', live: '/summary/live', make: ({ overview, isStale }) => summarySections(overview, isStale) }

export function overviewPages(app: FastifyInstance, api: Api, streams: Streams): void {
	const others = createListener(api.config.catalogue)
	const days = kept(() => takeDays(api.fs))
	const latest = createLatest(async () => takeFigures(api.fs, others(), await days()))

	serve(WHOLE, { access: 'read', streams, check: () => undefined })
	serve(SUMMARY, {
		access: 'open',
		// Of their own: strangers who listen keep no keeper out.
		streams: createStreams(app),
		check() {
			if (!api.config.api.publicSummary) throw new HttpError(404, 'there is nothing at this address')
		},
	})

	function serve({ url, live, make }: View, { access, streams, check }: Serving): void {
		app.get(url, { config: { access }, schema: { hide: true } }, async (request, reply) => {
			check()
			const found = await latest()
			const made = make(found)
			return sendPage(
				reply,
				layout({
					title: titleOf(found.overview, found.isStale),
					body: overviewBody(made),
					visitor: access === 'open' ? undefined : visitorOf(request),
					place: 'overview',
					live: { from: live, since: toText(marksOf(made)) },
					hasCharts: true,
				}),
			)
		})

		app.get(live, { config: { access }, exposeHeadRoute: false, schema: { hide: true, querystring: SINCE } }, async (request, reply) => {
			check()
			void tellChanges(streams.open(reply), fromText(shownBy(request)), async () => make(await latest()))
		})
	}
}

/** What the page shows: when it comes back, what it was told last. */
function shownBy({ headers, query }: FastifyRequest): string {
	const last = headers['last-event-id']
	return typeof last === 'string' ? last : ((query as { since?: string }).since ?? '')
}
