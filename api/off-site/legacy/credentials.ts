/** Who sends a request of the old protocol. Their agents know neither nonces nor times: a signature is used once and never again, which does for both. */
import type { FastifyRequest } from 'fastify'
import * as records from '../../../core/catalogue/site-records.ts'
import type { Api, Grant } from '../../api.ts'
import { refusePaused } from '../admit.ts'
import { logRefusal, remember } from '../credentials.ts'
import { Refusal } from '../failure.ts'
import { stateOf } from '../state.ts'
import { isSigned, readSigned } from './signature.ts'

const WRONG_PER_MINUTE = 60

export async function signedByLegacy(request: FastifyRequest, api: Api): Promise<Grant> {
	const state = stateOf(api)
	if (state.wrong.look(request.ip, WRONG_PER_MINUTE) > 0) throw refused()
	const signed = readSigned(request.originalUrl)
	const parameters = new URLSearchParams(signed?.text)
	const site = signed && (await state.sites.findLegacy(parameters.get('ident') ?? ''))
	if (!signed || !site || parameters.has('zauth') || !isSigned(site.key, signed)) {
		state.wrong.take(request.ip, WRONG_PER_MINUTE)
		if (site) logRefusal(api, site, 'legacy signature', `from ${request.ip}`)
		throw refused()
	}
	if (!(await records.useForGood(api.fs.catalogue, site.row.id, `legacy:${signed.signature.toString('hex')}`))) {
		logRefusal(api, site, 'replay')
		throw refused()
	}
	refusePaused(site)
	return remember(request, site)
}

function refused(): Refusal {
	return new Refusal(401, 'signature', 'Invalid signature')
}
