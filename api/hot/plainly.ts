/** What is asked plainly of a part that can answer such requests by itself: in the same way as behind the router, but for the router. */
import type { Gate } from '../access/access.ts'
import type { Api, Grant, Part, PlainAnswer, PlainRoute } from '../api.ts'
import { reportFailure, toFailure } from '../errors.ts'
import type { LogLine, RequestLog } from '../log.ts'
import { count } from './at-once.ts'
import type { PlainHead } from './head.ts'

/** Undefined: the request goes the long way. */
export type Plainly = (asked: PlainHead, from: string | undefined) => Promise<PlainAnswer> | undefined

/** Undefined where answers say more: to browsers, and of clients behind a proxy. */
export function answersPlainly(api: Api, parts: readonly Part[], gate: Gate, log: RequestLog): Plainly | undefined {
	const { corsOrigins, trustedProxies } = api.config.api
	if (corsOrigins.length > 0 || trustedProxies.length > 0) return undefined
	const routes = parts.flatMap((part) => (part.plain?.(api) ?? []).map((route) => ({ route, part: part.name })))

	async function answer(route: PlainRoute, { method, url, ...rest }: PlainHead, grant: Grant): Promise<PlainAnswer> {
		try {
			return await api.changing(() => route.handle({ method, url, ...rest, grant }))
		} catch (error) {
			const failure = toFailure(error)
			if (failure.status === 500) reportFailure(error, { method, originalUrl: url }, api.report)
			return route.refuse(failure)
		}
	}

	async function counted(answering: Promise<PlainAnswer>, line: Pick<LogLine, 'from' | 'who' | 'method' | 'url'>, part: string): Promise<PlainAnswer> {
		const startedMs = performance.now()
		const answer = await answering
		count({ ...line, status: answer.status, ms: performance.now() - startedMs }, part, log)
		return answer
	}

	return (asked, from = '') => {
		const { route, part } = routes.find(({ route }) => route.takes(asked)) ?? {}
		const grant = route && gate.admit(asked.headers, route.access)
		return grant && counted(answer(route, asked, grant), { from, who: grant.name, method: asked.method, url: asked.url }, part as string)
	}
}
