/**
 * Descriptors of the directories that names were last looked for in. Removing a thousand files of one directory resolves
 * its path a few times, not a thousand.
 *
 * A descriptor follows its directory through a rename by another client and would then act in the wrong place, so it is
 * trusted for `TRUST_MS` only: less than it takes another client to rename a directory, make a new one of that name and
 * have it filled.
 */
import { close } from '../libc.ts'
import { OPEN_DIRECTORY, openBeneath } from './beneath.ts'

const TRUST_MS = 1
/** A rename works in two directories; a few more serve a copy that alternates between trees. */
const PARENTS_MAX = 8

interface Parent {
	fd: number
	until: number
}

export interface Parents {
	/** A descriptor of `path[0..end)`; it stays this object's. */
	of(path: Buffer, end: number): number
	/** What was known of `path` and everything below it is no longer so. */
	forgetBelow(path: Buffer): void
	forget(): void
}

export function openParents(root: () => number): Parents {
	const known = new Map<string, Parent>()

	function drop(key: string, parent: Parent): void {
		known.delete(key)
		close(parent.fd)
	}

	function dropOldest(): void {
		const [[key, parent]] = known
		drop(key, parent)
	}

	/** The two directories of a rename are asked for one after the other: the second must not push out the first. */
	function keepNewest(key: string, parent: Parent): number {
		known.delete(key)
		known.set(key, parent)
		return parent.fd
	}

	function of(path: Buffer, end: number): number {
		if (end <= 0) return root()
		const key = path.toString('latin1', 0, end)
		const now = performance.now()
		const found = known.get(key)
		if (found !== undefined && now < found.until) return keepNewest(key, found)
		if (found !== undefined) drop(key, found)
		if (known.size >= PARENTS_MAX) dropOldest()
		const fd = openBeneath(root(), path, end, OPEN_DIRECTORY, 0)
		known.set(key, { fd, until: now + TRUST_MS })
		return fd
	}

	function forgetBelow(path: Buffer): void {
		if (known.size === 0) return
		const name = path.toString('latin1')
		for (const [key, parent] of known) if (key.startsWith(name) && isBelow(key, name)) drop(key, parent)
	}

	function forget(): void {
		for (const [key, parent] of known) drop(key, parent)
	}

	return { of, forgetBelow, forget }
}

function isBelow(key: string, name: string): boolean {
	return key.length === name.length || key[name.length] === '/'
}
