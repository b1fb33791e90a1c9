/** Properties of a resource: those the door knows by itself, and dead ones that clients have set, which are extended attributes. */
import { FLAG_HAS_XATTRS, KIND } from '../../core/catalogue/files.ts'
import type { DavLock } from '../../core/catalogue/dav-locks.ts'
import type { LocatedRow } from '../../core/catalogue/paths.ts'
import { codeOf } from '../../core/errors.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { statfs } from '../../core/filesystem/statfs.ts'
import { getXattr, xattrNames } from '../../core/filesystem/xattrs.ts'
import type { Path } from '../../core/ids.ts'
import { type Op, run } from '../../core/op.ts'
import { mediaTypeOf } from '../content/media-type.ts'
import { validatorsOf } from '../content/validators.ts'
import { covers } from './covers.ts'
import { hrefOf } from './address.ts'
import { withTag } from './tag.ts'
import { contentOf, DAV, escaped, isName } from './xml.ts'

export interface Name {
	namespace: string
	name: string
}

export interface Resource {
	/** As clients say it. */
	path: Path
	/** Where that leads. */
	real: Path
	row: LocatedRow
}

const ATTRIBUTE = 'user.dav:'
export const ATTRIBUTE_BYTES_MAX = 255

type Live = (resource: Resource, fs: Filesystem, locks: readonly DavLock[]) => string | undefined

const isDirectory = ({ row }: Resource) => row.kind === KIND.directory
const ofFiles = (value: (resource: Resource) => string): Live => (resource) => (isDirectory(resource) ? undefined : value(resource))

/** In the namespace `DAV:`; undefined where a resource has no such property. */
const LIVE: Record<string, Live> = {
	resourcetype: (resource) => (isDirectory(resource) ? '<D:collection/>' : ''),
	getlastmodified: ({ row }) => validatorsOf(row).modified.toUTCString(),
	creationdate: ({ row }) => new Date(Math.min(row.ctime, row.mtime) * 1000).toISOString(),
	displayname: ({ path }) => escaped(path.subarray(path.lastIndexOf('/') + 1).toString()),
	getcontentlength: ofFiles(({ row }) => String(row.size)),
	getcontenttype: ofFiles(({ path }) => mediaTypeOf(path.subarray(path.lastIndexOf('/') + 1))),
	getetag: ofFiles(({ row }) => escaped(validatorsOf(withTag(row)).etag)),
	supportedlock: () =>
		['exclusive', 'shared'].map((scope) => `<D:lockentry><D:lockscope><D:${scope}/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>`).join(''),
	lockdiscovery: ({ real }, _, locks) => locks.filter((lock) => covers(lock, real)).map(activeLock).join(''),
	'quota-available-bytes': (resource, fs) => (isDirectory(resource) ? String(free(fs)) : undefined),
	'quota-used-bytes': (resource, fs) => (isDirectory(resource) ? String(used(fs)) : undefined),
}

/** What `allprop` leaves out (RFC 4331): to be asked for by name. */
const BY_NAME = new Set(['quota-available-bytes', 'quota-used-bytes'])

export function isLive({ namespace, name }: Name): boolean {
	return namespace === DAV && Object.hasOwn(LIVE, name)
}

function free(fs: Filesystem): number {
	const { blocksFree, blockBytes } = statfs(fs)
	return blocksFree * blockBytes
}

function used(fs: Filesystem): number {
	const { blocks, blocksFree, blockBytes } = statfs(fs)
	return (blocks - blocksFree) * blockBytes
}

export function activeLock(lock: DavLock): string {
	const scope = lock.exclusive ? 'exclusive' : 'shared'
	return `<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope><D:${scope}/></D:lockscope><D:depth>${lock.deep ? 'infinity' : '0'}</D:depth>${lock.owner.length > 0 ? `<D:owner>${lock.owner}</D:owner>` : ''}<D:timeout>Second-${lock.seconds}</D:timeout><D:locktoken><D:href>${escaped(lock.token)}</D:href></D:locktoken><D:lockroot><D:href>${escaped(hrefOf(lock.path, false))}</D:href></D:lockroot></D:activelock>`
}

