/** PROPPATCH: properties that clients make up are kept with the file; of those the door knows by itself only the time of the last change can be set. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { setAttributes } from '../../core/filesystem/attributes.ts'
import { changeXattrs, type XattrChange } from '../../core/filesystem/xattrs.ts'
import type { Check } from '../../core/filesystem/expected.ts'
import { run } from '../../core/op.ts'
import type { Api } from '../api.ts'
import { textOf } from '../content/body.ts'
import { pathIn } from '../content/paths.ts'
import { conditionOf } from '../content/validators.ts'
import { HttpError } from '../errors.ts'
import { plainPath, reachExisting } from '../tree/reach.ts'
import { hrefOf } from './address.ts'
import { MULTISTATUS, XML_TYPE } from './answers.ts'
import { checkLocks, checkOf } from './locks.ts'
import { ATTRIBUTE_BYTES_MAX, attributeOf, element, isLive, type Name, propstat } from './properties.ts'
import { child, DAV, parse, escaped } from './xml.ts'
import { KIND } from '../../core/catalogue/files.ts'

const VALUE_BYTES_MAX = 65_536

interface Change extends Name {
	/** Undefined: it is removed. */
	value: string | undefined
}

export async function proppatch(request: FastifyRequest, reply: FastifyReply, api: Api): Promise<FastifyReply> {
	const changes = changesIn(await textOf(request))
	const asked = plainPath(pathIn(request.originalUrl))
	const { path, row } = await run(reachExisting(request, api.fs, asked, { role: 'write' }))
	await run(checkLocks(request, api, [{ path }]))
	const condition = conditionOf(request.headers)
	const locks = checkOf(request, api, [{ path }])
	const check: Check = function* (tx, current) {
		if (condition) yield* condition(tx, current)
		yield* locks(tx, current)
	}
	const refused = changes.filter(isRefused)
	// All of them or none (RFC 4918, 9.2).
	if (refused.length === 0) {
		await run(changeXattrs(api.fs, row.id, changes.filter((change) => !isOfTime(change)).map(toXattr), check))
		const seconds = changes.filter(isOfTime).map(secondsOf).at(-1)
		if (seconds !== undefined) await run(setAttributes(api.fs, row.id, { mtime: { s: seconds, ns: 0 } }))
	}
	const others = changes.filter((change) => !refused.includes(change))
	const parts = refused.length === 0 ? propstat(names(changes), '200 OK') : propstat(names(refused), '403 Forbidden') + (others.length > 0 ? propstat(names(others), '424 Failed Dependency') : '')
	const href = escaped(hrefOf(asked, row.kind === KIND.directory))
	return reply.code(207).type(XML_TYPE).send(`${MULTISTATUS.open}<D:response><D:href>${href}</D:href>${parts}</D:response>${MULTISTATUS.close}`)
}

function names(changes: readonly Change[]): string[] {
	return changes.map((change) => element(change, ''))
}

/** By either a client says when a file was last changed. Windows has a name of its own for that, and would go on showing what was kept of it when the file is changed. */
function isOfTime({ namespace, name }: Name): boolean {
	return (namespace === DAV && name === 'getlastmodified') || (namespace === 'urn:schemas-microsoft-com:' && name === 'Win32LastModifiedTime')
}

/** Undefined of what is no date of HTTP. */
function secondsOf({ value = '' }: Change): number | undefined {
	const ms = /GMT\s*$/.test(value) ? Date.parse(value.trim()) : Number.NaN
	return Number.isNaN(ms) ? undefined : Math.floor(ms / 1000)
}

function isRefused(change: Change): boolean {
	if (isOfTime(change)) return secondsOf(change) === undefined
	return isLive(change) || attributeOf(change).length > ATTRIBUTE_BYTES_MAX || Buffer.byteLength(change.value ?? '') > VALUE_BYTES_MAX
}

function changesIn(body: Buffer): Change[] {
	const root = parse(body)
	if (root.namespace !== DAV || root.name !== 'propertyupdate') throw new HttpError(400, 'the body is no propertyupdate')
	const changes = root.children.flatMap((action) => {
		if (action.namespace !== DAV || (action.name !== 'set' && action.name !== 'remove')) return []
		const isRemoval = action.name === 'remove'
		return (child(action, 'prop')?.children ?? []).map(({ namespace, name, inner }) => ({ namespace, name, value: isRemoval ? undefined : inner }))
	})
	if (changes.length === 0) throw new HttpError(400, 'the propertyupdate changes nothing')
	return changes
}

function toXattr(change: Change): XattrChange {
	return { name: attributeOf(change), value: change.value === undefined ? undefined : Buffer.from(change.value) }
}
