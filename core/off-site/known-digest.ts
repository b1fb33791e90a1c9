/** What the bytes of an order are compared with. A site that told no hash (of an import, or an old agent's) may hold rotten ones all the same. */
import type { OrderRow } from '../catalogue/backup-orders.ts'
import type { HashRow } from '../catalogue/hashes.ts'
import * as hashes from '../catalogue/hashes.ts'
import * as xattrs from '../catalogue/xattrs.ts'
import type { Filesystem } from '../filesystem/filesystem.ts'
import { type Op, wait } from '../op.ts'

const MD5 = Buffer.from('user.md5')
const MD5_TEXT = /^[0-9a-f]{32}$/
/** Of the first version: what was imported knows no other. */
const MD5_VERSION = 1

export interface Digest {
	algorithm: 'sha256' | 'md5'
	bytes: Buffer
}

/** Undefined where nothing but the size is known. */
export function* knownDigest({ catalogue }: Filesystem, { hash, file_id, version }: OrderRow): Op<Digest | undefined> {
	if (hash !== null) return { algorithm: 'sha256', bytes: Buffer.from(hash) }
	const queries = [hashes.findQuery(file_id), xattrs.findQuery(file_id, MD5)]
	const [[row], [md5]] = (yield* wait(catalogue.read(...queries))) as [HashRow[], Array<{ value: Uint8Array }>]
	if (row?.version !== version) return undefined
	const known = hashes.hashOf(row)
	if (known) return { algorithm: 'sha256', bytes: known }
	const text = md5 ? Buffer.from(md5.value).toString('latin1') : ''
	return version === MD5_VERSION && MD5_TEXT.test(text) ? { algorithm: 'md5', bytes: Buffer.from(text, 'hex') } : undefined
}
