/** Extended attributes of what lies on a node: users' own only. The others are the kernel's and the machine's. */
import { codeOf } from '../errors.ts'
import { lastError, libc } from '../libc.ts'
import type { Xattr } from './node.ts'

/** What Linux allows, of a list of names and of a value. */
const BYTES_MAX = 65_536
const PREFIX = 'user.'
/** Those the mount makes up. */
const OWN_PREFIX = 'user.cairn.'
const CREATE_OR_REPLACE = 0
/** What a filesystem says that has none, or no more room for them: the catalogue has them anyway. */
const NOT_KEPT = new Set(['EOPNOTSUPP', 'ENOSYS', 'ENOSPC', 'EDQUOT', 'E2BIG', 'ERANGE', 'EPERM'])

const flistxattr = libc<[fd: number, into: Uint8Array, bytes: number]>('int64_t flistxattr(int fd, void *into, size_t bytes)')
const fgetxattr = libc<[fd: number, name: Uint8Array, into: Uint8Array, bytes: number]>(
	'int64_t fgetxattr(int fd, const void *name, void *into, size_t bytes)',
)
const fsetxattr = libc<[fd: number, name: Uint8Array, value: Uint8Array, bytes: number, flags: number]>(
	'int fsetxattr(int fd, const void *name, const void *value, size_t bytes, int flags)',
)
const fremovexattr = libc<[fd: number, name: Uint8Array]>('int fremovexattr(int fd, const void *name)')

const bytes = new Uint8Array(BYTES_MAX)

/** Whether there are any at all, of users or others: the names need not be read then. Where the disk does not say so there may be. */
export function mayHaveXattrs(fd: number): boolean {
	const length = flistxattr(fd, bytes, 0)
	return length > 0 || (length === -1 && !NOT_KEPT.has(codeOf(lastError())))
}

export function xattrsOf(fd: number): Xattr[] {
	const list: Xattr[] = []
	for (const name of namesOf(fd)) {
		const length = attempt(() => fgetxattr(fd, terminated(name), bytes, BYTES_MAX))
		// Gone since the list was made.
		if (length >= 0) list.push({ name, value: Buffer.from(bytes.subarray(0, length)) })
	}
	return list
}

/** These and no others. */
export function setXattrsOf(fd: number, wanted: readonly Xattr[]): void {
	for (const name of namesOf(fd)) {
		if (!wanted.some((each) => name.equals(each.name))) attempt(() => fremovexattr(fd, terminated(name)))
	}
	for (const { name, value } of wanted) attempt(() => fsetxattr(fd, terminated(name), value, value.length, CREATE_OR_REPLACE))
}

function attempt(call: () => number): number {
	const result = call()
	if (result !== -1) return result
	const error = lastError()
	if (!NOT_KEPT.has(codeOf(error)) && codeOf(error) !== 'ENODATA') throw error
	return result
}

function namesOf(fd: number): Buffer[] {
	const length = flistxattr(fd, bytes, BYTES_MAX)
	if (length === -1 && !NOT_KEPT.has(codeOf(lastError()))) throw lastError()
	const text = Buffer.from(bytes.subarray(0, Math.max(0, length))).toString('latin1')
	return text.split('\0').filter(isUsers).map((name) => Buffer.from(name, 'latin1'))
}

function isUsers(name: string): boolean {
	return name.startsWith(PREFIX) && !name.startsWith(OWN_PREFIX)
}

export function isKeptOnNodes(name: Uint8Array): boolean {
	return isUsers(Buffer.from(name).toString('latin1'))
}

function terminated(name: Uint8Array): Uint8Array {
	return Buffer.concat([name, Buffer.alloc(1)])
}
