/**
 * One file from the server into `incoming/`: as many tries as it takes, each going on where the last one ended, also one of an
 * earlier run. What is there in the end has the size and the hash that were said, or it is not there.
 */
import fs from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Directory } from '../folder/directory.ts'
import { hashOfFile } from '../folder/local-file.ts'
import type { Body } from '../wire/body.ts'
import { Broken, Refusal } from '../wire/failures.ts'
import { type FileHash, hashBeside } from './hash-thread.ts'
import { openOutput } from './output.ts'
import type { Wanted } from './wanted.ts'

/** Tries in a row that brought less than this are counted. */
const PROGRESS_BYTES_MIN = 1024 * 1024
const TRIES_MAX = 6
const WAIT_MS_MAX = 30_000
const WAIT_MS_MIN = 250
/** For a server that says that it cannot now. */
const PATIENCE_MS = 300_000
/** Smaller files are hashed when all of them is there. */
const BESIDE_BYTES_MIN = 4 * 1024 * 1024

const { O_RDWR, O_CREAT, O_NOFOLLOW = 0 } = fs.constants

export class Mismatch extends Error {}

/** By its head an answer is not of this file: a portal's page, a packed one. It says nothing about what came before. */
class WrongAnswer extends Mismatch {}

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
	open(path: string, from: number, isLarge: boolean): Promise<Body>
}

interface Coming {
	fd: number
	/** Of what is written. */
	hash: FileHash
	/** So many are. */
	bytes: number
}

export function incomingName({ id, version }: Pick<Wanted, 'id' | 'version'>): Buffer {
	return Buffer.from(`${id}-${version}`)
}

export async function download(source: Source, { incoming, leftovers }: Incoming, wanted: Wanted, moved: (bytes: number) => void): Promise<Arrived> {
	const name = incomingName(wanted)
	const fd = fs.openSync(incoming.at(name), O_RDWR | O_CREAT | O_NOFOLLOW, 0o644)
	try {
		const coming = goOn(fd, wanted, !leftovers.has(name.toString()))
		const trouble = await fetchAll(source, wanted, coming, moved).then(() => undefined, (error: unknown) => ({ error }))
		// In any case: afterwards nobody reads from the descriptor.
		const hash = await coming.hash.digest()
		if (trouble) throw trouble.error
		if (wanted.hash !== null && wanted.hash !== hash) throw new Mismatch(`${wanted.size} bytes came that have another hash than was said`)
		return { fd, name, hash }
	} catch (error) {
		leftovers.add(name.toString())
		fs.closeSync(fd)
		if (error instanceof Mismatch && !(error instanceof WrongAnswer)) fs.rmSync(incoming.at(name))
		throw error
	}
}

/** Takes over what an earlier try left. */
function goOn(fd: number, { size }: Wanted, isNew: boolean): Coming {
	const coming: Coming = { fd, hash: hashFor(fd, size), bytes: 0 }
	const there = isNew ? 0 : fs.fstatSync(fd).size
	if (there > size) fs.ftruncateSync(fd, 0)
	else if (there > 0) {
		coming.bytes = there
		coming.hash.upTo(there)
	}
	return coming
}

function hashFor(fd: number, size: number): FileHash {
	return size >= BESIDE_BYTES_MIN ? hashBeside(fd) : { upTo: () => undefined, digest: () => hashOfFile({ fd, size }) }
}

async function fetchAll(source: Source, wanted: Wanted, coming: Coming, moved: (bytes: number) => void): Promise<void> {
	let untilMs = performance.now() + PATIENCE_MS
	for (let tries = 1, before = coming.bytes; coming.bytes < wanted.size; tries++) {
		const waitMs = await fetchRest(source, wanted, coming, moved)
		if (coming.bytes - before >= PROGRESS_BYTES_MIN) {
			tries = 0
			untilMs = performance.now() + PATIENCE_MS
		}
		before = coming.bytes
		if (coming.bytes >= wanted.size) return
		// A server that says when to come again has not failed: its catalogue may be away for a while.
		const isEnough = waitMs === undefined ? tries >= TRIES_MAX : performance.now() + waitMs > untilMs
		if (isEnough) throw new Broken(`${coming.bytes} of ${wanted.size} bytes came, after ${tries} tries`)
		await sleep(waitMs === undefined ? Math.min(250 * 2 ** tries, WAIT_MS_MAX) : Math.max(WAIT_MS_MIN, waitMs))
	}
}

/** One request. What to wait for before the next one, in milliseconds, where the server said so. */
async function fetchRest(source: Source, wanted: Wanted, coming: Coming, moved: (bytes: number) => void): Promise<number | undefined> {
	try {
		const answer = await source.open(`/file/${wanted.id}/${wanted.version}`, coming.bytes, wanted.size - coming.bytes >= BESIDE_BYTES_MIN)
		await receive(answer, wanted, coming, moved)
		return undefined
	} catch (error) {
		if (error instanceof Refusal) {
			if (error.code === 'range') await restart(coming, wanted)
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

async function restart(coming: Coming, { size }: Wanted): Promise<void> {
	await coming.hash.digest().catch(() => undefined)
	fs.ftruncateSync(coming.fd, 0)
	coming.bytes = 0
	coming.hash = hashFor(coming.fd, size)
}

/** Never takes more than was promised, whatever comes. */
async function receive(answer: Body, wanted: Wanted, coming: Coming, moved: (bytes: number) => void): Promise<void> {
	const problem = problemOf(answer, wanted, coming.bytes)
	if (problem !== undefined) {
		answer.destroy()
		throw new WrongAnswer(problem)
	}
	if (answer.statusCode === 200 && coming.bytes > 0) await restart(coming, wanted)
	const output = openOutput(coming.fd, coming.bytes, coming.hash.upTo)
	let came = coming.bytes
	try {
		await answer.each((part) => {
			came += part.length
			if (came > wanted.size) throw new Mismatch('more bytes came than were said')
			moved(part.length)
			output.write(part)
			return undefined
		})
	} finally {
		coming.bytes = output.written()
		await output.end()
	}
}

/** Why an answer to a question for all but the first `bytes` is not that. One without a length has to have the file's tag, which a proxy may have made weak. */
export function problemOf({ statusCode, headers }: Pick<Body, 'statusCode' | 'headers'>, { size, hash }: Wanted, bytes: number): string | undefined {
	const from = statusCode === 206 ? bytes : 0
	const encoding = headers['content-encoding']
	if (encoding !== undefined && encoding !== 'identity') return `what came is packed (${encoding.slice(0, 20)})`
	if (statusCode === 206 && headers['content-range'] !== `bytes ${from}-${size - 1}/${size}`) return 'another part came than was asked for'
	const length = headers['content-length']
	if (length !== undefined && Number(length) !== size - from) return 'the length is not the one that was said'
	const tag = headers.etag?.replace(/^W\//, '')
	if (hash !== null && tag !== undefined && tag !== `"${hash}"`) return 'the hash is not the one that was said'
	return statusCode === 206 || length !== undefined || (hash !== null && tag !== undefined) ? undefined : 'nothing says that it is the file'
}
