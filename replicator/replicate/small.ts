/**
 * How a thread copies many small files. As `copyFile` does it, without what can be done once for all of them, or is not needed
 * where a file is plain: one name, no holes, read and written in one piece.
 */
import { hash as hashOf } from 'node:crypto'
import { constants } from 'node:fs'
import { Errno, fail } from '../../core/errors.ts'
import { close, errno, errnoName, lastError, openat, unlinkat } from '../../core/libc.ts'
import { O_CLOEXEC } from '../../core/nodes/beneath.ts'
import { readAt, setOpenAttributes, writeAt } from '../../core/nodes/descriptors.ts'
import { keepMode, remaining } from '../../core/nodes/ownership.ts'
import { isSameContent, S_IFMT, S_IFREG, statDescriptor, statInto } from '../../core/nodes/stat.ts'
import { type Conditions, type Order, type Side, sided } from './copy.ts'
import { placeName } from './incoming.ts'
import { type CopyAnswer, decodePath, isFailure, type SmallAnswers, type SmallMessage, toFailure } from './messages.ts'
import { ASIDE, attributesOf, IS_NEW, NO_HASH, SIZE, WIDTH } from './packets.ts'
import { type OpenTree, openSide, syncTree } from './trees.ts'
import { type Ways, waysOf } from './ways.ts'

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants
const OWN_DIRECTORY_MODE = 0o700
const BLOCK_BYTES = 512

interface Work {
	sources: Ways
	targets: Ways
	tray: number
	numbers: Float64Array
	conditions: Conditions
}

/** `otherwise` is for a file that is not as plain as was thought. */
export function copySmall(message: SmallMessage, conditions: Conditions, otherwise: (order: Order) => CopyAnswer): SmallAnswers {
	const { numbers, paths } = message
	const source = openSide(message.from, 'source')
	const target = openSide(message.to, 'target')
	const trayPath = decodePath(message.tray)
	const trays = waysOf(`${message.tray}/0\0`, target.root.descriptor())
	const work: Work = {
		sources: waysOf(paths, source.root.descriptor()),
		targets: waysOf(paths, target.root.descriptor()),
		tray: openTray(target, trayPath, trays),
		numbers,
		conditions,
	}
	const many = numbers.length / WIDTH
	const answers: SmallAnswers = { hashes: '', inos: new Float64Array(many), occupied: new Uint8Array(many), failures: [] }
	const hashes = new Array<string>(many)
	try {
		for (let index = 0; index < many; index++) {
			work.sources.next()
			work.targets.next()
			const answer = attempt(() => copyOne(work, index * WIDTH) ?? otherwise(orderOf(work, index * WIDTH, trayPath)))
			hashes[index] = isFailure(answer) ? NO_HASH : answer.hash
			if (isFailure(answer)) {
				answers.failures.push([index, answer])
				continue
			}
			answers.inos[index] = answer.ino
			answers.occupied[index] = answer.isOccupied ? 1 : 0
		}
		if (message.isSynced) syncTree(target)
	} catch (error) {
		// Nobody knows which of them did not reach the disk.
		for (let index = 0; index < many; index++) unlinkat(work.tray, asideOf(numbers, index * WIDTH), 0)
		throw error
	} finally {
		for (const ways of [work.sources, work.targets, trays]) ways.end()
	}
	return { ...answers, hashes: hashes.join('') }
}

function openTray(target: OpenTree, path: Buffer, trays: Ways): number {
	return onSide('target', () => {
		target.operations.makeDirectory(path, { mode: OWN_DIRECTORY_MODE })
		trays.next()
		return trays.directory()
	})
}

function attempt(copy: () => CopyAnswer): CopyAnswer {
	try {
		return copy()
	} catch (error) {
		if (!(error instanceof Errno)) throw error
		return toFailure(error)
	}
}

/** Undefined: it has holes, and nothing is there of it yet. */
function copyOne(work: Work, at: number): CopyAnswer | undefined {
	work.conditions.pace(work.numbers[at + SIZE])
	const input = onSide('source', () => openSource(work.sources))
	try {
		return copyFrom(input, work, at)
	} finally {
		close(input)
	}
}

function openSource(ways: Ways): number {
	// Without O_NONBLOCK the open of a fifo would wait for its other end.
	const fd = openat(ways.directory(), ways.name(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0)
	if (fd === -1) throw lastError()
	return fd
}

function copyFrom(input: number, work: Work, at: number): CopyAnswer | undefined {
	const { conditions, numbers } = work
	const size = numbers[at + SIZE]
	const before = onSide('source', () => statDescriptor(input))
	if ((before.mode & S_IFMT) !== S_IFREG) throw sided('source', new Errno('EINVAL', 'not a regular file'))
	if (before.size !== size) throw sided('source', new Errno('EBADMSG', `it has ${before.size} bytes instead of ${size}`))
	if (before.blocks * BLOCK_BYTES < size) return undefined
	const piece = conditions.buffer.subarray(0, size)
	const count = onSide('source', () => readAt(input, piece, 0))
	if (count < size || !isSameContent(before, statDescriptor(input)))
		throw sided('source', new Errno('EAGAIN', 'it changed while it was copied'))
	const ino = onSide('target', () => write(piece, work, at))
	return { hash: hashOf('sha256', piece, 'hex'), ino, isOccupied: numbers[at + IS_NEW] !== 0 && isThere(work.targets) }
}

/** The inode of what was made. */
function write(piece: Uint8Array, { tray, numbers }: Work, at: number): number {
	const name = asideOf(numbers, at)
	const attributes = attributesOf(numbers, at)
	const output = openat(tray, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, keepMode(attributes.mode, false))
	if (output === -1) throw lastError()
	try {
		if (writeAt(output, piece, 0) < piece.length) fail('ENOSPC')
		const { atime, atimeNs, mtime, mtimeNs } = attributes
		setOpenAttributes(output, { ...remaining(attributes, false), atime, atimeNs, mtime, mtimeNs })
		return statDescriptor(output).ino
	} catch (error) {
		unlinkat(tray, name, 0)
		throw error
	} finally {
		close(output)
	}
}

function asideOf(numbers: Float64Array, at: number): Buffer {
	return Buffer.from(`${placeName(numbers[at + ASIDE])}\0`, 'latin1')
}

function isThere(ways: Ways): boolean {
	try {
		const directory = ways.directoryIfThere()
		if (directory === undefined) return false
		if (statInto(directory, ways.name()) === 0) return true
	} catch (error) {
		if (!(error instanceof Errno)) throw error
		return isWayThere(error.code)
	}
	return isWayThere(errnoName(errno()))
}

/** A file where a directory should be, or a symlink, is dealt with when the way is made. */
function isWayThere(code: string): false {
	if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return false
	throw sided('target', new Errno(code))
}

function orderOf({ sources, numbers }: Work, at: number, tray: Buffer): Order {
	const from = sources.path()
	return {
		from,
		aside: Buffer.from(`${tray}/${placeName(numbers[at + ASIDE])}`),
		further: [],
		to: numbers[at + IS_NEW] === 0 ? [] : [from],
		size: numbers[at + SIZE],
		isSparse: true,
		attributes: attributesOf(numbers, at),
		isBegun: false,
		isSynced: false,
	}
}

function onSide<T>(side: Side, call: () => T): T {
	try {
		return call()
	} catch (error) {
		throw sided(side, error as Error)
	}
}
