/**
 * Hashes and writes what a thread reads over SFTP, beside it: to decrypt a stream keeps one processor busy by itself. What is
 * read lies in memory that both threads see, a few pieces of it; whoever reads waits for one that is free.
 */
import { Worker } from 'node:worker_threads'
import { Errno } from '../../core/errors.ts'
import type { NodeOperations } from '../../core/nodes/node.ts'
import { type Conditions, type Hasher, sided } from './copy.ts'
import { alignedShared } from './direct.ts'

/** One is read, one is written, one lies between. */
const PIECES = 3
const PIECE_BYTES = 4 * 1024 ** 2

export interface SinkData {
	memory: SharedArrayBuffer
	/** Of the pieces in it, as a disk wants it. */
	start: number
}

/** `at`: from the start. */
export type SinkRequest =
	| { begin: true }
	| { hash: { at: number; bytes: number } }
	| { write: { at: number; bytes: number; fd: number; position: number } }
	| { digest: true }

export type SinkAnswer = { digest: string } | { code?: string; message?: string }

export interface Sink {
	/** How a copy is to go on: its conditions, and the target, both as they are with what is done here put before them. */
	around(to: NodeOperations, conditions: Conditions): { to: NodeOperations; conditions: Conditions }
}

export function openSink(): Sink {
	const memory = alignedShared(PIECES * PIECE_BYTES)
	const pieces = Array.from({ length: PIECES }, (_, index) => memory.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES))
	/** What is being done with each. */
	const busy = pieces.map(() => Promise.resolve())
	const worker = new Worker(new URL('./sink-thread.ts', import.meta.url), {
		workerData: { memory: memory.buffer as SharedArrayBuffer, start: memory.byteOffset } satisfies SinkData,
		execArgv: [],
	})
	const waiting: Array<(answer: SinkAnswer) => void> = []
	worker.on('message', (answer: SinkAnswer) => waiting.shift()?.(answer))
	worker.on('error', (error: Error) => {
		for (const settle of waiting.splice(0)) settle({ code: 'EIO', message: `the thread that writes failed: ${error.message}` })
	})

	function ask(request: SinkRequest): Promise<SinkAnswer> {
		worker.postMessage(request)
		return new Promise((resolve) => void waiting.push(resolve))
	}

	function placeOf(piece: Uint8Array): number {
		return piece.byteOffset - memory.byteOffset
	}

	function around(to: NodeOperations, conditions: Conditions) {
		let current = 0
		let failure: Error | undefined

		function put(piece: Uint8Array, request: SinkRequest): void {
			const index = Math.floor(placeOf(piece) / PIECE_BYTES)
			const done = ask(request).then((answer) => {
				if ('code' in answer && answer.code !== undefined) failure ??= sided('target', new Errno(answer.code, answer.message))
			})
			busy[index] = Promise.all([busy[index], done]).then(() => undefined)
		}

		async function settled(): Promise<void> {
			await Promise.all(busy)
			if (failure) throw failure
		}

		const hash: Hasher = {
			update: (piece) => put(piece, { hash: { at: placeOf(piece), bytes: piece.length } }),
			async digest() {
				const answer = await ask({ digest: true })
				return 'digest' in answer ? answer.digest : ''
			},
		}
		return {
			conditions: {
				...conditions,
				direct: undefined,
				newHash() {
					void ask({ begin: true })
					return hash
				},
				get buffer() {
					return pieces[current]
				},
				async pace(bytes: number) {
					current = (current + 1) % PIECES
					await busy[current]
					if (failure) throw failure
					await conditions.pace(bytes)
				},
			},
			to: {
				...to,
				write(fd: number, piece: Uint8Array, position: number) {
					put(piece, { write: { at: placeOf(piece), bytes: piece.length, fd, position } })
					return piece.length
				},
				async truncate(fd: number, size: number) {
					await settled()
					await to.truncate(fd, size)
				},
				async close(fd: number) {
					// Its number may be another file's as soon as it is closed.
					await Promise.all(busy)
					await to.close(fd)
				},
			},
		}
	}

	return { around }
}
