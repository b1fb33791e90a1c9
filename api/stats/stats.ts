/** The part that serves `/`: the page a keeper opens, a page of each file, the directories, a search, the journal as it happens. */
import type { FastifyInstance } from 'fastify'
import type { Api, Part } from '../api.ts'
import { assets } from './assets.ts'
import { login } from './login.ts'
import { overviewPages } from './overview.ts'
import { journal } from './journal.ts'
import { failInPages } from './page.ts'
import { sessionsOf } from './session.ts'
import { createStreams } from './stream.ts'
import { treePages } from './tree.ts'

function routes(app: FastifyInstance, api: Api): void {
	const streams = createStreams(app)
	failInPages(app, api)
	assets(app)
	login(app, api)
	overviewPages(app, api, streams)
	treePages(app, api)
	journal(app, api, streams)
}

export const part: Part = {
	name: 'stats',
	routes,
	credentials: ({ headers }, api) => sessionsOf(api).find(headers.cookie),
}
