/** Reading a file over SFTP from its beginning to its end: the next pieces are asked for before they are wanted. */
import type { SFTPWrapper } from 'ssh2'
import { Errno } from '../errors.ts'
import { call } from './sftp-call.ts'

export interface Ahead {
	/** As NodeOperations has it. */
	read(buffer: Uint8Array, position: number): Promise<number>
}

/** Nearly what OpenSSH gives in one answer: each request costs as much as many kilobytes. Other servers give less, and are asked again. */
const PIECE_BYTES = 240 * 1024
const PIECES_AHEAD_MAX = 16

export function aheadOf(sftp: SFTPWrapper, handle: Buffer, size: number): Ahead {
	const pieces = new Map<number, Promise<Buffer>>()
	/** Memory that was read out: a gigabyte of it made anew keeps the collector busy. */
	const spare: Buffer[] = []

	function piece(at: number): Promise<Buffer> {
		const asked = pieces.get(at) ?? readPiece(sftp, handle, at, memoryFor(Math.min(PIECE_BYTES, size - at)))
		pieces.set(at, asked)
		return asked
	}

	function memoryFor(length: number): Buffer {
		if (length < PIECE_BYTES) return Buffer.allocUnsafeSlow(length)
		return spare.pop() ?? Buffer.allocUnsafeSlow(length)
	}

	function askAhead(from: number): void {
		for (let at = from; at < size && pieces.size < PIECES_AHEAD_MAX; at += PIECE_BYTES) {
			// Whoever reads it hears of a failure.
			piece(at).catch(() => undefined)
		}
	}

	return {
		async read(buffer, position) {
			const end = Math.min(size, position + buffer.length)
			let at = position - (position % PIECE_BYTES)
			askAhead(at)
			for (; at < end; at += PIECE_BYTES) {
				const bytes = await piece(at)
				const from = Math.max(0, position - at)
				buffer.set(bytes.subarray(from, Math.min(bytes.length, end - at)), at + from - position)
				if (at + PIECE_BYTES > end) break
				pieces.delete(at)
				if (bytes.length === PIECE_BYTES) spare.push(bytes)
				askAhead(at + PIECE_BYTES)
			}
			return Math.max(0, end - position)
		},
	}
}

async function readPiece(sftp: SFTPWrapper, handle: Buffer, at: number, bytes: Buffer): Promise<Buffer> {
	const { length } = bytes
	for (let done = 0; done < length; ) {
		const count = await call<number>(sftp, (answered) => sftp.read(handle, bytes, done, length - done, at + done, answered))
		if (count === 0) throw new Errno('EAGAIN', 'it became shorter while it was copied')
		done += count
	}
	return bytes
}
