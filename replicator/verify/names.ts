/**
 * A file with several names has one copy on a node, to which all of them lead. A name that leads elsewhere would be read as the
 * file and is not: it is brought back to the bytes that were just seen good, and what stood there is kept aside.
 */
import * as conflicts from '../../core/catalogue/conflicts.ts'
import type { Transaction } from '../../core/catalogue/driver.ts'
import { KIND } from '../../core/catalogue/files.ts'
import type { Intent } from '../../core/catalogue/intents.ts'
import { codeOf } from '../../core/errors.ts'
import { intend } from '../../core/filesystem/intents.ts'
import type { Path } from '../../core/ids.ts'
import type { Node, Stat } from '../../core/nodes/node.ts'
import { type Op, wait } from '../../core/op.ts'
import type { Hashing } from '../hashing/hashing.ts'
import { asidePath } from '../proof/aside.ts'
import type { Facts } from '../proof/facts.ts'
import { MISSING, readWhole, type Sight } from '../proof/sight.ts'
import type { Replicator } from '../replicator.ts'

export interface Astray {
	path: Path
	/** Where what stands there is kept; null: nothing stands there, or a copy as good as the other. */
	aside: Path | null
	stat: Stat | undefined
}

/** A name that leads to the right bytes, and their inode. */
export interface Base {
	path: Path
	inode: number
}

/** Of the other names. */
export async function namesAstray(hashing: Hashing, node: Node, facts: Facts, { path: right, inode }: Base): Promise<Astray[]> {
	const astray: Astray[] = []
	if (facts.kind !== KIND.regular) return astray
	for (const path of facts.paths) {
		if (path === right) continue
		const stat = await statAt(node, path)
		if (stat === 'unknown' || stat?.ino === inode) continue
		const sight = stat && (await readTwice(hashing, node, path, facts))
		// The next run looks at it.
		if (sight?.is === 'unknown') continue
		astray.push({ path, stat, aside: stat && sight?.is !== 'right' ? asidePath(path) : null })
	}
	return astray
}

/** One reading that fails is no damage. */
async function readTwice(hashing: Hashing, node: Node, path: Path, claim: Facts): Promise<Sight> {
	const first = await readWhole(hashing, node, { path, claim })
	return first.is === 'right' ? first : await readWhole(hashing, node, { path, claim })
}

/** Undefined where nothing is. */
async function statAt({ operations }: Node, path: Path): Promise<Stat | undefined | 'unknown'> {
	try {
		return await operations.stat(path)
	} catch (error) {
		return MISSING.has(codeOf(error)) ? undefined : 'unknown'
	}
}

export function* bringBack({ fs, node }: Replicator, tx: Transaction, { facts, base, astray, token }: { facts: Facts; base: Base; astray: readonly Astray[]; token: number }): Op<Intent[]> {
	const common = { nodeId: node.id, fileId: facts.id, token } as const
	const list: Intent[] = []
	for (const { path, aside, stat } of astray) {
		if (aside) {
			conflicts.insert(tx, { ...common, path, aside, reason: 'differs', size: stat?.size ?? 0, mtime: stat?.mtime ?? 0 }, fs.capabilities)
			list.push({ ...common, op: 'rename', path, toPath: aside })
		} else if (stat) list.push({ ...common, op: 'unlink', path, toPath: null })
		list.push({ ...common, op: 'link', path: base.path, toPath: path })
	}
	return yield* intend(fs, tx, list, true)
}

/** Whether all names of a copy lead to one inode, as far as a look tells. */
export function* areOne({ operations }: Node, paths: readonly Path[], inode: number): Op<boolean> {
	for (const path of paths) {
		try {
			if ((yield* wait(operations.stat(path))).ino !== inode) return false
		} catch {
			return false
		}
	}
	return true
}
