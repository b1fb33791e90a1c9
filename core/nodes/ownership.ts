/**
 * Owners and modes as far as this process may set them. The catalogue knows the true ones; a node's are for the people who
 * look at its plain files, and must never lock this process out.
 */
import { readFileSync } from 'node:fs'
import { codeOf } from '../errors.ts'
import type { Attributes } from './node.ts'

const PERMISSIONS = 0o1777
const FILE_MINIMUM = 0o600
const DIRECTORY_MINIMUM = 0o700

/** How different systems and servers say that an owner may not be given away. */
const REFUSALS = new Set(['EPERM', 'EACCES', 'EINVAL', 'EOPNOTSUPP', 'ENOSYS'])

const ownUid = process.geteuid?.() ?? 0
const ownGid = process.getegid?.() ?? 0
/** Root may open a file whatever its mode, until a server (NFS with root_squash) shows that it is not root there. */
let mayOpenAnything = ownUid === 0

/** Read, not asked with umask(2): that sets it, for all threads. It is what it was when the program began. */
const umask = Number.parseInt(/^Umask:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '777', 8)

/** The mode a node's file gets: no set-id bits, and still open to this process. */
export function keepMode(mode: number, isDirectory: boolean): number {
	const permissions = mode & PERMISSIONS
	if (mayOpenAnything) return permissions
	return permissions | (isDirectory ? DIRECTORY_MINIMUM : FILE_MINIMUM)
}

/** Of a chown that failed: passes over a refusal, throws anything else. */
export function passOverRefusal(error: unknown): void {
	if (!REFUSALS.has(codeOf(error))) throw error
	mayOpenAnything = false
}

/** What remains to be set on something this process just made with this mode. */
export function remaining({ mode = 0, uid = ownUid, gid = ownGid }: Attributes, isDirectory: boolean): Attributes | undefined {
	const isOwner = uid === ownUid && gid === ownGid
	const isMode = (keepMode(mode, isDirectory) & umask) === 0
	if (isOwner && isMode) return undefined
	return { ...(isOwner ? {} : { uid, gid }), ...(isMode ? {} : { mode }) }
}
