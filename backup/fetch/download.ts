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
/** What came is written in parts of this size. */
const WRITE_BYTES = 256 * 1024
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

export interface Incoming {
	incoming: Directory
	/** Names in it from before. */
	leftovers: Set<string>
}

export interface Source {
	open(path: string, from: number): Promise<IncomingMessage>
}

interface Coming {
	fd: number
	hash: Hash
	bytes: number
	/** The last of them, not written yet. */
	pending: Buffer[]
	pendingBytes: number
}

export function incomingName({ id, version }: Pick<Wanted, 'id' | 'version'>): Buffer {
	return Buffer.from(`${id}-${version}`)
}

export async function download(source: Source, { incoming, leftovers }: Incoming, wanted: Wanted, moved: (bytes: number) => void): Promise<Arrived> {
	const name = incomingName(wanted)
	const fd = fs.openSync(incoming.at(name), O_RDWR | O_CREAT | O_NOFOLLOW, 0o644)
	try {
		const coming = await goOn(fd, wanted, !leftovers.has(name.toString()))
		for (let tries = 1, before = coming.bytes; coming.bytes < wanted.size; tries++) {
			const waitMs = await fetchRest(source, wanted, coming, moved)
			if (coming.bytes - before >= PROGRESS_BYTES_MIN) tries = 0
			before = coming.bytes
			if (coming.bytes >= wanted.size) break
			if (tries >= TRIES_MAX) throw new Broken(`${coming.bytes} of ${wanted.size} bytes came, after ${tries} tries`)
			await sleep(Math.min(waitMs ?? 250 * 2 ** tries, WAIT_MS_MAX))
		}
		const hash = coming.hash.digest('hex')
		if (wanted.hash !== null && wanted.hash !== hash) throw new Mismatch(`${wanted.size} bytes came that have another hash than was said`)
		return { fd, name, hash }
	} catch (error) {
		leftovers.add(name.toString())
		fs.closeSync(fd)
		if (error instanceof Mismatch) fs.rmSync(incoming.at(name))
		throw error
	}
}

/** Takes over what an earlier try left. */
async function goOn(fd: number, { size }: Wanted, isNew: boolean): Promise<Coming> {
	const hash = createHash('sha256')
	const nothing: Coming = { fd, hash, bytes: 0, pending: [], pendingBytes: 0 }
	if (isNew) return nothing
	const there = fs.fstatSync(fd).size
	if (there > size) fs.ftruncateSync(fd, 0)
	else if (there > 0) return { ...nothing, bytes: await addFile(hash, fd, there) }
	return nothing
}

/** One request. What to wait for before the next one, in milliseconds, where the server said so. */
async function fetchRest(source: Source, wanted: Wanted, coming: Coming, moved: (bytes: number) => void): Promise<number | undefined> {
	try {
		const answer = await source.open(`/file/${wanted.id}/${wanted.version}`, coming.bytes)
		await receive(answer, wanted, coming, moved)
		return undefined
	} catch (error) {
		if (error instanceof Refusal) {
			if (error.code === 'range') restart(coming)
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

function restart(coming: Coming): void {
	fs.ftruncateSync(coming.fd, 0)
	coming.bytes = 0
	coming.pending = []
	coming.pendingBytes = 0
	coming.hash = createHash('sha256')
}

/** Never takes more than was promised, whatever comes. */
function receive(answer: IncomingMessage, wanted: Wanted, coming: Coming, moved: (bytes: number) => void): Promise<void> {
	const problem = problemOf(answer, wanted, coming)
	if (problem !== undefined) {
		answer.destroy()
		throw new Mismatch(problem)
	}
	if (answer.statusCode === 200 && coming.bytes > 0) restart(coming)
	return new Promise((resolve, reject) => {
		const end = (error?: Error) => {
			answer.removeAllListeners('close')
			if (error) answer.destroy()
			try {
				writePending(coming)
			} catch (problem) {
				error ??= problem as Error
			}
			error ? reject(error) : resolve()
		}
		answer.on('data', (part: Buffer) => {
			if (coming.bytes + part.length > wanted.size) return end(new Mismatch('more bytes came than were said'))
			try {
				take(coming, part)
			} catch (error) {
				return end(error as Error)
			}
			moved(part.length)
		})
		answer.on('end', () => end())
		answer.on('error', (error) => end(new Broken(error.message)))
		answer.on('close', () => end(new Broken('the connection was cut')))
	})
}

function take(coming: Coming, part: Buffer): void {
	coming.hash.update(part)
	coming.pending.push(part)
	coming.pendingBytes += part.length
	coming.bytes += part.length
	if (coming.pendingBytes >= WRITE_BYTES) writePending(coming)
}

/** Where what was hashed before it ends: the descriptor's own place is elsewhere after an earlier run's part was read. */
function writePending(coming: Coming): void {
	const { fd, pending, pendingBytes, bytes } = coming
	if (pendingBytes === 0) return
	coming.pending = []
	coming.pendingBytes = 0
	const from = bytes - pendingBytes
	// What a full disk did not take is no part of it.
	coming.bytes = from
	if (fs.writevSync(fd, pending, from) < pendingBytes) writeAll(fd, Buffer.concat(pending), from)
	coming.bytes = bytes
	if (Math.floor(from / WRITE_OUT_BYTES) < Math.floor(bytes / WRITE_OUT_BYTES)) fs.fdatasync(fd, () => undefined)
}

function writeAll(fd: number, data: Buffer, at: number): void {
	for (let done = 0; done < data.length; ) done += fs.writeSync(fd, data, done, data.length - done, at + done)
}

function problemOf({ statusCode, headers }: IncomingMessage, { size, hash }: Wanted, { bytes }: Coming): string | undefined {
	const from = statusCode === 206 ? bytes : 0
	const encoding = headers['content-encoding']
	if (encoding !== undefined && encoding !== 'identity') return `what came is packed (${encoding.slice(0, 20)})`
	if (statusCode === 206 && headers['content-range'] !== `bytes ${from}-${size - 1}/${size}`) return 'another part came than was asked for'
	if (headers['content-length'] !== undefined && Number(headers['content-length']) !== size - from) return 'the length is not the one that was said'
	const etag = headers.etag
	if (hash !== null && etag !== undefined && etag !== `"${hash}"`) return 'the hash is not the one that was said'
	return undefined
}
