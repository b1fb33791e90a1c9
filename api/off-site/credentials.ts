/** Whose agent sends a request: its signature, its clock, whether it was sent before. */
import type { FastifyRequest } from 'fastify'
import * as records from '../../core/catalogue/site-records.ts'
import * as siteTable from '../../core/catalogue/sites.ts'
import { type Authorization, CLOCK_WINDOW_SECONDS, isSigned, readAuthorization } from '../../core/off-site/authorization.ts'
import { NO_BODY } from '../../core/off-site/signature.ts'
import type { Api, Grant } from '../api.ts'
import { Refusal } from './failure.ts'
import type { Site } from './known-sites.ts'
import { type State, stateOf } from './state.ts'

const WRONG_PER_MINUTE = 60
/** Of one kind and one site there is a line in the log no more often than this. */
const LOGGED_MS = 60_000
const BODILESS = new Set(['GET', 'HEAD'])

interface Caller {
	site: Site
	/** What the body has to have; undefined where there is none to come. */
	bodyHash: string
}

const callers = new WeakMap<FastifyRequest, Caller>()

/** Of a route for sites: the server has seen to it that there is one. */
export function siteOf(request: FastifyRequest): Site {
	return (callers.get(request) as Caller).site
}

export function remember(request: FastifyRequest, site: Site, bodyHash = NO_BODY): Grant {
	callers.set(request, { site, bodyHash })
	return { name: `site ${site.row.name}`, role: 'site', scope: undefined, anonymous: false }
}

export function bodyHashOf(request: FastifyRequest): string {
	return callers.get(request)?.bodyHash ?? NO_BODY
}

export function wrongSignature(): Refusal {
	return new Refusal(401, 'signature', 'this needs the signature of a site')
}

export async function signedBy(request: FastifyRequest, api: Api): Promise<Grant> {
	const state = stateOf(api)
	const waitS = state.wrong.look(request.ip, WRONG_PER_MINUTE)
	if (waitS > 0) throw new Refusal(429, 'slow-down', 'too many wrong signatures from this address', { retryAfterS: waitS })
	const authorization = readAuthorization(request.headers.authorization)
	const site = authorization && (await state.sites.find(authorization.site))
	if (!authorization || !site || !isTrue(request, authorization, site)) return refuse(request, state, api, site)
	checkClock(authorization, site, api)
	if (!(await records.useNonce(api.fs.catalogue, site.row.id, authorization.nonce))) {
		logRefusal(api, site, 'replay')
		throw new Refusal(401, 'replay', 'this request was sent before; sign it anew')
	}
	await checkAgent(authorization, site, state, api)
	return remember(request, site, authorization.body)
}

function isTrue({ method, originalUrl }: FastifyRequest, { signature, ...said }: Authorization, { key }: Site): boolean {
	if (!isSigned(key, { method, target: originalUrl, ...said }, signature)) return false
	return !BODILESS.has(method) || said.body === NO_BODY
}

function refuse({ ip }: FastifyRequest, state: State, api: Api, site: Site | undefined): never {
	state.wrong.take(ip, WRONG_PER_MINUTE)
	if (site) logRefusal(api, site, 'signature', `from ${ip}`)
	throw wrongSignature()
}

function checkClock({ time }: Authorization, site: Site, api: Api): void {
	const [yourAt, serverAt] = [Number(time), Math.floor(Date.now() / 1000)]
	if (Math.abs(yourAt - serverAt) <= CLOCK_WINDOW_SECONDS) return
	logRefusal(api, site, 'clock', `${yourAt - serverAt} seconds from ours`)
	throw new Refusal(401, 'clock', 'your clock is wrong', { serverAt, yourAt, windowS: CLOCK_WINDOW_SECONDS })
}

/** Two folders that pass for one site would each have half of what it is believed to have. */
async function checkAgent({ agent }: Authorization, site: Site, { sites }: State, api: Api): Promise<void> {
	if (site.row.agent === agent) return
	if (site.row.agent === '' && (await siteTable.takeAgent(api.fs.catalogue, site.row.id, agent))) {
		site.row.agent = agent
		return
	}
	sites.forget()
	if ((await sites.find(site.row.name))?.row.agent === agent) return
	logRefusal(api, site, 'other agent', agent)
	throw new Refusal(409, 'other-agent', `another folder speaks for ${site.row.name}; its keeper can change over: cairn site set ${site.row.name} --new-agent`)
}

export function logRefusal({ fs, report }: Api, site: Site, why: string, detail = ''): void {
	const nowMs = performance.now()
	if (nowMs - (site.lastRefusalsMs.get(why) ?? Number.NEGATIVE_INFINITY) < LOGGED_MS) return
	site.lastRefusalsMs.set(why, nowMs)
	logLine({ fs, report }, site, { what: 'refused', detail: detail === '' ? why : `${why}: ${detail}` })
}

/** Nobody waits for it. */
export function logLine({ fs, report }: Pick<Api, 'fs' | 'report'>, { row }: Site, line: { what: string; detail: string }): void {
	const written = Promise.resolve(
		fs.catalogue.transaction(function* (tx) {
			records.log(tx, row.id, line, fs.capabilities)
		}),
	)
	written.catch((error: Error) => report(`log of site ${row.name}: ${error.message}`))
}
