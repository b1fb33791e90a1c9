/** LOCK and UNLOCK. */
import { randomUUID } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import * as davLocks from '../../core/catalogue/dav-locks.ts'
import type { DavLock } from '../../core/catalogue/dav-locks.ts'
import type { Transaction } from '../../core/catalogue/driver.ts'
import * as files from '../../core/catalogue/files.ts'
import { ROOT_ID } from '../../core/ids.ts'
import { codeOf } from '../../core/errors.ts'
import { transact } from '../../core/filesystem/filesystem.ts'
import type { Located } from '../../core/filesystem/resolve.ts'
import { storeWhole } from '../../core/filesystem/store.ts'
import { type Op, run, wait } from '../../core/op.ts'
import type { Api } from '../api.ts'
import { textOf } from '../content/body.ts'
import { pathIn } from '../content/paths.ts'
import { require } from '../content/validators.ts'
import { HttpError } from '../errors.ts'
import { endsInSlash, isBelow } from '../tree/below.ts'
import { reach, reachTarget } from '../tree/reach.ts'
import { document, XML_TYPE } from './answers.ts'
import { covers } from './covers.ts'
import { conditionsOf, tokensIn } from './if-header.ts'
import { checkLocks, holderOf, locked } from './locks.ts'
import { notTaken } from './not-taken.ts'
import { activeLock } from './properties.ts'
import { child, DAV, parse } from './xml.ts'

const SECONDS = 3_600
const SECONDS_MAX = 86_400
/** Whoever changes anything reads all of them. */
const LOCKS_MAX = 10_000
/** One of many leaves something to the others; of those who say nothing of who they are all together. */
const LOCKS_OF_ONE_MAX = 1_000
const OWNER_BYTES_MAX = 1_024
const RETRY = { 'retry-after': '60' }

export async function lock(request: FastifyRequest, reply: FastifyReply, api: Api): Promise<FastifyReply> {
	const body = await textOf(request)
	const asked = pathIn(request.originalUrl)
	const located = await reachTarget(request, api, asked)
	require(request.headers, located.row)
	if (body.length === 0) return answer(reply, 200, await run(refresh(request, api, located)))
	const wanted = wantedLock(request, body, located)
	// A name that is not there yet is taken by an empty file (RFC 4918, 7.3).
	const isNew = located.row === undefined
	if (isNew && endsInSlash(asked)) throw notTaken('a collection is made by MKCOL', undefined)
	await run(take(request, api, wanted, isNew))
	if (isNew) await makeEmpty(api, located, wanted)
	reply.header('lock-token', `<${wanted.token}>`)
	return answer(reply, isNew ? 201 : 200, wanted)
}

function answer(reply: FastifyReply, status: number, lock: DavLock): FastifyReply {
	return reply.code(status).type(XML_TYPE).send(document(`<D:prop xmlns:D="DAV:"><D:lockdiscovery>${activeLock(lock)}</D:lockdiscovery></D:prop>`))
}

function wantedLock(request: FastifyRequest, body: Buffer, { path }: Located): DavLock {
	const root = parse(body)
	const scope = child(root, 'lockscope')
	const isKnown = root.namespace === DAV && root.name === 'lockinfo' && child(child(root, 'locktype'), 'write') !== undefined
	const exclusive = child(scope, 'exclusive') !== undefined
	if (!isKnown || (!exclusive && !child(scope, 'shared'))) throw new HttpError(400, 'the body is no lockinfo')
	const { depth = 'infinity' } = request.headers
	if (!/^(0|infinity)$/i.test(String(depth))) throw new HttpError(400, 'Depth is 0 or infinity')
	const owner = Buffer.from(child(root, 'owner')?.inner.trim() ?? '')
	if (owner.length > OWNER_BYTES_MAX) throw new HttpError(413, `the owner has more than ${OWNER_BYTES_MAX} bytes`)
	return { token: `urn:uuid:${randomUUID()}`, path, deep: depth !== '0', exclusive, owner, holder: holderOf(request), seconds: secondsOf(request) }
}

