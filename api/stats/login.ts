/** Coming in with a token, and leaving. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { createBuckets } from '../access/limits.ts'
import { isOfOwnPage } from '../access/origin.ts'
import type { Api } from '../api.ts'
import { HttpError } from '../errors.ts'
import { layout } from '../web/layout.ts'
import { type Login, loginBody } from '../web/login.ts'
import { sendPage } from './page.ts'
import { cookieOf, sessionsOf } from './session.ts'

/** Wrong tokens from one address. */
const WRONG_PER_MINUTE = 10
const FORM_BYTES_MAX = 4_096
const FORM = 'application/x-www-form-urlencoded'

export function login(app: FastifyInstance, api: Api): void {
	const wrong = createBuckets()
	const sessions = sessionsOf(api)
	app.addContentTypeParser(FORM, { parseAs: 'string', bodyLimit: FORM_BYTES_MAX }, (_, body, done) => done(null, new URLSearchParams(body as string)))

	const show = (reply: FastifyReply, status: number, asked: Omit<Login, 'hasSummary'>) =>
		sendPage(reply.code(status), layout({ title: 'Cairn: log in', body: loginBody({ ...asked, hasSummary: api.config.api.publicSummary }) }))

	app.get('/login', { config: { access: 'open' }, schema: { hide: true } }, async (request, reply) => {
		return show(reply, 200, { next: ownAddress((request.query as Record<string, unknown>).next) })
	})

	app.post('/login', { config: { access: 'open' }, schema: { hide: true } }, async (request, reply) => {
		checkOrigin(request)
		const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams()
		const next = ownAddress(form.get('next'))
		const seconds = wrong.look(request.ip, WRONG_PER_MINUTE)
		if (seconds > 0) {
			reply.header('retry-after', String(seconds))
			return show(reply, 429, { next, wrong: `Too many wrong tokens came from your address. Try again in ${seconds} s.` })
		}
		const session = await sessions.begin((form.get('token') ?? '').trim())
		if (session !== undefined) return reply.header('set-cookie', cookieOf(session, request.protocol === 'https')).redirect(next, 303)
		wrong.take(request.ip, WRONG_PER_MINUTE)
		return show(reply, 401, { next, wrong: 'This token does not hold: it is unknown, revoked or has expired.' })
	})

	app.post('/logout', { config: { access: 'open' }, schema: { hide: true } }, async (request, reply) => {
		checkOrigin(request)
		return reply.header('set-cookie', cookieOf('', request.protocol === 'https')).redirect('/login', 303)
	})
}

/** Only forms of these pages: nobody is logged in as somebody else, or out, by the page of a third. */
function checkOrigin(request: FastifyRequest): void {
	if (!isOfOwnPage(request)) throw new HttpError(403, 'this form is not of this page')
}

/** An address of this door, or its first page. */
function ownAddress(next: unknown): string {
	return typeof next === 'string' && /^\/(?![/\\])[\x21-\x7e]*$/.test(next) ? next : '/'
}
