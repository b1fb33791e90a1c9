/**
 * One file from the server into `incoming/`: as many tries as it takes, each going on where the last one ended, also one of an
 * earlier run. What is there in the end has the size and the hash that were said, or it is not there.
 */
import { createHash, type Hash } from 'node:crypto'
import fs from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Directory } from '../folder/directory.ts'
import { addFile } from '../folder/local-file.ts'
import { Broken, Refusal } from '../wire/failures.ts'
import type { Wanted } from './wanted.ts'

/** Tries in a row that brought less than this are counted. */
const PROGRESS_BYTES_MIN = 1024 * 1024
const TRIES_MAX = 6
const WAIT_MS_MAX = 30_000
/** The disk begins to write while the file still comes. */
const WRITE_OUT_BYTES = 32 * 1024 * 1024

const { O_RDWR, O_CREAT, O_NOFOLLOW = 0 } = fs.constants

export class Mismatch extends Error {}

/** A file in `incoming/`, open, with all of its bytes; not synced yet. */
export interface Arrived {
	fd: number
	name: Buffer
	hash: string
}

export interface Source {
	open(path: string, from: number): Promise<IncomingMessage>
}

interface Partial {
	fd: number
	hash: Hash
	bytes: number
}

export function incomingName({ id, version }: Pick<Wanted, 'id' | 'version'>): Buffer {
	return Buffer.from(`${id}-${version}`)
}

export async function download(source: Source, incoming: Directory, wanted: Wanted, moved: (bytes: number) => void): Promise<Arrived> {
	const name = incomingName(wanted)
	const fd = fs.openSync(incoming.at(name), O_RDWR | O_CREAT | O_NOFOLLOW, 0o644)
	try {
		const partial = await goOn(fd, wanted)
		for (let tries = 1, before = partial.bytes; partial.bytes < wanted.size; tries++) {
			const waitMs = await fetchRest(source, wanted, partial, moved)
			if (partial.bytes - before >= PROGRESS_BYTES_MIN) tries = 0
			before = partial.bytes
			if (partial.bytes >= wanted.size) break
			if (tries >= TRIES_MAX) throw new Broken(`${partial.bytes} of ${wanted.size} bytes came, after ${tries} tries`)
			await sleep(Math.min(waitMs ?? 250 * 2 ** tries, WAIT_MS_MAX))
		}
		const hash = partial.hash.digest('hex')
		if (wanted.hash !== null && wanted.hash !== hash) throw new Mismatch(`${wanted.size} bytes came that have another hash than was said`)
		return { fd, name, hash }
	} catch (error) {
		fs.closeSync(fd)
		if (error instanceof Mismatch) fs.rmSync(incoming.at(name))
		throw error
	}
}

/** Takes over what an earlier try left. */
async function goOn(fd: number, { size }: Wanted): Promise<Partial> {
	const hash = createHash('sha256')
	const there = fs.fstatSync(fd).size
	if (there > size) fs.ftruncateSync(fd, 0)
	else if (there > 0) return { fd, hash, bytes: await addFile(hash, fd, there) }
	return { fd, hash, bytes: 0 }
}

/** One request. What to wait for before the next one, in milliseconds, where the server said so. */
async function fetchRest(source: Source, wanted: Wanted, partial: Partial, moved: (bytes: number) => void): Promise<number | undefined> {
	try {
		const answer = await source.open(`/file/${wanted.id}/${wanted.version}`, partial.bytes)
		await receive(answer, wanted, partial, moved)
		return undefined
	} catch (error) {
		if (error instanceof Refusal) {
			if (error.code === 'range') restart(partial)
			else if (!isPassing(error)) throw error
			return error.retryAfterS === undefined ? undefined : error.retryAfterS * 1000
		}
		if (error instanceof Broken) return undefined
		throw error
	}
}

function isPassing({ status, code, retryAfterS = 0 }: Refusal): boolean {
	return retryAfterS * 1000 <= WAIT_MS_MAX && ([429, 500, 502, 504].includes(status) || code === 'unavailable')
}

function restart(partial: Partial): void {
	fs.ftruncateSync(partial.fd, 0)
	partial.bytes = 0
	partial.hash = createHash('sha256')
}

/** Never takes more than was promised, whatever comes. */
function receive(answer: IncomingMessage, wanted: Wanted, partial: Partial, moved: (bytes: number) => void): Promise<void> {
	const problem = problemOf(answer, wanted, partial)
	if (problem !== undefined) {
		answer.destroy()
		throw new Mismatch(problem)
	}
	if (answer.statusCode === 200 && partial.bytes > 0) restart(partial)
	let writtenOut = partial.bytes
	return new Promise((resolve, reject) => {
		const give = (error: Error) => {
			answer.destroy()
			reject(error)
		}
		answer.on('data', (part: Buffer) => {
			if (partial.bytes + part.length > wanted.size) return give(new Mismatch('more bytes came than were said'))
			try {
				writeAt(partial, part)
			} catch (error) {
				return give(error as Error)
			}
			partial.hash.update(part)
			partial.bytes += part.length
			moved(part.length)
			if (partial.bytes - writtenOut >= WRITE_OUT_BYTES) {
				writtenOut = partial.bytes
				fs.fdatasync(partial.fd, () => undefined)
			}
		})
		answer.on('end', resolve)
		answer.on('error', (error) => reject(new Broken(error.message)))
		answer.on('close', () => reject(new Broken('the connection was cut')))
	})
}

function problemOf({ statusCode, headers }: IncomingMessage, { size, hash }: Wanted, { bytes }: Partial): string | undefined {
	const from = statusCode === 206 ? bytes : 0
	const encoding = headers['content-encoding']
	if (encoding !== undefined && encoding !== 'identity') return `what came is packed (${encoding.slice(0, 20)})`
	if (statusCode === 206 && headers['content-range'] !== `bytes ${from}-${size - 1}/${size}`) return 'another part came than was asked for'
	if (headers['content-length'] !== undefined && Number(headers['content-length']) !== size - from) return 'the length is not the one that was said'
	const etag = headers.etag
	if (hash !== null && etag !== undefined && etag !== `"${hash}"`) return 'the hash is not the one that was said'
	return undefined
}

/** Where what was hashed so far ends: the descriptor's own place is elsewhere after an earlier run's part was read. */
function writeAt({ fd, bytes }: Partial, part: Buffer): void {
	for (let done = 0; done < part.length; ) done += fs.writeSync(fd, part, done, part.length - done, bytes + done)
}
