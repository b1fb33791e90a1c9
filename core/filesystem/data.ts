/** Content that this process carries itself: reads move on to another copy when a node fails in the middle. */
import { codeOf, fail } from '../errors.ts'
import type { Node } from '../nodes/node.ts'
import { isNodeTrouble } from '../nodes/trouble.ts'
import { type Maybe, type Op, run, wait } from '../op.ts'
import { freeBytes } from '../placement/room.ts'
import { isCutOff } from './cut-off.ts'
import type { Filesystem } from './filesystem.ts'
import { failOver } from './open.ts'
import { type OpenFile, withDescriptor } from './open-files.ts'
import { isOutOfRoom, withRoom } from './relocate.ts'

const FALLOC_FL_PUNCH_HOLE = 2
const FALLOC_FL_COLLAPSE_RANGE = 8
const BLOCK_BYTES = 512
const APPEND = -1

type Reading = (node: Node, fd: number, buffer: Uint8Array, position: number) => Maybe<number>

const readHere: Reading = (node, fd, buffer, position) => node.operations.read(fd, buffer, position)

/** The bytes read: fewer than asked for only at the end of the file. */
export function* read(fs: Filesystem, file: OpenFile, buffer: Uint8Array, position: number, reading = readHere): Op<number> {
	const tried = new Set<number>()
	for (;;) {
		const { node, fd } = file
		try {
			return yield* wait(withDescriptor(file, () => reading(node, fd, buffer, position)))
		} catch (error) {
			if (!isNodeTrouble(error)) throw error
			// What is being written exists in one place only.
			if (file.writers > 0 || file.orphan) fail('EIO', codeOf(error))
			// Else another reader has gone on with what he opened anew.
			const isCurrent = () => file.node === node && file.fd === fd
			if (isCurrent() && !(yield* isCutOff(file))) tried.add(node.id)
			if (isCurrent()) yield* failOver(fs, file, tried)
		}
	}
}

/**
 * All of `buffer` is written, if need be on another node; where none has room for the rest, the answer is how much went in
 * or, to whoever asks for the `whole`, the error. `buffer` need not outlive this turn.
 */
export function* write(fs: Filesystem, file: OpenFile, buffer: Uint8Array, position: number, whole = false): Op<number> {
	let data = buffer
	let done = 0
	const keep = () => {
		if (data === buffer) data = new Uint8Array(buffer)
	}
	const writeRest = () => {
		const rest = done === 0 ? data : data.subarray(done)
		return file.node.operations.write(file.fd, rest, position === APPEND ? APPEND : position + done)
	}
	do {
		try {
			done += yield* withRoom(fs, file, writeRest, { bytes: buffer.length - done, keep })
		} catch (error) {
			if (done === 0 || whole) throw error
			return done
		}
		if (done < buffer.length) keep()
	} while (done < buffer.length)
	return done
}

export interface Range {
	offset: number
	length: number
}

/** Room set aside, a hole made, a range zeroed: `mode` as fallocate(2). A failure leaves the size as it was. */
export function* allocate(fs: Filesystem, file: OpenFile, mode: number, range: Range): Op<void> {
	const takesRoom = (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_COLLAPSE_RANGE)) === 0
	const { size } = yield* wait(file.node.operations.fstat(file.fd))
	try {
		yield* withRoom(fs, file, () => run(allocateHere(file, mode, range, takesRoom)), { bytes: takesRoom ? range.length : 0 })
	} catch (error) {
		if (isOutOfRoom(error)) yield* shrinkBack(fs, file, size)
		throw error
	}
}

/** A disk takes what it has before it says that it is not enough, so what cannot fit is not tried. */
function* allocateHere({ node, fd }: OpenFile, mode: number, { offset, length }: Range, takesRoom: boolean): Op<void> {
	if (takesRoom) {
		const { blocks } = yield* wait(node.operations.fstat(fd))
		if (length - blocks * BLOCK_BYTES > freeBytes(node)) fail('ENOSPC')
	}
	yield* wait(node.operations.allocate(fd, mode, offset, length))
}

/** ext4 keeps the part that did fit, and the size with it. Where somebody else may be appending, a longer file is the lesser evil. */
function* shrinkBack(fs: Filesystem, file: OpenFile, size: number): Op<void> {
	if (file.lent || fs.shared) return
	const now = yield* wait(file.node.operations.fstat(file.fd))
	if (now.size > size) yield* wait(file.node.operations.truncate(file.fd, size))
}
