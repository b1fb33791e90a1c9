/** `/metrics`: of this process, of the others of the installation on this machine, and of the archive. */
import type { FastifyInstance } from 'fastify'
import { collect } from '../../core/live/collect.ts'
import { familiesOf } from '../../core/metrics/process-families.ts'
import { CONTENT_TYPE, toText } from '../../core/metrics/text.ts'
import type { Api, Part } from '../api.ts'

export const part: Part = {
	name: 'metrics',
	routes(app: FastifyInstance, { fs, config }: Api) {
		const schema = { summary: 'Metrics of all processes here and of the archive, in the text format of Prometheus', response: { 200: { type: 'string' } } }
		app.get('/metrics', { config: { access: 'read' }, schema }, async (_, reply) => {
			const families = await collect(config.catalogue, fs.catalogue, { what: 'api', families: familiesOf(fs) })
			return reply.type(CONTENT_TYPE).send(toText(families))
		})
	},
}
