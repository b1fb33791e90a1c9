/** `mkdir`, `create`, `rename`, `delete`. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { KIND } from '../../core/catalogue/files.ts'
import { fail } from '../../core/errors.ts'
import { create, makeDirectory } from '../../core/filesystem/create.ts'
import type { Place } from '../../core/filesystem/names.ts'
import { release } from '../../core/filesystem/publish.ts'
import { removeDirectory, unlink } from '../../core/filesystem/remove.ts'
import { rename } from '../../core/filesystem/rename.ts'
import { run } from '../../core/op.ts'
import type { Api } from '../api.ts'
import { conditionOf, require } from '../content/validators.ts'
import { reach, reachWithParents } from '../tree/reach.ts'
import { toPath } from './tree.ts'

const MAY_WRITE = { access: 'write', byPath: true } as const
/** Of a symlink itself. */
const HOW = { role: 'write', follow: false } as const
const NAME = { type: 'string', minLength: 1 } as const
const ONE = { type: 'object', required: ['path'], properties: { path: NAME } } as const
const TWO = { type: 'object', required: ['source', 'target'], properties: { source: NAME, target: NAME } } as const

interface One {
	path: string
}

interface Two {
	source: string
	target: string
}

export function names(app: FastifyInstance, gateway: Api): void {
	const { fs, config: { api } } = gateway
	const { uid, gid } = api
	const asDirectory = { mode: api.directoryMode, uid, gid }
	const asFile = { mode: api.fileMode, uid, gid }

	/** What is above it is made where it is missing, and not where the request wants something to be there already. */
	async function freePlace(request: FastifyRequest, text: string): Promise<Place> {
		require(request.headers, undefined)
		const { place, row } = await reachWithParents(request, gateway, toPath(text))
		return row || !place ? fail('EEXIST', 'something has that name') : place
	}

	app.post<{ Body: One }>('/api/v1/mkdir', { config: MAY_WRITE, schema: { summary: 'Makes a directory', body: ONE } }, async (request) => {
		const { path } = request.body
		await run(makeDirectory(fs, await freePlace(request, path), asDirectory))
		return { success: true, message: 'Directory created successfully', data: { path } }
	})

	app.post<{ Body: One }>('/api/v1/create', { config: MAY_WRITE, schema: { summary: 'Makes an empty file', body: ONE } }, async (request) => {
		const { path } = request.body
		const made = await run(create(fs, await freePlace(request, path), asFile, true))
		if ('open' in made) await run(release(fs, made.open, true))
		return { success: true, message: 'File created successfully', data: { path } }
	})

	app.route<{ Body: Two }>({
		method: ['POST', 'PUT'],
		url: '/api/v1/rename',
		config: MAY_WRITE,
		schema: { summary: 'Gives another name, which must be free', body: TWO },
		handler: async (request) => {
			const { source, target } = request.body
			const from = await run(reach(request, fs, toPath(source), HOW))
			const to = await run(reach(request, fs, toPath(target), HOW))
			if (!from.place || !to.place) return fail('EBUSY', 'the root has no other name')
			const condition = conditionOf(request.headers)
			await run(rename(fs, from.place, to.place, 'noreplace', condition && ((tx, renamed) => condition(tx, renamed))))
			return { success: true, message: 'File renamed successfully', data: { source, target } }
		},
	})

	app.route<{ Body: One }>({
		method: ['DELETE', 'POST'],
		url: '/api/v1/delete',
		config: MAY_WRITE,
		schema: { summary: 'Removes a file, or an empty directory', body: ONE },
		handler: async (request) => {
			const { path } = request.body
			const { place, row } = await run(reach(request, fs, toPath(path), HOW))
			if (!row) return fail('ENOENT')
			if (!place) return fail('EBUSY', 'the root stays')
			const check = conditionOf(request.headers)
			await run(row.kind === KIND.directory ? removeDirectory(fs, place, { check }) : unlink(fs, place, { check }))
			return { success: true, message: 'File deleted successfully', data: { path } }
		},
	})
}
