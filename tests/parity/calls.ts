/**
 * The calls parity chooses from. Each is chosen by the seed, never by what the filesystem answered, so that a seed gives
 * the same sequence everywhere; `apply` does it below a root and returns what can be compared.
 */
import fs from 'node:fs'
import { asUser } from '../support/calls.ts'
import * as libc from '../support/libc.ts'
import type { Random } from '../support/random.ts'

export interface Step {
	call: string
	/** Shown when the two sides disagree. */
	words: string
	user: number
	apply(root: Side): unknown
}

/** One of the two trees, with the files it holds open. */
export interface Side {
	root: string
	open: Map<number, number>
}

const NAMES = ['a', 'b', 'c', 'd', 'e', 'é', 'x y']
const USERS = [1001, 1002]
const SLOTS = 6
const XATTRS = ['user.a', 'user.b', 'trusted.t']
const MODES = [0o644, 0o600, 0o666, 0o755, 0o777, 0o700, 0o1777, 0o2775, 0o4755, 0o6777, 0o000]

const { O_APPEND, O_CREAT, O_EXCL, O_NONBLOCK, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } = fs.constants

type Maker = (random: Random) => { words: string; apply: (side: Side) => unknown }

const seen = (stat: fs.BigIntStats) => ({
	mode: Number(stat.mode).toString(8),
	owner: `${stat.uid}:${stat.gid}`,
	nlink: stat.nlink,
	rdev: stat.rdev,
	size: stat.isDirectory() ? 'of a directory' : stat.size,
})

/**
 * A file that gets set-id bits while it is open for writing keeps them when another user writes through that descriptor:
 * the kernel does the writing and nobody is asked. (The mount is nosuid, and nodes never have these bits.)
 */
function withoutSetId(mode: number): number {
	return mode & 0o1777
}

function path(random: Random): string {
	const depth = 1 + random.below(3)
	return Array.from({ length: depth }, () => random.pick(NAMES)).join('/')
}

const at = (side: Side, relative: string) => `${side.root}/${relative}`

/** A descriptor of this side; a slot nothing was opened in answers EBADF on both. */
const fdOf = (side: Side, slot: number) => side.open.get(slot) ?? 99_999

function onPath(name: string, body: (path: string) => unknown): Maker {
	return (random) => {
		const one = path(random)
		return { words: `${name} ${one}`, apply: (side) => body(at(side, one)) }
	}
}

function onPaths(name: string, body: (from: string, to: string) => unknown): Maker {
	return (random) => {
		const [from, to] = [path(random), path(random)]
		return { words: `${name} ${from} -> ${to}`, apply: (side) => body(at(side, from), at(side, to)) }
	}
}

function valued<T>(name: string, value: (random: Random) => T, body: (path: string, value: T) => unknown): Maker {
	return (random) => {
		const [one, chosen] = [path(random), value(random)]
		return { words: `${name} ${one} ${shown(chosen)}`, apply: (side) => body(at(side, one), chosen) }
	}
}

/** On one of the files that are open. */
function onSlot<T>(name: string, value: (random: Random) => T, body: (fd: number, value: T) => unknown): Maker {
	return (random) => {
		const [slot, chosen] = [random.below(SLOTS), value(random)]
		const words = `${name} slot ${slot} ${shown(chosen)}`
		return { words, apply: (side) => body(fdOf(side, slot), chosen) }
	}
}

/** An argument in a story: bytes by their number. */
function shown(value: unknown): string {
	if (Buffer.isBuffer(value)) return `${value.length} bytes`
	if (typeof value !== 'object' || value === null) return value === undefined ? '' : String(value)
	return Object.entries(value).map(([name, field]) => `${name} ${shown(field)}`).join(', ')
}

const nothing = () => undefined

/** A fifo would wait for its other end. Devices are never opened: the mount, unlike a plain directory, has nodev. */
function withOpen<T>(path: string, flags: number, mode: number, body: (fd: number) => T): T {
	const fd = libc.open(path, flags | O_NONBLOCK, mode)
	try {
		return body(fd)
	} finally {
		fs.closeSync(fd)
	}
}

