/** The content of an open file copied to another node: the same bytes, the same holes, the same times. */
import { codeOf } from '../errors.ts'
import type { Node, Stat } from '../nodes/node.ts'
import { type Op, wait } from '../op.ts'

export interface Opened {
	node: Node
	fd: number
}

const CHUNK_BYTES = 1024 * 1024
/** After this much, whoever else waits for this thread has a turn. */
const BREATH_BYTES = 8 * CHUNK_BYTES
const SEEK_DATA = 3
const SEEK_HOLE = 4

/** What the copy is known by, once it is on its disk. */
export function* copyContent(from: Opened, to: Opened): Op<Stat> {
	const { size, atime, atimeNs, mtime, mtimeNs } = yield* wait(from.node.operations.fstat(from.fd))
	yield* copyData(from, to)
	yield* wait(to.node.operations.truncate(to.fd, size))
	yield* wait(to.node.operations.setFileAttributes(to.fd, { atime, atimeNs, mtime, mtimeNs }))
	yield* wait(to.node.operations.sync(to.fd, false))
	return yield* wait(to.node.operations.fstat(to.fd))
}

function* copyData(from: Opened, to: Opened): Op<void> {
	const buffer = new Uint8Array(CHUNK_BYTES)
	let sinceBreath = 0
	let end = 0
	for (;;) {
		let at = yield* nextData(from, end)
		if (at === undefined) return
		end = yield* wait(from.node.operations.seek(from.fd, at, SEEK_HOLE))
		while (at < end) {
			const count = yield* copyChunk(from, to, buffer.subarray(0, Math.min(CHUNK_BYTES, end - at)), at)
			if (count === 0) return
			at += count
			sinceBreath += count
			if (sinceBreath < BREATH_BYTES) continue
			yield* wait(new Promise<void>((resolve) => setImmediate(resolve)))
			sinceBreath = 0
		}
	}
}

/** Undefined when only a hole is left. */
function* nextData({ node, fd }: Opened, position: number): Op<number | undefined> {
	try {
		return yield* wait(node.operations.seek(fd, position, SEEK_DATA))
	} catch (error) {
		if (codeOf(error) !== 'ENXIO') throw error
		return undefined
	}
}

/** The bytes copied: none at the end of the file. */
function* copyChunk(from: Opened, to: Opened, buffer: Uint8Array, position: number): Op<number> {
	const count = yield* wait(from.node.operations.read(from.fd, buffer, position))
	for (let done = 0; done < count; ) done += yield* wait(to.node.operations.write(to.fd, buffer.subarray(done, count), position + done))
	return count
}
