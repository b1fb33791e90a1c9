/**
 * Opening paths beneath a directory: never through a symlink, never above it, whatever their length.
 *
 * openat2(2) does a whole path in one call. Where it is missing (an old kernel, a sandbox that filters it) the walk is ours,
 * a component at a time.
 */
import { constants } from 'node:fs'
import { constants as system } from 'node:os'
import { fail } from '../errors.ts'
import { close, errno, errnoName, lastError, openat, openat2, SYS_OPENAT2 } from '../libc.ts'
import { kindOf, S_IFLNK } from './stat.ts'

const { O_DIRECTORY, O_NOFOLLOW } = constants
const { EINTR, ENOSYS, EPERM } = system.errno

export const O_PATH = 0o10000000
export const O_CLOEXEC = 0o2000000
/** Without O_NOFOLLOW: it would make ENOTDIR of a symlink at the end, which is ELOOP. */
export const OPEN_DIRECTORY = O_PATH | O_DIRECTORY | O_CLOEXEC
export const AT_FDCWD = -100

/** Bytes the kernel takes for one path, its NUL included. */
const PATH_MAX = 4096
const SLASH = 47
const DOT = 46
const RESOLVE_NO_MAGICLINKS = 0x02
const RESOLVE_NO_SYMLINKS = 0x04
const RESOLVE_BENEATH = 0x08

const scratch = new Uint8Array(PATH_MAX)
/** `struct open_how`: flags, mode, resolve; eight bytes each, little end first. */
const how = new Uint32Array(6)
const howBytes = new Uint8Array(how.buffer)
how[4] = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS

const hasOpenat2 = probeOpenat2()

function probeOpenat2(): boolean {
	how[0] = OPEN_DIRECTORY
	const fd = openat2(SYS_OPENAT2, AT_FDCWD, Buffer.from('.\0'), howBytes, how.byteLength)
	if (fd >= 0) close(fd)
	return fd >= 0 || (errno() !== ENOSYS && errno() !== EPERM)
}

/** `path[from..to)` and a NUL, as the C library wants a string. */
export function terminated(path: Uint8Array, from: number, to: number, into: Uint8Array): Uint8Array {
	if (to - from >= into.length) fail('ENAMETOOLONG')
	let end = 0
	for (let index = from; index < to; index++) {
		const byte = path[index]
		// It would cut the path short, and something else than was named would be opened.
		if (byte === 0) fail('EINVAL', 'a path contains a NUL byte')
		into[end++] = byte
	}
	into[end] = 0
	return into
}

/** Where the last component begins; refuses one that names no entry. */
export function lastComponent(path: Uint8Array): number {
	const start = path.lastIndexOf(SLASH) + 1
	const length = path.length - start
	const dots = path[start] === DOT && (length === 1 || (length === 2 && path[start + 1] === DOT))
	if (length === 0 || dots) fail('EINVAL', 'a path ends in no name')
	return start
}

/** A descriptor of what `path[0..end)` leads to; the directory itself for an empty one. `mode` is 0 except with O_CREAT. */
export function openBeneath(directory: number, path: Uint8Array, end: number, flags: number, mode: number): number {
	if (end < PATH_MAX) return step(directory, path, 0, end, flags, mode)
	let from = 0
	let here = directory
	try {
		while (end - from >= PATH_MAX) {
			const to = path.lastIndexOf(SLASH, from + PATH_MAX - 1)
			if (to <= from) fail('ENAMETOOLONG')
			const next = step(here, path, from, to, OPEN_DIRECTORY, 0)
			if (here !== directory) close(here)
			here = next
			from = to + 1
		}
		return step(here, path, from, end, flags, mode)
	} finally {
		if (here !== directory) close(here)
	}
}

function step(directory: number, path: Uint8Array, from: number, to: number, flags: number, mode: number): number {
	if (!hasOpenat2) return walk(directory, path, from, to, flags, mode)
	how[0] = flags
	how[2] = mode
	terminated(path, from, to, scratch)
	if (from === to) dot()
	for (;;) {
		const fd = openat2(SYS_OPENAT2, directory, scratch, howBytes, how.byteLength)
		if (fd >= 0) return fd
		if (errno() !== EINTR) throw lastError()
	}
}

function dot(): void {
	scratch[0] = DOT
	scratch[1] = 0
}

/** The same without openat2: exported so that it is tested where the kernel has it. */
export function walk(directory: number, path: Uint8Array, from: number, to: number, flags: number, mode: number): number {
	let here = directory
	try {
		for (;;) {
			const slash = path.indexOf(SLASH, from)
			const isLast = slash === -1 || slash >= to
			const end = isLast ? to : slash
			const next = component(here, path, from, end, isLast ? flags : OPEN_DIRECTORY, mode)
			if (here !== directory) close(here)
			here = directory
			if (isLast) return next
			here = next
			from = end + 1
		}
	} finally {
		if (here !== directory) close(here)
	}
}

function component(directory: number, path: Uint8Array, from: number, to: number, flags: number, mode: number): number {
	if (to - from === 2 && path[from] === DOT && path[from + 1] === DOT) fail('EXDEV', 'a path leads above the node')
	terminated(path, from, to, scratch)
	if (from === to) dot()
	for (;;) {
		const fd = openat(directory, scratch, flags | O_NOFOLLOW, mode)
		if (fd >= 0) return fd
		if (errno() !== EINTR) fail(walkError(directory))
	}
}

/** A symlink where a directory was asked for: openat(2) calls it ENOTDIR, openat2(2) ELOOP. */
function walkError(directory: number): string {
	const code = errnoName(errno())
	if (code !== 'ENOTDIR') return code
	const fd = openat(directory, scratch, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0)
	if (fd < 0) return code
	try {
		return kindOf(fd) === S_IFLNK ? 'ELOOP' : code
	} finally {
		close(fd)
	}
}
