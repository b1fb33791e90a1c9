/** PROPFIND: what is known of a resource, and of what is in it. */
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import * as davLocks from '../../core/catalogue/dav-locks.ts'
import type { DavLock } from '../../core/catalogue/dav-locks.ts'
import { KIND } from '../../core/catalogue/files.ts'
import * as paths from '../../core/catalogue/paths.ts'
import { joinPath } from '../../core/filesystem/directories.ts'
import { run } from '../../core/op.ts'
import type { Api } from '../api.ts'
import { textOf } from '../content/body.ts'
import { pathIn } from '../content/paths.ts'
import { HttpError } from '../errors.ts'
import { pages } from '../tree/pages.ts'
import { reachExisting } from '../tree/reach.ts'
import { PREFIX } from './address.ts'
import { BODY_BYTES_MAX, MULTISTATUS, XML_TYPE } from './answers.ts'
import { type Asked, describe, type Name, type Resource } from './properties.ts'
import { child, DAV, type Element, parse } from './xml.ts'

const PAGE_ROWS = 250

export async function propfind(request: FastifyRequest, reply: FastifyReply, api: Api): Promise<FastifyReply> {
	const { depth = 'infinity' } = request.headers
	if (!/^(0|1(,\s*noroot)?|infinity)$/i.test(String(depth))) throw new HttpError(400, 'Depth is 0, 1 or infinity')
	const { fs } = api
	const asked = askedFor(await textOf(request, BODY_BYTES_MAX))
	const { path, row } = await run(reachExisting(request, fs, pathIn(request.originalUrl, PREFIX), { role: 'read' }))
	if (/^infinity$/i.test(String(depth)) && row.kind === KIND.directory) throw new HttpError(403, 'propfind-finite-depth')
	const locks = await run(davLocks.list(fs.catalogue, fs.capabilities))
	const answer = { api, resource: { path, row }, asked, locks }
	reply.code(207).type(XML_TYPE)
	// What can be wrong is wrong before the answer begins.
	const first = await describe(fs, answer.resource, asked, locks)
	// Windows asks for what is in a directory without the directory itself.
	const head = /noroot/i.test(String(depth)) ? '' : first
	return await reply.send(Readable.from(lines(answer, head, String(depth).startsWith('1') && row.kind === KIND.directory)))
}

interface Answer {
	api: Api
	resource: Resource
	asked: Asked
	locks: readonly DavLock[]
}

async function* lines({ api: { fs }, resource, asked, locks }: Answer, first: string, withChildren: boolean): AsyncGenerator<string> {
	yield `${MULTISTATUS.open}${first}`
	if (withChildren) {
		for await (const rows of pages(PAGE_ROWS, (after, limit) => paths.list(fs.catalogue, resource.row.id, after, limit))) {
			const parts: string[] = []
			for (const row of rows) parts.push(await describe(fs, { path: joinPath(resource.path, Buffer.from(row.name)), row }, asked, locks))
			yield parts.join('\n')
		}
	}
	yield MULTISTATUS.close
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
