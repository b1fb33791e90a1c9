/**
 * The first hash of a version: from then on every copy is held against it, so it must not be that of one which rotted. Where
 * several copies count (as an import brings them), all within reach are read and have to be equal. Where they are not, the MD5
 * that came with the file says which is right; without one nobody can, and nothing is concluded.
 */
import { setImmediate } from 'node:timers/promises'
import * as hashes from '../../core/catalogue/hashes.ts'
import { KIND } from '../../core/catalogue/files.ts'
import * as xattrs from '../../core/catalogue/xattrs.ts'
import { Errno } from '../../core/errors.ts'
import { transact } from '../../core/filesystem/filesystem.ts'
import type { Node } from '../../core/nodes/node.ts'
import { hashByCalls } from '../hashing/by-calls.ts'
import { isStillOurs, type Replicator } from '../replicator.ts'
import { type Facts, factsOf, isSame } from './facts.ts'
import { readFromDisk } from './from-disk.ts'
import { candidates, type Search } from './others.ts'

const MD5 = Buffer.from('user.md5')

interface Read {
	node: Node
	hash: Buffer
}

/** `right`: nodes whose copies were read and have it. Without a hash there was no copy to read. */
export type FirstHash = { hash: Buffer | undefined; right: Node[] } | { differ: string }

/** `own`: of this node's copy, where it was read already. A hash that is known stays. */
export async function compareCopies(rep: Replicator, search: Search, facts: Facts, own?: Buffer): Promise<FirstHash> {
	const { fs, node } = rep
	if (facts.hash || facts.kind !== KIND.regular) return { hash: facts.hash, right: [] }
	const nodes = candidates(fs, facts, node.id, () => true).map((copy) => fs.nodes.get(copy.node_id) as Node)
	const others = await Promise.all(nodes.map((other) => read(search, facts, other)))
	const hash = own ?? (await readOwn(rep, search, facts))
	const all = [...others, hash && { node, hash }].filter((each) => each !== undefined)
	if (all.length === 0) return { hash: undefined, right: [] }
	return all.every((each) => each.hash.equals(all[0].hash)) ? agreed(all, all[0]) : await byMd5(search, facts, all)
}

async function readOwn({ node }: Replicator, search: Search, facts: Facts): Promise<Buffer | undefined> {
	const isThere = facts.copies.some((copy) => copy.node_id === node.id && copy.version === facts.version)
	return isThere ? (await read(search, facts, node))?.hash : undefined
}

/** Undefined of one that cannot be right by its size or time, or not be read: it says nothing against the others. */
async function read({ hashing, options }: Search, facts: Facts, node: Node): Promise<Read | undefined> {
	const sight = await readFromDisk(hashing, node, { path: facts.paths[0], claim: facts }, options)
	return sight.is === 'unhashed' ? { node, hash: sight.hash } : undefined
}

function agreed(all: readonly Read[], { hash }: Read): FirstHash {
	return { hash, right: all.filter((each) => each.hash.equals(hash)).map(({ node }) => node) }
}

async function byMd5({ fs, options }: Search, { id, paths }: Facts, all: readonly Read[]): Promise<FirstHash> {
	const names = all.map(({ node }) => node.name).join(' and ')
	const differ = `the copies on ${names} differ, and nothing says which is right`
	const [[known]] = (await fs.catalogue.read(xattrs.findQuery(id, MD5))) as [Array<{ value: Uint8Array }>]
	if (!known) return { differ }
	const wanted = Buffer.from(known.value).toString('latin1').toLowerCase()
	const pace = async (bytes: number) => {
		await setImmediate()
		await options.pace?.(bytes)
	}
	for (const each of all) if ((await md5Of(each.node, paths[0], { ...options, pace })) === wanted) return agreed(all, each)
	return { differ }
}

async function md5Of(...[node, path, options]: Parameters<typeof hashByCalls>): Promise<string | undefined> {
	try {
		return (await hashByCalls(node, path, options, 'md5')).hash.toString('hex')
	} catch (error) {
		if (!(error instanceof Errno)) throw error
		return undefined
	}
}

/** The same, written down, with the proofs of those that were read and are right. 'changed': the file has changed meanwhile. */
export async function takeFirstHash(rep: Replicator, search: Search, facts: Facts, own?: Buffer): Promise<FirstHash | 'changed'> {
	const { fs } = rep
	const found = await compareCopies(rep, search, facts, own)
	if ('differ' in found || found.hash === undefined || facts.hash) return found
	const { hash, right } = found
	// What was not read to its end says nothing against the others either.
	if (rep.run.signal.aborted) return 'changed'
	const isTaken = await transact(fs, function* (tx) {
		if (!(yield* isStillOurs(rep, tx))) return false
		const now = yield* factsOf(fs, tx, facts.id, fs.capabilities.forUpdate)
		if (!now || !isSame(facts, now) || (now.hash && !now.hash.equals(hash))) return false
		hashes.setHash(tx, facts.id, facts.version, hash)
		for (const node of right) hashes.setProved(tx, { file: facts.id, node: node.id, version: facts.version }, fs.capabilities)
		return true
	})
	return isTaken ? found : 'changed'
}
