/**
 * Hashing beside the download: a thread of its own reads what was written, from memory mostly, while more comes. One thread for all files
 * of a run. In the bundled agent this is the same file as everything else, so the thread begins with `serveHashes`.
 */
import { createHash, type Hash } from 'node:crypto'
import fs from 'node:fs'
import { parentPort, Worker } from 'node:worker_threads'

const READ_BYTES = 1024 * 1024

interface Order {
	file: number
	fd: number
	/** Hash as far as this. */
	upTo: number
	/** And say what it is. */
	end: boolean
}

interface Answer {
	file: number
	hash?: string
	error?: { code: string | undefined; message: string }
}

export interface FileHash {
	/** So much of the file is written. */
	upTo(bytes: number): void
	/** Of all of it; the descriptor is not read any more afterwards, whatever came of it. */
	digest(): Promise<string>
}

interface Waiting {
	resolve(hash: string): void
	reject(error: Error): void
}

let thread: Worker | undefined
let files = 0
const waiting = new Map<number, Waiting>()

export function hashBeside(fd: number): FileHash {
	const file = ++files
	const worker = started()
	let sent = 0
	const send = (end: boolean, upTo = sent) => {
		sent = upTo
		worker.postMessage({ file, fd, upTo, end } satisfies Order)
	}
	return {
		upTo: (bytes) => send(false, bytes),
		digest: () =>
			new Promise((resolve, reject) => {
				waiting.set(file, { resolve, reject })
				worker.ref()
				send(true)
			}),
	}
}

function started(): Worker {
	if (thread) return thread
	thread = new Worker(new URL(import.meta.url))
	thread.unref()
	thread.on('message', ({ file, hash, error }: Answer) => {
		const one = waiting.get(file)
		waiting.delete(file)
		if (waiting.size === 0) thread?.unref()
		if (hash !== undefined) one?.resolve(hash)
		else one?.reject(Object.assign(new Error(error?.message), { code: error?.code }))
	})
	thread.on('error', (error) => {
		thread = undefined
		for (const one of waiting.values()) one.reject(error)
		waiting.clear()
	})
	return thread
}

interface Hashed {
	hash: Hash
	bytes: number
	error?: NodeJS.ErrnoException
}

/** What the thread does. */
export function serveHashes(): void {
	const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
	const hashed = new Map<number, Hashed>()
	parentPort?.on('message', ({ file, fd, upTo, end }: Order) => {
		const state = hashed.get(file) ?? { hash: createHash('sha256'), bytes: 0 }
		hashed.set(file, state)
		if (state.error === undefined) addUpTo(state, fd, upTo, buffer)
		if (!end) return
		hashed.delete(file)
		const { error } = state
		parentPort?.postMessage(
			(error ? { file, error: { code: error.code, message: error.message } } : { file, hash: state.hash.digest('hex') }) satisfies Answer,
		)
	})
}

function addUpTo(state: Hashed, fd: number, upTo: number, buffer: Buffer): void {
	try {
		while (state.bytes < upTo) {
			const count = fs.readSync(fd, buffer, 0, Math.min(buffer.length, upTo - state.bytes), state.bytes)
			if (count === 0) throw new Error('what was written is not there')
			state.hash.update(buffer.subarray(0, count))
			state.bytes += count
		}
	} catch (error) {
		state.error = error as NodeJS.ErrnoException
	}
}
