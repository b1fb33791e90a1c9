/** What of an old row can be believed, and why not. */
import type { SiteId } from '../../catalogue/sites.ts'
import { codeOf } from '../../errors.ts'
import { namesOfPath } from '../../filesystem/resolve.ts'
import type { Name, NodeId } from '../../ids.ts'
import type { OldFile } from './old-rows.ts'

/** The old columns ended there: what is exactly that was most likely cut. */
const SIZE_CUT = 16_777_215
const NAME_CUT = 255

export const REASONS = {
	deleted: 'deleted in the old system',
	outside: 'its path is not below --root',
	path: 'its path is none',
	cutName: 'its name may have been cut: cairn walk takes it from its node',
	cutSize: 'its size may have been cut: cairn walk takes it from its node',
	noCopy: 'none of its nodes is a node here',
	taken: 'the tree has something of that name already',
	inFile: 'a name above it is a file',
} as const
export type Reason = keyof typeof REASONS

export interface Taken {
	old: OldFile
	names: Name[]
	nodes: NodeId[]
	sites: SiteId[]
	md5: string
}

export interface Known {
	root: Buffer
	nodes: Map<string, NodeId>
	sites: Map<string, SiteId>
}

/** Names of nodes and sites that are not known are added to `strange`. */
export function judge(old: OldFile, { root, nodes, sites }: Known, strange: { nodes: Map<string, number>; sites: Map<string, number> }): Taken | Reason {
	if (old.replica_count === 0) return 'deleted'
	if (old.filename.length >= NAME_CUT) return 'cutName'
	const path = below(root, old.filename)
	if (!path) return 'outside'
	if (old.size === SIZE_CUT) return 'cutSize'
	const names = namesOf(path)
	if (!names) return 'path'
	const holders = members(old.replicas, nodes, strange.nodes)
	if (holders.length === 0) return 'noCopy'
	return { old, names, nodes: holders, sites: members(old.backups, sites, strange.sites), md5: /^[0-9a-f]{32}$/i.test(old.md5sum) ? old.md5sum.toLowerCase() : '' }
}

const SLASH = 0x2f

/** Without the root and the slashes after it. */
export function below(root: Buffer, path: Buffer): Buffer | undefined {
	if (!path.subarray(0, root.length).equals(root)) return undefined
	let at = root.length
	if (at > 0 && root[at - 1] !== SLASH && path[at] !== SLASH) return undefined
	while (path[at] === SLASH) at++
	return path.subarray(at)
}

export function namesOf(path: Buffer): Name[] | undefined {
	try {
		const names = namesOfPath(path)
		return names.length > 0 ? names : undefined
	} catch (error) {
		if (codeOf(error) === 'EIO') throw error
		return undefined
	}
}

function members<Id>(set: string, known: Map<string, Id>, strange: Map<string, number>): Id[] {
	const found: Id[] = []
	for (const name of set.split(',')) {
		if (name === '') continue
		const id = known.get(name)
		if (id === undefined) strange.set(name, (strange.get(name) ?? 0) + 1)
		else if (!found.includes(id)) found.push(id)
	}
	return found
}

