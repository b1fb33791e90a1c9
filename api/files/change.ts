/** Names: directories made, names removed, moved, copied. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { KIND } from '../../core/catalogue/files.ts'
import { fail } from '../../core/errors.ts'
import { makeDirectory } from '../../core/filesystem/create.ts'
import { removeDirectory } from '../../core/filesystem/remove.ts'
import { run } from '../../core/op.ts'
import type { Api } from '../api.ts'
import { parameter, pathIn } from '../content/paths.ts'
import { conditionOf, require } from '../content/validators.ts'
import { destinationOf, mayOverwrite } from '../tree/destination.ts'
import { reachExisting, reachTarget } from '../tree/reach.ts'
import { removeTree } from '../tree/remove-tree.ts'
import { copy, move, type TransferCheck } from '../tree/transfer.ts'
import { hrefOf, PREFIX } from './listing.ts'

export async function makeCollection(request: FastifyRequest, reply: FastifyReply, api: Api): Promise<FastifyReply> {
	const { fs, config } = api
	const { place, row, path } = await reachTarget(request, api, pathIn(request.originalUrl))
	if (row || !place) return fail('EEXIST', 'something has that name')
	require(request.headers, undefined)
	const { uid, gid, directoryMode: mode } = config.api
	await run(makeDirectory(fs, place, { mode, uid, gid }))
	return reply.code(201).header('location', hrefOf(path, true)).send()
}

/** A directory only when it is empty, unless all of it is meant. */
export async function remove(request: FastifyRequest, reply: FastifyReply, { fs }: Api): Promise<FastifyReply> {
	const { originalUrl, headers } = request
	const { place, row } = await run(reachExisting(request, fs, pathIn(originalUrl), { role: 'write', follow: false }))
	if (!place) return fail('EACCES', 'the root stays')
	require(headers, row)
	const check = conditionOf(headers)
	const isWhole = parameter(originalUrl, 'recursive') !== undefined
	if (row.kind === KIND.directory && !isWhole) await run(removeDirectory(fs, place, { check }))
	else await removeTree(fs, place, row, { check })
	return reply.code(204).send()
}

export async function transfer(request: FastifyRequest, reply: FastifyReply, api: Api): Promise<FastifyReply> {
	const isMove = request.method === 'MOVE'
	const from = await run(reachExisting(request, api.fs, pathIn(request.originalUrl), { role: isMove ? 'write' : 'read', follow: !isMove }))
	const to = await reachTarget(request, api, destinationOf(request, PREFIX), { follow: false })
	require(request.headers, from.row)
	const condition = conditionOf(request.headers)
	const check: TransferCheck | undefined = condition && ((tx, source) => condition(tx, source))
	const isNew = await (isMove ? move : copy)(api, { from, to, overwrite: mayOverwrite(request), check })
	return reply.code(isNew ? 201 : 204).header('location', hrefOf(to.path, from.row.kind === KIND.directory)).send()
}
