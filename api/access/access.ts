/**
 * Who may come in: one place, before any handler. A route without a word about it keeps the server from starting, so that
 * none can be forgotten.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { mayAs, type Role } from '../../core/access/role.ts'
import { covers, type Scope, toTop } from '../../core/access/scope.ts'
import { signingKey } from '../../core/access/signed-url.ts'
import type { ListenConfig } from '../../core/config/types.ts'
import type { Path } from '../../core/ids.ts'
import { run } from '../../core/op.ts'
import type { Access, Api, Grant } from '../api.ts'
import { HttpError } from '../errors.ts'
import { signedGrant, tokenOf } from './credentials.ts'
import type { TokenGrant } from './known.ts'
import { isOfBrowser, isOfNamedOrigin, isOfOwnPage } from './origin.ts'
import { createIsOwnHost } from './own-host.ts'

const ACCESS: readonly Access[] = ['read', 'write', 'admin', 'site', 'open']
/** Wrong credentials from one address. */
const WRONG_PER_MINUTE = 30
const CHALLENGE = { 'www-authenticate': 'Basic realm="cairn", charset="UTF-8"' }
const NOBODY: Grant = { name: '', role: 'read', scope: [], anonymous: true }

/** Before any other hook: whoever asks is nobody until it is known who. */
export function introduce(app: FastifyInstance): void {
	// Set for each request: fastify shares no object between them.
	app.decorateRequest('grant', null as unknown as Grant)
	app.addHook('onRequest', (request, _, done) => {
		request.grant = NOBODY
		done()
	})
}

/** Who may come in, where that can be said at once; undefined: the way through the hooks has to say it, or why not. */
export interface Gate {
	mayRead(headers: IncomingHttpHeaders, path: Path): Grant | undefined
	/** To a route that is `byPath`. */
	admit(headers: IncomingHttpHeaders, access: Role): Grant | undefined
}

export async function guard(app: FastifyInstance, api: Api, at: ListenConfig): Promise<Gate> {
	const { anybody = '' } = at
	const { requests, wrong } = api.limits
	const key = await run(signingKey(api.fs.catalogue))
	const isOwnHost = createIsOwnHost(at)
	const everybody = anybody === '' ? undefined : ({ name: '', role: anybody, scope: undefined, anonymous: true } satisfies Grant)

	app.addHook('onRoute', (route) => {
		const { method, url, config, handler } = route
		if (!config?.access || !ACCESS.includes(config.access)) throw new Error(`route ${method} ${url} does not say who may use it`)
		// Until the handler has ended: it may go on when whoever asked is gone.
		if (config.access === 'write') route.handler = function (request, reply) {
			return api.changing(async () => handler.call(this, request, reply))
		}
	})
	app.addHook('onRequest', async (request) => {
		if (request.is404) return
		const { access, byPath = false } = request.routeOptions.config
		if (access === undefined || access === 'open') return
		const grant = await grantOf(request, access)
		if (!holds(grant, access, byPath)) refuseGrant(grant)
		if (access !== 'read' && isByBrowser(request, grant)) refusePages(request)
		request.grant = grant
	})

	async function grantOf(request: FastifyRequest, access: Access): Promise<Grant> {
		// The part first: what it knows may look like a token that nobody has.
		const own = await request.routeOptions.config.part?.credentials?.(request, api)
		if (own) return isOfToken(own) ? limited(own) : own
		const said = access === 'site' ? undefined : await generalGrant(request)
		if (said) return said
		if (access === 'site') throw new HttpError(401, 'this needs the signature of a site')
		if (!everybody) return stranger()
		if (!isOwnHost(request.headers.host)) throw new HttpError(421, `whoever has no token is let in by this address's own names, and '${request.headers.host}' is none (hosts, in api.listen)`)
		return everybody
	}

	/** A page of anybody has a browser send them, with what it adds by itself or to who lets everybody in. */
	function refusePages(request: FastifyRequest): void {
		if (!isOfOwnPage(request) && !isOfNamedOrigin(request, api.config.api.corsOrigins)) throw new HttpError(403, 'a page of another origin may change nothing here (api.corsOrigins)')
	}

	function stranger(): Grant {
		const { publicPaths } = api.config.api
		return publicPaths.length > 0 ? { ...NOBODY, scope: toScope(publicPaths) } : NOBODY
	}

	async function generalGrant(request: FastifyRequest): Promise<Grant | undefined> {
		const text = tokenOf(request)
		if (text !== undefined) return limited((await api.tokens.find(text)) ?? refuse(request))
		const signed = signedGrant(request, () => key)
		return signed === false ? refuse(request) : signed
	}

	/** The same answer for what is unknown, expired and revoked; after too many, from this address only that it is to wait. */
	function refuse({ ip }: FastifyRequest): never {
		const seconds = wrong.take(ip, WRONG_PER_MINUTE)
		if (seconds > 0) throw new HttpError(429, 'too many wrong tokens from this address', { 'retry-after': String(seconds) })
		throw new HttpError(401, 'this token or signature does not hold', CHALLENGE)
	}

	function limited(grant: TokenGrant): Grant {
		const { perMinute } = grant.token
		const seconds = takeOne(grant)
		if (seconds > 0) throw new HttpError(429, `this token may ask ${perMinute} times a minute`, { 'retry-after': String(seconds) })
		return grant
	}

	/** Seconds until it may. */
	function takeOne({ token: { id, perMinute } }: TokenGrant): number {
		return perMinute === 0 ? 0 : requests.take(id, perMinute)
	}

	function atHand(headers: IncomingHttpHeaders): Grant | undefined {
		if (headers.authorization === undefined) return everybody ? (isOwnHost(headers.host) ? everybody : undefined) : stranger()
		const text = tokenOf({ headers })
		return text === undefined ? undefined : api.tokens.atHand(text)
	}

	const counted = (grant: Grant): Grant | undefined => (!isOfToken(grant) || takeOne(grant) === 0 ? grant : undefined)

	return {
		mayRead(headers, path) {
			const grant = atHand(headers)
			return grant && reaches(grant, path, 'read') ? counted(grant) : undefined
		},
		admit(headers, access) {
			// Which page it is of is looked at on the long way.
			if (isOfBrowser(headers)) return undefined
			const grant = atHand(headers)
			return grant && holds(grant, access, true) ? counted(grant) : undefined
		},
	}
}

