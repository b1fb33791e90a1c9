/** Looking at the node: what is there, and whether it still is the node. */
import { codeOf, Errno } from '../../core/errors.ts'
import type { Name, Path } from '../../core/ids.ts'
import type { DirectoryEntry, Node, Stat } from '../../core/nodes/node.ts'
import { isPromise, run as drive } from '../../core/op.ts'
import type { Hashed } from '../hashing/hashing.ts'
import { dropFromMemory } from '../proof/from-disk.ts'
import { type Walking, WalkStopped } from './walking.ts'

/** Calls under way on a remote node. */
const REMOTE_CALLS_MAX = 32
/** Names asked for in one call: its deadline is for all of them. */
const NAMES_MAX = 100
const TOP = Buffer.alloc(0)
export const GONE = new Set(['ENOENT', 'ENOTDIR', 'ELOOP'])
/** The node is away, or is not the node: nothing more can be said of anything on it. */
const NODE_AWAY = new Set(['ENOTCONN', 'ENODEV', 'ESTALE', 'ETIMEDOUT'])

/** By name. Undefined where it cannot be read: then nothing is concluded of what is or is not in it. */
export async function listDirectory({ node, run }: Walking, path: Path): Promise<DirectoryEntry[] | undefined> {
	try {
		const entries = await node.operations.list(path)
		return entries.sort((a, b) => a.name.compare(b.name))
	} catch (error) {
		stopIfAway(node, error)
		// Removed or renamed since its name was read.
		if (path.length > 0 && GONE.has(codeOf(error))) run.done('gone', 0)
		else run.trouble(path, `the directory cannot be read: ${(error as Error).message}`)
		return undefined
	}
}

/** What stands at each of a directory's names. */
export async function statNames({ node }: Walking, directory: Path, names: readonly Name[]): Promise<Array<Stat | Error | undefined>> {
	const found: Array<Stat | Error | undefined> = []
	for (let at = 0; at < names.length; at += NAMES_MAX) {
		const answer = node.operations.statNames(directory, names.slice(at, at + NAMES_MAX))
		for (const each of isPromise(answer) ? await answer : answer) found.push(typeof each === 'string' ? new Errno(each) : each)
	}
	return found
}

/** What stands at each of the paths; undefined for nothing, an error for what cannot be said. */
export async function statAll({ node }: Walking, paths: readonly Path[]): Promise<Array<Stat | Error | undefined>> {
	const found: Array<Stat | Error | undefined> = []
	for (let at = 0; at < paths.length; at += REMOTE_CALLS_MAX) {
		const some = paths.slice(at, at + REMOTE_CALLS_MAX).map((path) => statOf(node, path))
		if (node.remote) found.push(...(await Promise.all(some)))
		else for (const each of some) found.push(each as Stat | Error | undefined)
	}
	return found
}

function statOf(node: Node, path: Path): Stat | Error | undefined | Promise<Stat | Error | undefined> {
	try {
		const stat = node.operations.stat(path)
		return isPromise(stat) ? stat.catch((error: Error) => answerOf(node, error)) : stat
	} catch (error) {
		return answerOf(node, error as Error)
	}
}

function answerOf(node: Node, error: Error): Error | undefined {
	stopIfAway(node, error)
	return GONE.has(codeOf(error)) ? undefined : error
}

export async function readTarget({ node }: Walking, path: Path): Promise<Buffer | Error> {
	try {
		return await node.operations.readlink(path)
	} catch (error) {
		stopIfAway(node, error)
		return error as Error
	}
}

/** Never rejected: what went wrong is an answer too. */
export async function hashOf({ hashing, node, run }: Walking, path: Path): Promise<Hashed | Errno> {
	return (await hashing.hashNames(node, TOP, [path], { signal: run.signal })).at(0)
}

/** The same of what the disk has, and not memory. */
export async function hashOnDisk(walking: Walking, path: Path): Promise<Hashed | Errno> {
	try {
		await drive(dropFromMemory(walking.node, { path, isDoubtful: true }))
	} catch (error) {
		if (!(error instanceof Errno)) throw error
		return error
	}
	return await hashOf(walking, path)
}

/** An empty mount point looks like a node that lost everything. Asked by the node's path, before anything is concluded. */
export async function checkIdentity({ node }: Walking): Promise<void> {
	try {
		await node.operations.identify(node.row.uuid)
	} catch (error) {
		throw new WalkStopped((error as Error).message)
	}
}

export function stopIfAway(node: Node, error: unknown): void {
	if (NODE_AWAY.has(codeOf(error)) || !node.health.up) throw new WalkStopped(`node ${node.name} is away: ${(error as Error).message}`)
}

/** What is said of a file whose bytes could not be had: nothing, when it is just not there any more. */
export function tellUnreadable({ node, run }: Walking, path: Path, error: Error): void {
	const code = codeOf(error)
	if (code === 'ECANCELED') return
	stopIfAway(node, error)
	if (GONE.has(code) || code === 'EINVAL') run.done('gone', 0)
	else run.trouble(path, error.message === code ? `cannot be read: ${code}` : error.message)
}
