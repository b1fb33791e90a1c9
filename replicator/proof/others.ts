/** Looking for good copies of a file on other nodes, until there are enough. */
import { KIND } from '../../core/catalogue/files.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import type { NodeId, Path } from '../../core/ids.ts'
import type { Node, Stat } from '../../core/nodes/node.ts'
import { inService } from '../../core/nodes/service.ts'
import { run as drive } from '../../core/op.ts'
import type { Hashing, HashOptions } from '../hashing/hashing.ts'
import type { Claim, Copy, Facts } from './facts.ts'
import { bringToDisk, readFromDisk } from './from-disk.ts'
import { type Bad, glance } from './sight.ts'

/** A clock of the disk may be a little ahead of the database's. */
const CLOCK_SLACK_SECONDS = 1

/** A copy seen right a moment ago. */
export interface Seen {
	node: Node
	stat: Stat
	/** It was read whole. */
	wasRead: boolean
	/** Where the catalogue has no hash: what was read. */
	hash: Buffer | undefined
}

export interface Search {
	fs: Filesystem
	hashing: Hashing
	/** Proofs older than this many days do not count. 0: none does. */
	proofDays: number
	options: HashOptions
	/** Told of a copy that is not what it should be. */
	onBad(node: Node, facts: Facts, bad: Bad): Promise<void> | void
}

/** Copies that may count: this node's apart, good at the present version, on a node that answers and has not been given up. */
export function candidates(fs: Filesystem, facts: Facts, apart: NodeId, allows: (node: Node) => boolean): Copy[] {
	const copies = facts.copies.filter((copy) => {
		const node = fs.nodes.get(copy.node_id)
		return copy.node_id !== apart && copy.state === REPLICA.good && copy.version === facts.version && node && inService(node) && allows(node)
	})
	// Those that need no reading come first.
	return copies.sort((a, b) => (a.proofAge ?? Number.POSITIVE_INFINITY) - (b.proofAge ?? Number.POSITIVE_INFINITY))
}

/** Looks at one after the other until `isEnough`. */
export async function see(search: Search, facts: Facts, copies: readonly Copy[], isEnough: (seen: Seen[]) => boolean): Promise<Seen[]> {
	const seen: Seen[] = []
	/** What the first reading of a file without a hash made of it: the others are held against that. */
	let hash = facts.hash
	for (const copy of copies) {
		if (isEnough(seen)) break
		const found = await seeOne(search, facts, copy, { ...facts, hash })
		if (!found) continue
		hash ??= found.hash
		seen.push(found)
	}
	return seen
}

/** `claim`: what it should be, as far as that is known better than to the catalogue. */
export async function seeOne(search: Search, facts: Facts, copy: Copy, claim: Claim = facts): Promise<Seen | undefined> {
	const { fs, hashing, proofDays, options } = search
	const node = fs.nodes.get(copy.node_id)
	const [path] = facts.paths
	if (!node || path === undefined) return undefined
	// A proof of a version without a hash says nothing; a symlink is read as quickly as looked at.
	const stat = isProved(copy, proofDays) && facts.hash ? await drive(glance(node, path, facts)) : undefined
	if (stat && !isTouched(stat, copy) && (await isOnDisk(node, path, facts, stat))) return { node, stat, wasRead: false, hash: undefined }
	const sight = await readFromDisk(hashing, node, { path, claim }, options)
	if (sight.is === 'right') return { node, stat: sight.stat, wasRead: true, hash: undefined }
	if (sight.is === 'unhashed') return { node, stat: sight.stat, wasRead: true, hash: sight.hash }
	// What was not read to its end is no bad copy.
	if (sight.is === 'unknown' && options.signal?.aborted) return undefined
	await search.onBad(node, facts, sight)
	return undefined
}

/** A proof says that the bytes are right; they may be in memory only. */
async function isOnDisk(node: Node, path: Path, { kind }: Facts, stat: Stat): Promise<boolean> {
	try {
		if (kind === KIND.regular) await drive(bringToDisk(node, path, stat))
		return true
	} catch {
		// What is wrong is found out by reading it.
		return false
	}
}

function isProved({ proofAge }: Copy, proofDays: number): boolean {
	return proofAge !== undefined && proofAge < proofDays * 86_400
}

/** Something was done to it since it was proved; the times of content can be set back, this one cannot. */
function isTouched({ ctime }: Stat, { verified_at }: Copy): boolean {
	return verified_at === null || ctime > verified_at + CLOCK_SLACK_SECONDS
}

/** Looked at again: nothing has happened to it since. */
export async function isStill({ node, stat }: Seen, facts: Facts): Promise<boolean> {
	const now = await drive(glance(node, facts.paths[0], facts))
	if (now) return now.ino === stat.ino && now.size === stat.size && now.ctime === stat.ctime && now.ctimeNs === stat.ctimeNs
	return false
}