export function isOfToken(grant: Grant): grant is TokenGrant {
	return 'token' in grant
}

/** Not so a token that somebody put into the request, and a signature. */
function isByBrowser({ headers: { authorization = '' } }: FastifyRequest, { anonymous }: Grant): boolean {
	return anonymous || /^basic /i.test(authorization)
}

function reaches(grant: Grant, path: Path, role: Role): boolean {
	return grant.role !== 'site' && mayAs(grant.role, role) && covers(grant.scope, path)
}

/** A route that does not look at paths by itself is for who may reach the whole tree. */
function holds(grant: Grant, access: Exclude<Access, 'open'>, byPath: boolean): boolean {
	const isOfRole = grant.role === 'site' || access === 'site' ? grant.role === access : mayAs(grant.role, access)
	return isOfRole && (byPath || grant.scope === undefined) && !(grant.anonymous && grant.scope?.length === 0)
}

/** What of a request says who asks. */
export type Asking = Pick<FastifyRequest, 'grant'>

/** Of a route that is `byPath`: throws unless whoever asks may do that there. */
export function mayReach({ grant }: Asking, path: Path, role: Role): void {
	if (!reaches(grant, path, role)) refuseGrant(grant)
}

/** The same of where that really is. What a signed address may reach is in the address: a symlink that comes there later leads to nothing that was signed. */
export function mayLead(request: Asking, asked: Path, real: Path, role: Role): void {
	mayReach(request, real, role)
	if (request.grant.isSigned && !real.equals(asked)) throw new HttpError(403, 'a signed address does not lead through a symlink')
}

export function refuseLost(): never {
	throw new HttpError(401, 'this token does not hold any more', CHALLENGE)
}

function refuseGrant(grant: Grant): never {
	if (grant.anonymous) throw new HttpError(401, 'this needs a token', CHALLENGE)
	throw new HttpError(403, 'this token does not allow it')
}

function toScope(paths: readonly string[]): Scope {
	return paths.map(toTop)
}
