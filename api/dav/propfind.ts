/** PROPFIND: what is known of a resource, and of what is in it. */
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import * as davLocks from '../../core/catalogue/dav-locks.ts'
import type { DavLock } from '../../core/catalogue/dav-locks.ts'
import { KIND } from '../../core/catalogue/files.ts'
import * as paths from '../../core/catalogue/paths.ts'
import { joinPath } from '../../core/filesystem/directories.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { type Op, run } from '../../core/op.ts'
import type { Api } from '../api.ts'
import { textOf } from '../content/body.ts'
import { pathIn } from '../content/paths.ts'
import { HttpError, toFailure } from '../errors.ts'
import { pages } from '../tree/pages.ts'
import { plainPath, reach, reachExisting } from '../tree/reach.ts'
import { MULTISTATUS, XML_TYPE } from './answers.ts'
import { type Asked, describe, type Name, type Resource } from './properties.ts'
import { child, DAV, type Element, parse } from './xml.ts'

const PAGE_ROWS = 250

export async function propfind(request: FastifyRequest, reply: FastifyReply, api: Api): Promise<FastifyReply> {
	const { depth = 'infinity' } = request.headers
	if (!/^(0|1(,\s*noroot)?|infinity)$/i.test(String(depth))) throw new HttpError(400, 'Depth is 0, 1 or infinity')
	const { fs } = api
	const asked = askedFor(await textOf(request))
	const path = plainPath(pathIn(request.originalUrl))
	const { path: real, row } = await run(reachExisting(request, fs, path, { role: 'read' }))
	if (/^infinity$/i.test(String(depth)) && row.kind === KIND.directory) throw new HttpError(403, 'propfind-finite-depth')
	const locks = await run(davLocks.list(fs.catalogue, fs.capabilities))
	const answer = { request, api, resource: { path, real, row }, asked, locks }
	reply.code(207).type(XML_TYPE)
	// What can be wrong is wrong before the answer begins.
	const first = await describe(fs, answer.resource, asked, locks)
	// Windows asks for what is in a directory without the directory itself.
	const head = /noroot/i.test(String(depth)) ? '' : first
	return await reply.send(Readable.from(lines(answer, head, String(depth).startsWith('1') && row.kind === KIND.directory)))
}

interface Answer {
	request: FastifyRequest
	api: Api
	resource: Resource
	asked: Asked
	locks: readonly DavLock[]
}

async function* lines({ request, api: { fs }, resource, asked, locks }: Answer, first: string, withChildren: boolean): AsyncGenerator<string> {
	yield `${MULTISTATUS.open}${first}`
	if (withChildren) {
		for await (const rows of pages(PAGE_ROWS, (after, limit) => paths.list(fs.catalogue, resource.row.id, after, limit))) {
			const parts: string[] = []
			for (const row of rows) {
				const name = Buffer.from(row.name)
				const listed = { path: joinPath(resource.path, name), real: joinPath(resource.real, name), row }
				parts.push(await describe(fs, await run(asRead(request, fs, listed)), asked, locks))
			}
			yield parts.join('\n')
		}
	}
	yield MULTISTATUS.close
}

/** A symlink to a file is what GET sends. One to a directory stays a name: whoever removes it is not to empty that. */
function* asRead(request: FastifyRequest, fs: Filesystem, listed: Resource): Op<Resource> {
	if (listed.row.kind !== KIND.symlink) return listed
	try {
		const { path: real, row } = yield* reach(request, fs, listed.real, { role: 'read' })
		return row?.kind === KIND.regular ? { path: listed.path, real, row } : listed
	} catch (error) {
		// It leads nowhere, or to where this client may not go.
		if (toFailure(error).status >= 500) throw error
		return listed
	}
}

/** No body asks for everything. */
function askedFor(body: Buffer): Asked {
	if (body.length === 0) return { kind: 'all' }
	const root = parse(body)
	if (root.namespace !== DAV || root.name !== 'propfind') throw new HttpError(400, 'the body is no propfind')
	if (child(root, 'propname')) return { kind: 'names' }
	const some = child(root, 'prop')
	if (some) return { kind: 'some', names: namesIn(some) }
	if (child(root, 'allprop')) return { kind: 'all', besides: namesIn(child(root, 'include')) }
	throw new HttpError(400, 'the propfind asks for nothing')
}

function namesIn(element: Element | undefined): Name[] {
	return (element?.children ?? []).map(({ namespace, name }) => ({ namespace, name }))
}