function secondsOf({ headers: { timeout } }: FastifyRequest): number {
	const [, seconds] = /Second-(\d{1,10})/i.exec(String(timeout ?? '')) ?? []
	if (seconds !== undefined) return Math.min(SECONDS_MAX, Math.max(1, Number(seconds)))
	return /infinite/i.test(String(timeout ?? '')) ? SECONDS_MAX : SECONDS
}

/** Whoever else takes one at this moment, at whichever door, comes before or after. */
function* take(request: FastifyRequest, api: Api, wanted: DavLock, isNew: boolean): Op<void> {
	const { fs } = api
	yield* wait(
		transact(fs, function* (tx: Transaction) {
			// Where no lock is there is no row to lock: the root stands for all there could be.
			yield* wait(tx.read(files.findQuery(ROOT_ID, fs.capabilities.forUpdate)))
			davLocks.removeEnded(tx, fs.capabilities)
			const locks = yield* davLocks.list(tx, fs.capabilities, fs.capabilities.forUpdate)
			yield* conditionsOf(request, fs, locks, tx)
			if (isNew) yield* checkLocks(request, api, [{ path: wanted.path, name: true }], tx)
			if (locks.length >= LOCKS_MAX) throw new HttpError(503, 'there are too many locks', RETRY)
			if (locks.filter(({ holder }) => holder === wanted.holder).length >= LOCKS_OF_ONE_MAX) throw new HttpError(503, `there are ${LOCKS_OF_ONE_MAX} locks of yours already`, RETRY)
			if (locks.some((other) => (other.exclusive || wanted.exclusive) && meet(other, wanted))) throw locked()
			davLocks.insert(tx, wanted, fs.capabilities)
		}),
	)
}

function meet(one: DavLock, other: DavLock): boolean {
	return covers(one, other.path) || (other.deep && isBelow(one.path, other.path))
}

async function makeEmpty(api: Api, { place, path }: Located, lock: DavLock): Promise<void> {
	const { uid, gid, fileMode: mode } = api.config.api
	try {
		if (place) await run(storeWhole(api.fs, { place, path, attributes: { mode, uid, gid } }, Buffer.alloc(0), { exclusive: true }))
	} catch (error) {
		// Somebody made it meanwhile: that is locked then.
		if (codeOf(error) === 'EEXIST') return
		await run(forget(api, lock.token))
		throw error
	}
}

function* forget({ fs }: Api, token: string): Op<void> {
	yield* wait(
		transact(fs, function* (tx: Transaction) {
			davLocks.remove(tx, token)
		}),
	)
}

function* refresh(request: FastifyRequest, { fs }: Api, { path }: Located): Op<DavLock> {
	const shown = tokensIn(request)
	const seconds = secondsOf(request)
	return yield* wait(
		transact(fs, function* (tx: Transaction) {
			const locks = yield* davLocks.list(tx, fs.capabilities, fs.capabilities.forUpdate)
			yield* conditionsOf(request, fs, locks, tx)
			const own = locks.find((lock) => shown.has(lock.token) && covers(lock, path) && lock.holder === holderOf(request))
			if (!own) throw new HttpError(412, 'no such lock is held here')
			davLocks.refresh(tx, own.token, seconds, fs.capabilities)
			return { ...own, seconds }
		}),
	)
}

export async function unlock(request: FastifyRequest, reply: FastifyReply, api: Api): Promise<FastifyReply> {
	// Some clients, Windows among them, leave the brackets out.
	const [, token] = /^\s*<?([^<>\s]+)>?\s*$/.exec(String(request.headers['lock-token'] ?? '')) ?? []
	if (token === undefined) throw new HttpError(400, 'the request does not say which lock (Lock-Token)')
	const { fs } = api
	// A lock stays when what it is about goes by another way than WebDAV.
	const { path } = await run(reach(request, fs, pathIn(request.originalUrl), { role: 'write' }))
	const locks = await run(davLocks.list(fs.catalogue, fs.capabilities))
	const own = locks.find((lock) => lock.token === token && covers(lock, path))
	if (!own) throw new HttpError(409, 'no such lock is held here')
	if (own.holder !== holderOf(request) && request.grant.role !== 'admin') throw new HttpError(403, 'the lock is somebody else\'s')
	await run(forget(api, token))
	return reply.code(204).send()
}
