/** Reading an object: what any file is read with, under its own tag and with what was uploaded along with it. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { fail } from '../../core/errors.ts'
import * as paths from '../../core/catalogue/paths.ts'
import type { Op } from '../../core/op.ts'
import { mayReach } from '../access/access.ts'
import { disposition } from '../content/disposition.ts'
import { handOverBy } from '../content/hand-over.ts'
import { mediaTypeOf } from '../content/media-type.ts'
import { sealed } from '../content/sealed.ts'
import { type Found, sendFile } from '../content/send.ts'
import { toFailure } from '../errors.ts'
import type { Address } from './address.ts'
import { findObject, type FoundFile, isMeant } from './find.ts'
import type { Gateway } from './gateway.ts'
import { withTag } from './tag.ts'

type FoundObject = Found & { object: FoundFile['row'] }

export async function readObject(gateway: Gateway, address: Address, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
	const { dl } = request.query as { dl?: string }
	const isDownload = dl === 'true' || dl === '' || dl === '1'
	try {
		return await sendFile(request, reply, gateway, {
			find: () => find(gateway, address, request),
			headersOf: (found) => headersOf(found as FoundObject, address, isDownload),
			handOver: handOverBy(request, reply, gateway),
		})
	} catch (error) {
		// As with them: nothing at all is said of what is not there.
		if (toFailure(error).status !== 404) throw error
		return reply.code(404).send()
	}
}

function* find({ fs }: Gateway, { fid }: Address, request: FastifyRequest): Op<FoundObject> {
	const found = yield* findObject(fs, fid)
	if (!found || !isMeant(fid, found.row)) return fail('ENOENT')
	const { place, path, row: object } = found
	mayReach(request, path, 'read')
	const row = (yield* paths.locate(fs.catalogue, object.id)) ?? fail('ENOENT')
	return { place, path, row: withTag(row, object), object }
}

function headersOf({ object, place }: FoundObject, { name: asked, extension }: Address, isDownload: boolean): Record<string, string> {
	const name = object.name || asked
	const type = object.mime || mediaTypeOf(Buffer.from(name || `x${extension}`))
	return {
		...(object.headers === '' ? {} : (JSON.parse(object.headers) as Record<string, string>)),
		...sealed(type),
		'content-disposition': disposition(isDownload ? 'attachment' : 'inline', name || (isDownload ? (place?.name.toString() ?? '') : '')),
	}
}
