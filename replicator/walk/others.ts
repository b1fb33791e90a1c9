/** The good copies of a file on other nodes: whether there are any, and what they say. */
import * as hashes from '../../core/catalogue/hashes.ts'
import type { HashRow } from '../../core/catalogue/hashes.ts'
import { REPLICA, type ReplicaRow } from '../../core/catalogue/replicas.ts'
import * as replicas from '../../core/catalogue/replicas.ts'
import type { WalkedRow } from '../../core/catalogue/walks.ts'
import type { Path } from '../../core/ids.ts'
import type { Node } from '../../core/nodes/node.ts'
import { inService } from '../../core/nodes/service.ts'
import { Errno } from '../../core/errors.ts'
import { isSameTime } from './compare.ts'
import type { Walking } from './walking.ts'

export interface Others {
	/** By their rows. */
	many: number
	/** Those of them that were looked at now and have the known size and time. */
	seen: Node[]
	/** Of the present version: the catalogue's, or what all of them have. */
	hash: Buffer | undefined
	/** The catalogue's. */
	isKnown: boolean
}

type Asking = Pick<Walking, 'fs' | 'node' | 'hashing'> & { run?: Walking['run'] }

export async function askOthers(walking: Asking, row: WalkedRow, path: Path, needsHash: boolean): Promise<Others> {
	const { fs, node } = walking
	const [[known], copies] = (await fs.catalogue.read(hashes.findQuery(row.id), replicas.ofFileQuery(row.id))) as [HashRow[], ReplicaRow[]]
	const good = copies.filter((copy) => isGoodElsewhere(copy, row, node))
	const seen: Node[] = []
	for (const copy of good) {
		const other = fs.nodes.get(copy.node_id)
		if (other && (await looksRight(other, path, row))) seen.push(other)
	}
	const hash = known && hashes.hashOf(known)
	return { many: good.length, seen, hash: hash ?? (needsHash ? await readAll(walking, seen, path) : undefined), isKnown: hash !== undefined }
}

export function isGoodElsewhere(copy: ReplicaRow, row: WalkedRow, node: Node): boolean {
	return copy.node_id !== node.id && copy.state === REPLICA.good && copy.version === row.version
}

async function looksRight(node: Node, path: Path, row: WalkedRow): Promise<boolean> {
	if (!inService(node)) return false
	try {
		return isSameTime(await node.operations.stat(path), row)
	} catch (error) {
		if (error instanceof Errno) return false
		throw error
	}
}

/** Undefined where they differ too. */
async function readAll({ hashing, run }: Asking, nodes: readonly Node[], path: Path): Promise<Buffer | undefined> {
	const found: Buffer[] = []
	for (const node of nodes) {
		try {
			found.push((await hashing.hashFile(node, path, { signal: run?.signal })).hash)
		} catch (error) {
			if (!(error instanceof Errno)) throw error
		}
	}
	return found.every((hash) => hash.equals(found[0])) ? found[0] : undefined
}
