/** `cairn get PATH [FILE]`: a file of the tree onto this machine, through a door. What was broken off goes on. */
import { createHash } from 'node:crypto'
import { closeSync, constants, createReadStream, createWriteStream, openSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { basename, dirname, join, resolve } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { UserError } from '../core/errors.ts'
import { lastErrorName, tryLock } from '../core/libc.ts'
import { syncPath } from '../core/sync-path.ts'
import { showBytes } from '../core/text.ts'
import type { Run } from '../replicator/run.ts'
import { withAttempts } from './attempts.ts'
import type { DoorAddress } from './door-address.ts'
import { ask, Refused, told } from './door-request.ts'
import { EXIT } from './exit-codes.ts'
import { plainTarget } from './plain-target.ts'
import { isAt } from './run-lock.ts'
import { addressOf, type TransferOptions, transfer, transferOptions } from './transfer.ts'
import { typedWords } from './typed-name.ts'
import type { Deps, Verb } from './verb.ts'

/** Of most filesystems. */
const NAME_BYTES_MAX = 255

interface Options extends TransferOptions {
	path: string
	file?: string
}

export const get: Verb<Options> = (deps) => ({
	command: 'get <path> [file]',
	describe: 'a file of the tree onto this machine, through a door over HTTP',
	builder: (yargs) =>
		transferOptions(
			yargs
				.positional('path', { type: 'string', demandOption: true, describe: 'in the tree, from its root' })
				.positional('file', { type: 'string', describe: 'where it goes; here, under its own name, when it is not said' }),
		),
	handler: (options) => run(options, deps),
})

export async function run(options: Options, deps: Deps): Promise<void> {
	const [path] = typedWords([options.path])
	const file = fileFor(options, path, deps)
	const address = addressOf(path)
	await transfer('get', options, deps, async (door, shown) => {
		try {
			const bytes = await fetchWhole(door, address, file, shown)
			shown.done('fetched', bytes)
		} catch (error) {
			shown.trouble(options.path, (error as Error).message)
		}
	})
}

function fileFor({ path, file = '.' }: Options, typed: Buffer, { directory }: Deps): string {
	// A dash comes as nothing.
	if (file === '') throw new UserError('get: into which file? Its name is empty', EXIT.usage)
	const said = resolve(directory, file)
	if (!statSync(said, { throwIfNoEntry: false })?.isDirectory()) return plainTarget(said)
	if (!typed.equals(Buffer.from(path))) throw new UserError(`get: ${showBytes(typed)} is no text: name the file it is to become here`, EXIT.usage)
	return join(said, basename(path))
}

interface Remote {
	etag: string
	size: number
	modifiedMs: number
}

/** Under another name until all of it is there; that name says which content it is of. */
async function fetchWhole(door: DoorAddress, address: string, file: string, shown: Run): Promise<number> {
	const remote = await withAttempts(shown.signal, () => look(door, address))
	const part = partOf(file, remote)
	const lock = lockPart(part)
	try {
		return await fetchInto(door, { address, part, remote, shown }, file)
	} finally {
		if (isAt(part, lock) && sizeOf(part) === 0) rmSync(part)
		closeSync(lock)
	}
}

async function fetchInto(door: DoorAddress, rest: Rest, file: string): Promise<number> {
	const { part, remote, shown } = rest
	shown.expect(1, remote.size)
	shown.moved(sizeOf(part))
	await withAttempts(shown.signal, () => fetchRest(door, rest))
	await check(part, remote)
	utimesSync(part, remote.modifiedMs / 1000, remote.modifiedMs / 1000)
	bringToDisk(part)
	renameSync(part, file)
	return remote.size
}

/** Two who write to one part at a time have it end before it is whole. Where a filesystem knows no locks, nobody is kept out. */
function lockPart(part: string): number {
	const fd = openSync(part, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o666)
	if (!tryLock(fd) && lastErrorName() === 'EAGAIN') {
		closeSync(fd)
		throw new Refused(0, `another cairn get is fetching it, into ${part}`)
	}
	if (isAt(part, fd)) return fd
	closeSync(fd)
	return lockPart(part)
}

function partOf(file: string, { etag }: Remote): string {
	const end = `.${hex(etag).slice(0, 12)}.part`
	const name = basename(file)
	return join(dirname(file), (Buffer.byteLength(name + end) > NAME_BYTES_MAX ? hex(name) : name) + end)
}

function hex(text: string): string {
	return createHash('sha256').update(text).digest('hex')
}

async function look(door: DoorAddress, address: string): Promise<Remote> {
	const response = await ask(door, { method: 'HEAD', path: address })
	if (response.statusCode !== 200) await told(response)
	response.resume()
	const { etag, 'content-length': length, 'last-modified': modified = '' } = response.headers
	if (etag === undefined) throw new Refused(0, 'is not a file')
	return { etag, size: Number(length), modifiedMs: Date.parse(modified) || Date.now() }
}

interface Rest {
	address: string
	part: string
	remote: Remote
	shown: Run
}

async function fetchRest(door: DoorAddress, { address, part, remote, shown }: Rest): Promise<void> {
	const start = sizeOf(part)
	if (start === remote.size && start > 0) return
	const headers = start > 0 ? { range: `bytes=${start}-`, 'if-range': remote.etag } : {}
	const response = await ask(door, { method: 'GET', path: address, headers })
	const { statusCode } = response
	if (statusCode !== 200 && statusCode !== 206) await told(response)
	if (response.headers.etag !== remote.etag) {
		response.destroy()
		throw new Refused(0, 'it was replaced while it was fetched')
	}
	if (statusCode === 200) shown.moved(-start)
	await write(response, part, statusCode === 206 ? start : 0, shown)
}

async function write(response: IncomingMessage, part: string, start: number, shown: Run): Promise<void> {
	const counted = new Transform({
		transform(chunk: Buffer, _, done) {
			shown.moved(chunk.length)
			done(null, chunk)
		},
	})
	await pipeline(response, counted, createWriteStream(part, start > 0 ? { flags: 'r+', start } : { flags: 'w' }), { signal: shown.signal })
}

/** By its hash where the door knows it. */
async function check(part: string, { etag, size }: Remote): Promise<void> {
	if (sizeOf(part) !== size) throw new Refused(0, `${sizeOf(part)} bytes came of ${size}`)
	const [, sha256] = /^"([0-9a-f]{64})"$/.exec(etag) ?? []
	if (sha256 === undefined) return
	const hash = createHash('sha256')
	await pipeline(createReadStream(part), hash)
	if (hash.digest('hex') === sha256) return
	rmSync(part)
	throw new Refused(0, 'what came is not what it should be')
}

/** What the disk has refused passes for whole as long as it is in memory: it is fetched anew. */
function bringToDisk(part: string): void {
	try {
		syncPath(part)
	} catch (error) {
		rmSync(part)
		throw error
	}
}

function sizeOf(file: string): number {
	return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}
