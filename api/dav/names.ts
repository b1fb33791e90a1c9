/** MKCOL, DELETE, MOVE and COPY of WebDAV. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { KIND } from '../../core/catalogue/files.ts'
import { codeOf, fail } from '../../core/errors.ts'
import { makeDirectory } from '../../core/filesystem/create.ts'
import { run } from '../../core/op.ts'
import type { Api } from '../api.ts'
import { textOf } from '../content/body.ts'
import { pathIn } from '../content/paths.ts'
import { modifiedOf } from '../content/receive.ts'
import { conditionOf, require } from '../content/validators.ts'
import { HttpError } from '../errors.ts'
import { destinationOf, mayOverwrite } from '../tree/destination.ts'
import { reachExisting, reachTarget } from '../tree/reach.ts'
import { removeTree } from '../tree/remove-tree.ts'
import { copy, move } from '../tree/transfer.ts'
import { PREFIX } from './address.ts'
import { checkLocks, checkLocksNow, checkOf, forgetLocks } from './locks.ts'
import { notTaken } from './not-taken.ts'

export async function makeCollection(request: FastifyRequest, reply: FastifyReply, api: Api): Promise<FastifyReply> {
	if ((await textOf(request)).length > 0) throw new HttpError(415, 'a collection is made without a body')
	const { place, row, path } = await reachTarget(request, api, pathIn(request.originalUrl))
	if (row || !place) throw notTaken('something has that name', row)
	require(request.headers, undefined)
	const changes = [{ path, name: true }]
	await run(checkLocks(request, api, changes))
	const { uid, gid, directoryMode: mode } = api.config.api
	try {
		await run(makeDirectory(api.fs, place, { mode, uid, gid }, checkOf(request, api, changes)))
	} catch (error) {
		if (codeOf(error) === 'EEXIST') throw notTaken('something has that name', (await reachTarget(request, api, path)).row)
		throw error
	}
	return reply.code(201).send()
}

export async function remove(request: FastifyRequest, reply: FastifyReply, api: Api): Promise<FastifyReply> {
	const { depth = 'infinity' } = request.headers
	if (!/^(infinity|0)$/i.test(String(depth))) throw new HttpError(400, 'a collection is removed with all that is in it')
	const { place, row, path } = await run(reachExisting(request, api.fs, pathIn(request.originalUrl), { role: 'write', follow: false }))
	if (!place) return fail('EACCES', 'the root stays')
	require(request.headers, row)
	const changes = [{ path, deep: true, name: true }]
	await run(checkLocks(request, api, changes))
	const condition = conditionOf(request.headers)
	await removeTree(api.fs, place, row, {
		*check(tx, current) {
			if (condition) yield* condition(tx, current)
			forgetLocks(tx, yield* checkLocksNow(request, api, changes, tx), path)
		},
		below: checkOf(request, api, changes),
	})
	return reply.code(204).send()
}

export async function transfer(request: FastifyRequest, reply: FastifyReply, api: Api): Promise<FastifyReply> {
	const isMove = request.method === 'MOVE'
	const { depth = 'infinity' } = request.headers
	if (!(isMove ? /^infinity$/i : /^(0|infinity)$/i).test(String(depth))) throw new HttpError(400, `Depth of ${request.method} is infinity${isMove ? '' : ' or 0'}`)
	const from = await run(reachExisting(request, api.fs, pathIn(request.originalUrl), { role: isMove ? 'write' : 'read', follow: !isMove }))
	const to = await reachTarget(request, api, destinationOf(request, PREFIX), { follow: false })
	require(request.headers, from.row)
	// What is moved has its time with it.
	const modified = isMove || from.row.kind !== KIND.regular ? undefined : modifiedOf(request.headers)
	const changes = [{ path: to.path, deep: true, name: to.row === undefined }, ...(isMove ? [{ path: from.path, deep: true, name: true }] : [])]
	await run(checkLocks(request, api, changes))
	const isNew = await (isMove ? move : copy)(api, {
		from,
		to,
		overwrite: mayOverwrite(request),
		shallow: depth === '0',
		modified,
		*check(tx, source) {
			require(request.headers, source)
			const locks = yield* checkLocksNow(request, api, changes, tx)
			// A lock stays with its address and does not move along.
			if (isMove) forgetLocks(tx, locks, from.path)
		},
	})
	if (modified) reply.header('x-oc-mtime', 'accepted')
	return reply.code(isNew ? 201 : 204).send()
}
