/** `write`, `append`: into a file that is there. All of what was sent is written, or nothing. */
import { setTimeout as pause } from 'node:timers/promises'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { KIND } from '../../core/catalogue/files.ts'
import type { LocatedRow } from '../../core/catalogue/paths.ts'
import { codeOf, fail } from '../../core/errors.ts'
import { takePrivileges } from '../../core/filesystem/attributes.ts'
import { isFollowed } from '../../core/filesystem/behind.ts'
import { allocate, write } from '../../core/filesystem/data.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import { open } from '../../core/filesystem/open.ts'
import type { OpenFile } from '../../core/filesystem/open-files.ts'
import { release } from '../../core/filesystem/publish.ts'
import type { FileId } from '../../core/ids.ts'
import { type Op, run, wait } from '../../core/op.ts'
import { stillHolds } from '../access/still.ts'
import type { Api } from '../api.ts'
import { verifyWhole } from '../content/digests.ts'
import { withWhole } from '../content/held.ts'
import { require } from '../content/validators.ts'
import { reachExisting } from '../tree/reach.ts'
import { offsetOf } from './reading.ts'
import { pathAsked } from './tree.ts'

/** As many as one of their clients writes at a time. */
const BYTES_MAX = 16 * 1024 * 1024
const APPEND = -1
const FALLOC_FL_KEEP_SIZE = 1
const ATTEMPTS_MAX = 20
const PAUSE_MS_MAX = 10
const MAY_WRITE = { access: 'write', byPath: true } as const
const TEXT = { type: 'string' } as const
const QUERY = { type: 'object', properties: { path: TEXT, offset: TEXT } } as const

export function content(app: FastifyInstance, api: Api): void {
	const { fs } = api
	const turns = inTurn()

	/** What has the path when all has come. */
	async function writing<T>(request: FastifyRequest, act: (file: OpenFile) => Op<T>): Promise<T> {
		await run(stillHolds(request, api)(fs.catalogue))
		for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
			const file = await run(openAsked(request))
			if (file) return await turns(file.id, () => run(acting(file, act)))
			// Not in step with whoever moves it.
			await pause(Math.random() * PAUSE_MS_MAX)
		}
		return fail('EAGAIN', 'the file is moved all the time')
	}

	/** Moves of before the path was looked up are followed first: only those of after it are in the way. */
	function* openAsked(request: FastifyRequest): Op<OpenFile | undefined> {
		if (!isFollowed(fs)) yield* catchUp(fs)
		const { id } = yield* regularFile(request)
		return yield* openUnlessMoved(id)
	}

	function* regularFile(request: FastifyRequest): Op<LocatedRow> {
		const { row } = yield* reachExisting(request, fs, pathAsked(request).path, { role: 'write' })
		require(request.headers, row)
		return row.kind === KIND.regular ? row : fail('EISDIR')
	}

	function* openUnlessMoved(id: FileId): Op<OpenFile | undefined> {
		try {
			return yield* open(fs, id, { write: true, truncate: false })
		} catch (error) {
			if (codeOf(error) !== 'ESTALE') throw error
			return undefined
		}
	}

	function* acting<T>(file: OpenFile, act: (file: OpenFile) => Op<T>): Op<T> {
		try {
			return yield* act(file)
		} finally {
			yield* release(fs, file, true)
		}
	}

	app.route({
		method: ['POST', 'PUT'],
		url: '/api/v1/write',
		config: MAY_WRITE,
		schema: { summary: 'Writes into a file', querystring: QUERY },
		handler: async (request) => {
			const offset = offsetOf(request.query)
			if (!Number.isSafeInteger(offset)) fail('EFBIG')
			await run(regularFile(request))
			const count = await withWhole(request, BYTES_MAX, (whole) => {
				verifyWhole(request.headers, whole)
				return writing(request, (file) => writeWhole(fs, file, whole, offset))
			})
			return { success: true, message: 'Data written successfully', data: { bytes_written: count, offset } }
		},
	})

	app.post('/api/v1/append', { config: MAY_WRITE, schema: { summary: 'Writes at the end of a file', querystring: QUERY } }, async (request) => {
		await run(regularFile(request))
		return await withWhole(request, BYTES_MAX, async (whole) => {
			verifyWhole(request.headers, whole)
			const end = await writing(request, function* (file) {
				yield* writeWhole(fs, file, whole, APPEND)
				return (yield* wait(file.node.operations.fstat(file.fd))).size
			})
			return { success: true, message: 'Data appended successfully', data: { offset: end - whole.length, bytes_added: whole.length } }
		})
	})
}

/** There is room for all of it, or nothing is written. */
function* writeWhole(fs: Filesystem, file: OpenFile, whole: Buffer, offset: number): Op<number> {
	const at = offset === APPEND ? (yield* wait(file.node.operations.fstat(file.fd))).size : offset
	yield* takePrivileges(fs, file)
	try {
		if (whole.length > 0) yield* allocate(fs, file, FALLOC_FL_KEEP_SIZE, { offset: at, length: whole.length })
	} catch (error) {
		if (codeOf(error) !== 'EOPNOTSUPP') throw error
	}
	return yield* write(fs, file, whole, offset, true)
}

/** One after the other for each file: where what was appended begins is known from where it ends. */
function inTurn(): <T>(id: FileId, act: () => T | Promise<T>) => Promise<T> {
	const last = new Map<FileId, Promise<unknown>>()
	return (id, act) => {
		const turn = (last.get(id) ?? Promise.resolve()).then(act)
		const ended = turn.catch(() => undefined).then(() => {
			if (last.get(id) === ended) last.delete(id)
		})
		last.set(id, ended)
		return turn
	}
}
