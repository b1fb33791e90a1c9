/**
 * What node.ts says, for a node that may hang: carried out by a few threads of its own, each call with a deadline.
 *
 * A call that timed out may still change the node when it comes back: nobody else may be given its work while `health.stuck`
 * is not 0.
 */
import { codeOf } from '../errors.ts'
import type { Answer, Era } from './lane.ts'
import type { DirectoryEntry, Health, NodeOperations } from './node.ts'
import { openPool, type Special } from './pool.ts'

export interface LaneOptions {
	deadlineMs: number
	callsMax: number
	health: Health
}

/** What says that the directory in use is not, or no longer, the node's. */
const ELSEWHERE = new Set(['ESTALE', 'ENODEV', 'ENOTCONN'])

export function openLaneOperations(root: string, { deadlineMs, callsMax, health }: LaneOptions): NodeOperations {
	const era: Era = { uuid: '', generation: 0 }
	const pool = openPool({ root, lanesMax: callsMax, deadlineMs, health, era })
	/** Whether the node is well must be known while every other lane is stuck. */
	const probe = openPool({ root, lanesMax: 1, deadlineMs, health, era })

	/** A descriptor that comes after its deadline has no owner. */
	const late = ({ value }: Answer) => {
		if (typeof value === 'number') pool.call('close', [value], { isOwed: true }).catch(countFailure)
	}

	function countFailure(): void {
		health.failures++
	}

	function on<T>(method: keyof NodeOperations, args: unknown[], special?: Special): Promise<T> {
		return pool.call<T>(method, args.map(detached), special)
	}

	async function read(fd: number, buffer: Uint8Array, position: number): Promise<number> {
		const bytes = await pool.call<Uint8Array>('read', [fd, buffer.length, position])
		buffer.set(bytes)
		return bytes.length
	}

	function write(fd: number, buffer: Uint8Array, position: number): Promise<number> {
		const copy = new Uint8Array(buffer)
		return pool.call('write', [fd, copy, position], { transfer: [copy.buffer] })
	}

	async function list(path: Buffer): Promise<DirectoryEntry[]> {
		const entries = await on<{ name: Uint8Array; kind: number }[]>('list', [path])
		return entries.map(({ name, kind }) => ({ name: asBuffer(name), kind }))
	}

	async function bytes(method: 'readlink' | 'setAside', path: Buffer): Promise<Buffer> {
		return asBuffer(await on<Uint8Array>(method, [path]))
	}

	async function identify(uuid: string): Promise<void> {
		era.uuid = uuid
		const judge = (code: string | undefined) => {
			if (code !== undefined && ELSEWHERE.has(code)) era.generation++
		}
		try {
			await probe.call('identify', [uuid], { late: ({ code }) => judge(code) })
		} catch (error) {
			judge(codeOf(error))
			throw error
		}
	}

	function end(): void {
		pool.end()
		probe.end()
	}

	return {
		open: (path, flags) => on('open', [path, flags], { late }),
		create: (path, attributes) => on('create', [path, attributes], { late }),
		close: (fd) => on('close', [fd], { isOwed: true }),
		fstat: (fd) => on('fstat', [fd]),
		stat: (path) => on('stat', [path]),
		statNames: (directory, names) => on('statNames', [directory, names.map(detached)]),
		inode: (path) => on('inode', [path]),
		read,
		write,
		truncate: (fd, size) => on('truncate', [fd, size]),
		allocate: (fd, mode, offset, length) => on('allocate', [fd, mode, offset, length]),
		seek: (fd, offset, whence) => on('seek', [fd, offset, whence]),
		copyRange: (...args) => on('copyRange', args),
		sync: (fd, dataOnly) => on('sync', [fd, dataOnly]),
		flush: (fd) => on('flush', [fd]),
		setFileAttributes: (fd, attributes) => on('setFileAttributes', [fd, attributes]),
		setAttributes: (path, attributes) => on('setAttributes', [path, attributes]),
		xattrs: (path) => on('xattrs', [path]),
		setXattrs: (path, wanted) =>
			on('setXattrs', [path, wanted.map(({ name, value }) => ({ name: new Uint8Array(name), value: new Uint8Array(value) }))]),
		makeDirectory: (path, attributes) => on('makeDirectory', [path, attributes]),
		unlink: (path) => on('unlink', [path]),
		removeDirectory: (path) => on('removeDirectory', [path]),
		rename: (from, to, isNew) => on('rename', [from, to, isNew]),
		link: (from, to) => on('link', [from, to]),
		symlink: (target, path) => on('symlink', [target, path]),
		readlink: (path) => bytes('readlink', path),
		setAside: (path) => bytes('setAside', path),
		list,
		space: () => probe.call('space', []),
		identify,
		// Each lane trusts what it remembers for a millisecond, which is less than it takes to tell it.
		forgetDirectories: () => undefined,
		// A mount over a network is unmounted lazily: what hangs cannot be made to let go.
		leave: () => undefined,
		end,
	}
}

/** A Buffer is a window on a larger pool, all of which would be copied to the lane. */
function detached(value: unknown): unknown {
	return value instanceof Uint8Array ? new Uint8Array(value) : value
}

function asBuffer(bytes: Uint8Array): Buffer {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
