/** `/col/delete`: everything in the directory of a collection. */
import type { FastifyInstance } from 'fastify'
import { codeOf } from '../../core/errors.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { type Located, resolve } from '../../core/filesystem/resolve.ts'
import type { Path } from '../../core/ids.ts'
import { type Op, run } from '../../core/op.ts'
import { HttpError } from '../errors.ts'
import { removeTree } from '../tree/remove-tree.ts'
import type { Gateway } from './gateway.ts'
import { checkCollection, parametersOf, query } from './parameters.ts'
import { directoryOf } from './place.ts'

/** Undefined also where nothing was ever uploaded. */
function* find(fs: Filesystem, path: Path): Op<Located | undefined> {
	try {
		return yield* resolve(fs, path, { follow: false })
	} catch (error) {
		if (codeOf(error) !== 'ENOENT') throw error
		return undefined
	}
}

export function collections(app: FastifyInstance, { fs, changing }: Gateway): void {
	app.route({
		method: ['GET', 'POST', 'PUT'],
		url: '/col/delete',
		config: { access: 'admin', answers: [204] },
		schema: { summary: 'Deletes all objects of a collection', querystring: query('collection') },
		handler: async (request, reply) => {
			const { collection = '' } = parametersOf(request)
			if (collection === '') throw new HttpError(400, 'which collection?')
			checkCollection(collection)
			const found = await run(find(fs, directoryOf(collection)))
			if (!found?.place || !found.row) throw new HttpError(400, `collection '${collection}' is not there`)
			const { place, row } = found
			await changing(() => removeTree(fs, place, row))
			return reply.code(204).send()
		},
	})
}
