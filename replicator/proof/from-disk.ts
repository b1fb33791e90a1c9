/**
 * Reading what a disk has, not what memory has of it. Pages that were never written back, and pages whose writing back has failed, look
 * right for as long as they are in memory: what they say is no proof.
 */
import { constants } from 'node:fs'
import { KIND } from '../../core/catalogue/files.ts'
import type { Path } from '../../core/ids.ts'
import { POSIX_FADV_DONTNEED, posixFadvise } from '../../core/libc.ts'
import type { Node, Stat } from '../../core/nodes/node.ts'
import { type Op, run as drive, wait } from '../../core/op.ts'
import type { Hashing, HashOptions } from '../hashing/hashing.ts'
import type { Claim } from './facts.ts'
import { readWhole, type Sight, sightOf } from './sight.ts'

/** Well past the time after which the kernel writes by itself. A clock that was set back makes more of them recent. */
const RECENT_SECONDS = 600

export interface Claimed {
	path: Path
	claim: Claim
	/** Its disk may have refused some of it. */
	isDoubtful?: boolean
}

export async function readFromDisk(hashing: Hashing, node: Node, copy: Claimed, options?: HashOptions): Promise<Sight> {
	try {
		if (copy.claim.kind === KIND.regular) await drive(dropFromMemory(node, copy))
	} catch (error) {
		return await drive(sightOf(node, error))
	}
	return await readWhole(hashing, node, copy, options)
}

export function* dropFromMemory(node: Node, { path, isDoubtful = false }: Pick<Claimed, 'path' | 'isDoubtful'>): Op<void> {
	const sync = isDoubtful || isRecent(yield* wait(node.operations.stat(path)))
	// What a server has in its memory is its own.
	if (node.remote && !sync) return
	yield* withOpen(node, path, function* (fd) {
		if (sync) yield* wait(node.operations.sync(fd, true))
		if (!node.remote) posixFadvise(fd, 0, 0, POSIX_FADV_DONTNEED)
	})
}

/** What was written lately has to be on the disk before it counts instead of another copy. `stat` is of a copy seen right. */
export function* bringToDisk(node: Node, path: Path, stat: Stat): Op<void> {
	if (isRecent(stat)) yield* withOpen(node, path, (fd) => wait(node.operations.sync(fd, true)))
}

function isRecent({ ctime }: Stat): boolean {
	return ctime > Date.now() / 1000 - RECENT_SECONDS
}

function* withOpen({ operations }: Node, path: Path, work: (fd: number) => Op<void>): Op<void> {
	const fd = yield* wait(operations.open(path, constants.O_RDONLY))
	try {
		yield* work(fd)
	} finally {
		yield* wait(operations.close(fd))
	}
}
