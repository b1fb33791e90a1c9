/** What /openapi.json says of a route besides its schema: for readers, no answer is put together by it. */
import { STATUS_CODES } from 'node:http'
import type { FastifyContextConfig, FastifySchema } from 'fastify'
import { ERROR_SCHEMA } from './errors.ts'

interface Asked {
	schema: FastifySchema
	url: string
	route: { config?: FastifyContextConfig }
}

interface Named {
	properties?: Record<string, object>
}

const OK = [200]

export function described<Route extends Asked>({ schema = {}, url, route: { config = {} } }: Route) {
	if (schema.hide) return { schema, url }
	const { access, answers = OK, part } = config
	const right = Object.fromEntries(answers.map((status) => [status, { type: 'null', description: STATUS_CODES[status] }]))
	const wrong = part?.refusal ?? ERROR_SCHEMA
	const response = { ...right, '4xx': wrong, '5xx': wrong, ...(schema.response as object | undefined) }
	const ofUrl = schema.params ? { params: withinUrl(schema.params, url) } : {}
	return { url, schema: { ...schema, ...ofUrl, response, ...(access === 'open' ? { security: [] } : {}) } }
}

/** One schema serves several forms of an address. */
function withinUrl(params: Named, url: string): Named {
	const isThere = ([name]: [string, object]) => (name === '*' && url.endsWith('*')) || url.split(/[/(]/).includes(`:${name}`)
	return { ...params, properties: Object.fromEntries(Object.entries(params.properties ?? {}).filter(isThere)) }
}