const offsetAndBytes = (random: Random) => ({ offset: random.below(60_000), data: random.bytes(random.below(20_000)) })
const range = (random: Random) => ({ offset: random.below(50_000), length: random.below(30_000) })

const openFlags = [O_RDONLY, O_RDWR, O_RDWR | O_CREAT, O_RDWR | O_CREAT | O_EXCL, O_WRONLY | O_APPEND, O_RDWR | O_TRUNC]

const MAKERS: [weight: number, name: string, maker: Maker][] = [
	[6, 'mkdir', valued('mkdir', (r) => r.pick(MODES), (p, mode) => void fs.mkdirSync(p, { mode }))],
	[3, 'rmdir', onPath('rmdir', (p) => fs.rmdirSync(p))],
	[5, 'unlink', onPath('unlink', (p) => fs.unlinkSync(p))],
	[8, 'create', valued('create', (r) => ({ mode: r.pick(MODES), data: r.bytes(r.below(9000)) }), (p, { mode, data }) => withOpen(p, O_WRONLY | O_CREAT | O_TRUNC, mode, (fd) => fs.writeSync(fd, data)))],
	[4, 'append', valued('append', (r) => r.bytes(r.below(5000)), (p, data) => withOpen(p, O_WRONLY | O_CREAT | O_APPEND, 0o666, (fd) => fs.writeSync(fd, data)))],
	[6, 'read', onPath('read', (p) => withOpen(p, O_RDONLY, 0, (fd) => fs.readFileSync(fd, 'latin1')))],
	[8, 'stat', onPath('stat', (p) => seen(fs.statSync(p, { bigint: true })))],
	[6, 'lstat', onPath('lstat', (p) => seen(fs.lstatSync(p, { bigint: true })))],
	[5, 'readdir', onPath('readdir', (p) => fs.readdirSync(p, 'latin1' as BufferEncoding).sort())],
	[3, 'truncate', valued('truncate', (r) => r.below(40_000), (p, size) => libc.truncate(p, size))],
	[6, 'rename', onPaths('rename', (a, b) => libc.rename(a, b))],
	[2, 'noreplace', onPaths('rename NOREPLACE', (a, b) => libc.rename(a, b, libc.RENAME_NOREPLACE))],
	[3, 'exchange', onPaths('rename EXCHANGE', (a, b) => libc.rename(a, b, libc.RENAME_EXCHANGE))],
	[5, 'link', onPaths('link', (a, b) => fs.linkSync(a, b))],
	[3, 'symlink', valued('symlink', (r) => r.pick(['a', 'b', '../a', 'a/b', 'missing', '../../b/c']), (p, target) => fs.symlinkSync(target, p))],
	[2, 'readlink', onPath('readlink', (p) => fs.readlinkSync(p))],
	[1, 'mkfifo', valued('mkfifo', (r) => r.pick(MODES), (p, mode) => libc.mknod(p, 0o010000 | mode))],
	[1, 'mknod', valued('mknod', (r) => r.pick([0o020644, 0o060600]), (p, mode) => libc.mknod(`${p}.device`, mode, 0x0103))],
	[4, 'chmod', valued('chmod', (r) => withoutSetId(r.pick(MODES)), (p, mode) => fs.chmodSync(p, mode))],
	[3, 'chown', valued('chown', (r) => [r.pick([0, 1001, 1002]), r.pick([0, 1001, 1002])] as const, (p, [uid, gid]) => fs.lchownSync(p, uid, gid))],
	[2, 'utimens', valued('utimens', (r) => ({ seconds: r.below(2 ** 31), nanoseconds: r.below(1e9) }), (p, time) => {
		libc.setTimes(p, time, time)
		return fs.lstatSync(p, { bigint: true }).mtimeNs
	})],
	[2, 'access', valued('access', (r) => r.below(8), (p, mode) => libc.access(p, mode))],
	[3, 'setxattr', valued('setxattr', (r) => ({ name: r.pick(XATTRS), data: r.bytes(r.below(40)), flags: r.below(3) }), (p, { name, data, flags }) => libc.setXattr(p, name, data, flags))],
	[2, 'getxattr', valued('getxattr', (r) => r.pick(XATTRS), (p, name) => libc.getXattr(p, name).toString('latin1'))],
	[1, 'removexattr', valued('removexattr', (r) => r.pick(XATTRS), (p, name) => libc.removeXattr(p, name))],
	[8, 'open', (random) => {
		const [one, flags, slot] = [path(random), random.pick(openFlags), random.below(SLOTS)]
		return {
			words: `open ${one} flags ${flags.toString(8)} slot ${slot}`,
			apply: (side) => {
				const fd = libc.open(at(side, one), flags | O_NONBLOCK, 0o666)
				const before = side.open.get(slot)
				if (before !== undefined) fs.closeSync(before)
				side.open.set(slot, fd)
			},
		}
	}],
	[4, 'close', (random) => {
		const slot = random.below(SLOTS)
		return {
			words: `close slot ${slot}`,
			apply: (side) => {
				const fd = side.open.get(slot)
				if (fd !== undefined) fs.closeSync(fd)
				side.open.delete(slot)
			},
		}
	}],
	[8, 'pwrite', onSlot('pwrite', offsetAndBytes, (fd, { offset, data }) => fs.writeSync(fd, data, 0, data.length, offset))],
	[4, 'write', onSlot('write', (r) => r.bytes(r.below(3000)), (fd, data) => fs.writeSync(fd, data))],
	[6, 'pread', onSlot('pread', range, (fd, { offset, length }) => {
		const buffer = Buffer.alloc(length)
		return buffer.toString('latin1', 0, fs.readSync(fd, buffer, 0, length, offset))
	})],
	[4, 'fstat', onSlot('fstat', nothing, (fd) => seen(fs.fstatSync(fd, { bigint: true })))],
	[2, 'ftruncate', onSlot('ftruncate', (r) => r.below(50_000), (fd, size) => fs.ftruncateSync(fd, size))],
	[2, 'fchmod', onSlot('fchmod', (r) => withoutSetId(r.pick(MODES)), (fd, mode) => fs.fchmodSync(fd, mode))],
	[1, 'fsync', onSlot('fsync', nothing, (fd) => fs.fsyncSync(fd))],
	[2, 'fallocate', onSlot('fallocate', (r) => ({ ...range(r), mode: r.pick([0, 1, 3, 16, 17]) }), (fd, { offset, length, mode }) => libc.fallocate(fd, mode, offset, length))],
	[1, 'copy_file_range', (random) => {
		const [from, to, start, end, length] = [random.below(SLOTS), random.below(SLOTS), random.below(5000), random.below(5000), random.below(9000)]
		return {
			words: `copy_file_range slot ${from} at ${start} -> slot ${to} at ${end}, ${length} bytes`,
			apply: (side) => libc.copyFileRange(fdOf(side, from), start, fdOf(side, to), end, length),
		}
	}],
]

const TOTAL = MAKERS.reduce((sum, [weight]) => sum + weight, 0)

export function chooseStep(random: Random): Step {
	const [call, maker] = chooseMaker(random.below(TOTAL))
	const { words, apply } = maker(random)
	const user = random.chance(0.25) ? random.pick(USERS) : 0
	const acting = (side: Side) => (user === 0 ? apply(side) : asUser({ uid: user, gid: user }, () => apply(side)))
	return { call, words: user === 0 ? words : `${words} (as ${user})`, user, apply: acting }
}

function chooseMaker(ticket: number): [name: string, maker: Maker] {
	let sum = 0
	for (const [weight, name, maker] of MAKERS) {
		sum += weight
		if (ticket < sum) return [name, maker]
	}
	throw new RangeError(`no call has ticket ${ticket}`)
}
