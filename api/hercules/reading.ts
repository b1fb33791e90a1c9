/** `list`, `fileinfo`, `read`. */
import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import * as entries from '../../core/catalogue/entries.ts'
import { type FileRow, KIND } from '../../core/catalogue/files.ts'
import { fail } from '../../core/errors.ts'
import { type Filesystem, runAside } from '../../core/filesystem/filesystem.ts'
import { closeContent, openContent, readRange } from '../../core/filesystem/read-content.ts'
import type { FileId } from '../../core/ids.ts'
import { run } from '../../core/op.ts'
import { mayLead, mayReach } from '../access/access.ts'
import type { Api } from '../api.ts'
import { textParameter } from '../content/text-parameter.ts'
import { HttpError } from '../errors.ts'
import { pages } from '../tree/pages.ts'
import { reachExisting } from '../tree/reach.ts'
import { pathAsked, toPath } from './tree.ts'

/** Theirs; ours has no chunks, and is asked how many there would be. */
const CHUNK_BYTES = 64 * 1024 * 1024
const LENGTH_DEFAULT = 4_096
const PAGE_ROWS = 1_000
const METHODS = ['GET', 'POST']
const MAY_READ = { access: 'read', byPath: true } as const
const TEXT = { type: 'string' } as const
const QUERY = { type: 'object', properties: { path: TEXT, offset: TEXT, length: TEXT } } as const

export function reading(app: FastifyInstance, { fs }: Api): void {
	app.route({
		method: METHODS,
		url: '/api/v1/list',
		config: MAY_READ,
		schema: { summary: 'What is in a directory', querystring: QUERY },
		handler: async (request, reply) => {
			const text = textParameter(request, 'path') || '/'
			const { row } = await run(reachExisting(request, fs, toPath(text), { role: 'read' }))
			if (row.kind !== KIND.directory) fail('ENOTDIR')
			return reply.type('application/json').send(Readable.from(listing(fs, row.id, text)))
		},
	})

	app.route({
		method: METHODS,
		url: '/api/v1/fileinfo',
		config: MAY_READ,
		schema: { summary: 'What is known of a path', querystring: QUERY },
		handler: async (request) => {
			const { text, path } = pathAsked(request)
			const { row } = await run(reachExisting(request, fs, path, { role: 'read' }))
			const { IsDir, Length, Chunk } = describe(row)
			return { success: true, message: '', data: { path: text, is_dir: IsDir, length: Length, chunks: Chunk } }
		},
	})

	app.route({
		method: METHODS,
		url: '/api/v1/read',
		config: MAY_READ,
		schema: { summary: 'Bytes of a file', querystring: QUERY },
		handler: async (request, reply) => {
			const { path } = pathAsked(request)
			const offset = offsetOf(request.query)
			mayReach(request, path, 'read')
			const content = await run(openContent(fs, path))
			try {
				mayLead(request, path, content.located.path, 'read')
			} catch (error) {
				await run(closeContent(fs, content))
				throw error
			}
			const start = Math.min(offset, content.size)
			const end = Math.min(start + (numberOf(request.query, 'length') || LENGTH_DEFAULT), content.size)
			const bytes = Readable.from(readRange(fs, content, start, end))
			// Also where whoever asked is gone before anything is read.
			bytes.once('close', () => runAside(fs, 'closing what was read', closeContent(fs, content)))
			return reply.type('application/octet-stream').headers({ 'x-bytes-read': end - start, 'content-length': end - start }).send(bytes)
		},
	})
}

/** What is no number counts as not said, which is 0, as it does with them. */
function numberOf(query: unknown, name: string): number {
	const text = (query as Record<string, string | undefined>)[name] ?? ''
	return /^\d+$/.test(text) ? Number(text) : 0
}

/** Nothing is read, or written over, elsewhere than was said. */
export function offsetOf(query: unknown): number {
	if (/^-\d+$/.test((query as Record<string, string | undefined>).offset ?? '')) throw new HttpError(400, 'nothing is there before the beginning of a file')
	return numberOf(query, 'offset')
}

function describe({ kind, size }: Pick<FileRow, 'kind' | 'size'>) {
	const isDirectory = kind === KIND.directory
	return { IsDir: isDirectory, Length: isDirectory ? 0 : size, Chunk: isDirectory ? 0 : Math.ceil(size / CHUNK_BYTES) }
}

async function* listing({ catalogue }: Filesystem, directory: FileId, path: string): AsyncGenerator<string> {
	yield `{"success":true,"message":"","data":{"path":${JSON.stringify(path)},"entries":[`
	const above = path.endsWith('/') ? path : `${path}/`
	let comma = ''
	for await (const rows of pages(PAGE_ROWS, (after, limit) => entries.list(catalogue, directory, after, limit))) {
		const parts = rows.map((row) => {
			const name = Buffer.from(row.name).toString()
			return JSON.stringify({ Path: above + name, Name: name, ...describe(row) })
		})
		yield comma + parts.join()
		comma = ','
	}
	yield ']}}'
}
