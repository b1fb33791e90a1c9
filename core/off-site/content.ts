/** A version's content, from the best copy there is and on with another when that one fails. */
import type { FileRow } from '../catalogue/files.ts'
import { fail } from '../errors.ts'
import { read } from '../filesystem/data.ts'
import type { Filesystem } from '../filesystem/filesystem.ts'
import { open } from '../filesystem/open.ts'
import { release } from '../filesystem/publish.ts'
import type { FileId } from '../ids.ts'
import { readAside } from '../nodes/aside.ts'
import { type Op, run } from '../op.ts'
import { isSettled } from './settled.ts'

export interface VersionContent {
	row: FileRow
	/** Fills the buffer with what begins at `at`; EIO where the file ends before. */
	fill(buffer: Uint8Array, at: number): Op<void>
	/** ESTALE where what was read until now may be another version's. */
	check(): Op<void>
	close(): Op<void>
}

/** ESTALE when the file has another version. Whether somebody is writing it, `check` says. */
export function* openContent(fs: Filesystem, id: FileId, version: number): Op<VersionContent> {
	const file = yield* open(fs, id, { write: false, truncate: false })
	const close = () => release(fs, file, false)
	if (file.row.version !== version) {
		yield* close()
		fail('ESTALE', 'the file has changed')
	}
	return {
		row: file.row,
		*fill(buffer, at) {
			for (let done = 0; done < buffer.length; ) {
				const count = yield* read(fs, file, done === 0 ? buffer : buffer.subarray(done), at + done, readAside)
				if (count === 0) fail('EIO', 'the file is shorter than it was')
				done += count
			}
		},
		*check() {
			if (!(yield* isSettled(fs, id, version))) fail('ESTALE', 'the file has changed')
		},
		close,
	}
}

/** ESTALE also when somebody is writing it. */
export function* openSettled(fs: Filesystem, id: FileId, version: number): Op<VersionContent> {
	const content = yield* openContent(fs, id, version)
	try {
		yield* content.check()
	} catch (error) {
		yield* content.close()
		throw error
	}
	return content
}

/** One is filled while what is in the other is used. */
export type Pair = readonly [Buffer, Buffer]

/** The bytes from `from` up to, not including, `to`, in order; the last of them only when they are known to be of this version. */
export async function eachPiece(content: VersionContent, range: { from: number; to: number }, pair: Pair, use: (piece: Buffer) => Promise<unknown>): Promise<void> {
	let [next, other] = pair
	const start = (at: number) => {
		const piece = next.subarray(0, Math.min(next.length, range.to - at))
		;[next, other] = [other, next]
		const filled = fillLast(content, piece, { at, to: range.to })
		// Met when it is waited for.
		filled.catch(() => undefined)
		return filled
	}
	let filling = range.from < range.to ? start(range.from) : undefined
	for (let at = range.from; filling !== undefined; ) {
		const piece: Buffer = await filling
		at += piece.length
		filling = at < range.to ? start(at) : undefined
		try {
			await use(piece)
		} catch (error) {
			// The descriptor is not closed while a thread reads from it.
			await filling?.catch(() => undefined)
			throw error
		}
	}
}

async function fillLast(content: VersionContent, piece: Buffer, { at, to }: { at: number; to: number }): Promise<Buffer> {
	await run(content.fill(piece, at))
	if (at + piece.length === to) await run(content.check())
	return piece
}
