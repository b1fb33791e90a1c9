/**
 * Long work on descriptors of a local node off the calling thread: what a disk takes milliseconds for would keep every other
 * caller of this process waiting. Of a remote node the lanes do it.
 */
import { fdatasync, fsync, read, writev } from 'node:fs'
import { errnoName } from '../libc.ts'
import { Errno } from '../errors.ts'
import type { Maybe } from '../op.ts'
import type { Node } from './node.ts'

/** Less than this is done at once: the way to another thread and back costs more. */
export const ASIDE_BYTES_MIN = 128 * 1024

type Opened = Pick<Node, 'remote' | 'operations'>

/** As `NodeOperations.read`. */
export function readAside(node: Opened, fd: number, buffer: Uint8Array, position: number): Maybe<number> {
	if (node.remote || buffer.length < ASIDE_BYTES_MIN) return node.operations.read(fd, buffer, position)
	return readThere(fd, buffer, position)
}

async function readThere(fd: number, buffer: Uint8Array, position: number): Promise<number> {
	let done = 0
	while (done < buffer.length) {
		const count = await call<number>((callback) => read(fd, buffer, done, buffer.length - done, position + done, callback))
		if (count === 0) break
		done += count
	}
	return done
}

/** Everything, or an error; what was written before it stays written. */
export function writeAside(node: Opened, fd: number, parts: readonly Uint8Array[], position: number): Maybe<void> {
	const bytes = parts.reduce((sum, part) => sum + part.length, 0)
	if (node.remote) return writeByLanes(node, fd, parts, position)
	if (bytes >= ASIDE_BYTES_MIN) return writeThere(fd, parts, position)
	for (const part of parts) {
		if ((node.operations.write(fd, part, position) as number) < part.length) throw new Errno('ENOSPC')
		position += part.length
	}
}

async function writeByLanes({ operations }: Opened, fd: number, parts: readonly Uint8Array[], position: number): Promise<void> {
	for (const part of parts) {
		if ((await operations.write(fd, part, position)) < part.length) throw new Errno('ENOSPC')
		position += part.length
	}
}

async function writeThere(fd: number, parts: readonly Uint8Array[], position: number): Promise<void> {
	for (let left = [...parts]; left.length > 0; ) {
		const count = await call<number>((callback) => writev(fd, left as NodeJS.ArrayBufferView[], position, callback))
		position += count
		left = without(left, count)
	}
}

/** Of the parts, what is left when the first bytes are gone. */
function without(parts: Uint8Array[], bytes: number): Uint8Array[] {
	let at = 0
	while (at < parts.length && bytes >= parts[at].length) bytes -= parts[at++].length
	return at === parts.length ? [] : [parts[at].subarray(bytes), ...parts.slice(at + 1)]
}

/** `NodeOperations.sync` of a local node. */
export function syncAside(fd: number, dataOnly: boolean): Promise<void> {
	return call<void>((callback) => (dataOnly ? fdatasync : fsync)(fd, (error) => callback(error, undefined)))
}

type Callback<T> = (error: NodeJS.ErrnoException | null, value: T) => void

function call<T>(start: (callback: Callback<T>) => void): Promise<T> {
	return new Promise((resolve, reject) =>
		start((error, value) => (error ? reject(new Errno(errnoName(-(error.errno ?? 0)), error.message)) : resolve(value))),
	)
}