export function attributeOf({ namespace, name }: Name): Buffer {
	return Buffer.from(`${ATTRIBUTE}{${namespace}}${name}`)
}

export function element({ namespace, name }: Name, content: string): string {
	if (namespace === DAV) return content === '' ? `<D:${name}/>` : `<D:${name}>${content}</D:${name}>`
	return `<${name} xmlns="${escaped(namespace)}">${content}</${name}>`
}

/** What a PROPFIND asks for. */
export type Asked = { kind: 'all' | 'names'; besides?: readonly Name[] } | { kind: 'some'; names: readonly Name[] }

/** The `response` element of one resource. */
export async function describe(fs: Filesystem, resource: Resource, asked: Asked, locks: readonly DavLock[]): Promise<string> {
	const { row, path } = resource
	const found: string[] = []
	const missing: string[] = []
	const isNames = asked.kind === 'names'
	const wanted = asked.kind === 'some' ? asked.names : Object.keys(LIVE).filter((name) => isNames || !BY_NAME.has(name) || isBesides(asked, name)).map((name) => ({ namespace: DAV, name }))
	for (const each of wanted) {
		const value = isLive(each) ? LIVE[each.name](resource, fs, locks) : await run(dead(fs, row, each))
		if (value !== undefined) found.push(element(each, isNames ? '' : value))
		else if (asked.kind === 'some') missing.push(element(each, ''))
	}
	if (asked.kind !== 'some') for (const each of await run(deadNames(fs, row))) found.push(element(each, isNames ? '' : ((await run(dead(fs, row, each))) ?? '')))
	const parts = [...(found.length > 0 || missing.length === 0 ? [propstat(found, '200 OK')] : []), ...(missing.length > 0 ? [propstat(missing, '404 Not Found')] : [])]
	return `<D:response><D:href>${escaped(hrefOf(path, isDirectory(resource)))}</D:href>${parts.join('')}</D:response>`
}

function isBesides({ besides = [] }: { besides?: readonly Name[] }, wanted: string): boolean {
	return besides.some(({ namespace, name }) => namespace === DAV && name === wanted)
}

export function propstat(properties: readonly string[], status: string): string {
	return `<D:propstat><D:prop>${properties.join('')}</D:prop><D:status>HTTP/1.1 ${status}</D:status></D:propstat>`
}

function* dead(fs: Filesystem, row: LocatedRow, name: Name): Op<string | undefined> {
	const attribute = attributeOf(name)
	if ((row.flags & FLAG_HAS_XATTRS) === 0 || attribute.length > ATTRIBUTE_BYTES_MAX) return undefined
	try {
		// A mount sets attributes as it likes.
		return contentOf(Buffer.from(yield* getXattr(fs, row.id, attribute)).toString())
	} catch (error) {
		if (codeOf(error) !== 'ENODATA' && codeOf(error) !== 'ESTALE') throw error
		return undefined
	}
}

function* deadNames(fs: Filesystem, row: LocatedRow): Op<Name[]> {
	if ((row.flags & FLAG_HAS_XATTRS) === 0) return []
	const names: Name[] = []
	for (const attribute of yield* attributesOf(fs, row)) {
		const [, namespace, name] = /^user\.dav:\{(.*)\}([^}]+)$/s.exec(attribute.toString()) ?? []
		if (name !== undefined && isName(name)) names.push({ namespace, name })
	}
	return names
}

/** None of what was removed since it was listed. */
function* attributesOf(fs: Filesystem, row: LocatedRow): Op<Buffer[]> {
	try {
		return yield* xattrNames(fs, row.id)
	} catch (error) {
		if (codeOf(error) !== 'ESTALE') throw error
		return []
	}
}
