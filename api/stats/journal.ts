/** The journal as it happens, by server-sent events. The id of each says where to go on, at any door. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { run } from '../../core/op.ts'
import { eventFields, EVENTS_MAX, followFrom, type Follower, positionBeforeEnd } from '../../core/stats/events.ts'
import type { Api } from '../api.ts'
import { HttpError } from '../errors.ts'
import type { Stream, Streams } from './stream.ts'

const POLL_MS = 200
const NUMBER = /^\d{1,15}$/
const SINCE = {
	type: 'object',
	properties: { since: { type: 'string', description: 'go on after this number; without it, with what happens from now on' } },
} as const

export function journal(app: FastifyInstance, api: Api, streams: Streams): void {
	const schema = { summary: 'what happens to the tree, as server-sent events', querystring: SINCE }
	app.get('/events', { config: { access: 'read' }, exposeHeadRoute: false, schema }, async (request, reply) => {
		const said = positionOf(request)
		const { catalogue } = api.fs
		const position = said ?? (await run(positionBeforeEnd(catalogue, 0)))
		void tell(streams.open(reply), followFrom(catalogue, position), api)
	})
}

function positionOf({ headers, query }: FastifyRequest): number | undefined {
	const last = headers['last-event-id'] ?? (query as { since?: string }).since
	if (last === undefined) return undefined
	if (typeof last !== 'string' || !NUMBER.test(last)) throw new HttpError(400, 'since: a number of the journal')
	return Number(last)
}

async function tell(stream: Stream, follower: Follower, { report }: Api): Promise<void> {
	try {
		while (!stream.signal.aborted) {
			const events = await run(follower.next())
			// What is before the position is known; what comes after may be told once more to who comes back.
			for (const event of events) if (!stream.send('change', eventFields(event), String(Math.min(event.seq, follower.position)))) return
			if (events.length < EVENTS_MAX) await sleep(POLL_MS, undefined, { signal: stream.signal }).catch(() => undefined)
		}
	} catch (error) {
		report(`events: ${(error as Error).message}`)
		stream.end()
	}
}
