/** How a page is sent: what a browser may do with it, and what it is told when something is wrong. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Api } from '../api.ts'
import { answerFailure, toFailure } from '../errors.ts'
import { failureBody, failureTitle } from '../web/failure.ts'
import { layout, type Page } from '../web/layout.ts'

/** Scripts, styles and connections of this door only; no script or style in the page itself; in nobody's frame. */
const POLICY = [
	"default-src 'none'",
	"script-src 'self'",
	"style-src 'self'",
	"img-src 'self'",
	"connect-src 'self'",
	"form-action 'self'",
	"base-uri 'none'",
	"frame-ancestors 'none'",
].join('; ')

const HEADERS = {
	'content-security-policy': POLICY,
	'x-content-type-options': 'nosniff',
	'referrer-policy': 'same-origin',
	'cross-origin-opener-policy': 'same-origin',
	'cache-control': 'no-store',
}

export function sendPage(reply: FastifyReply, text: string): FastifyReply {
	return reply.headers(HEADERS).type('text/html; charset=utf-8').send(text)
}

export function visitorOf({ grant }: FastifyRequest): Page['visitor'] {
	return { name: grant.name, canLeave: !grant.anonymous }
}

/** Whoever is nobody is asked who he is; everything else is said in a page, to those who want one. */
export function failInPages(app: FastifyInstance, api: Api): void {
	app.setErrorHandler((error, request, reply) => {
		if (!request.headers.accept?.includes('text/html')) return answerFailure(error, request, reply, api.report)
		const { status, message, headers } = toFailure(error)
		if (status === 401) return reply.redirect(api.config.api.publicSummary && request.originalUrl === '/' ? '/summary' : loginAddress(request), 303)
		if (status === 500) return answerFailure(error, request, reply.headers(HEADERS), api.report)
		const visitor = request.grant.anonymous ? undefined : visitorOf(request)
		return sendPage(reply.code(status).headers(headers), layout({ title: `Cairn: ${failureTitle(status)}`, body: failureBody(status, message), visitor }))
	})
}

function loginAddress({ method, originalUrl }: FastifyRequest): string {
	return method === 'GET' && originalUrl !== '/' ? `/login?next=${encodeURIComponent(originalUrl)}` : '/login'
}
