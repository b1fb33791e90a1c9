/** What a walk found that the catalogue can simply be told: something new, or this node's copy of something known. */
import type { WalkedRow } from '../../core/catalogue/walks.ts'
import { KIND } from '../../core/catalogue/files.ts'
import type { FileId, Name, Path } from '../../core/ids.ts'
import type { Stat } from '../../core/nodes/node.ts'
import type { Hashed } from '../hashing/hashing.ts'
import { checkIdentity, tellUnreadable } from './look.ts'
import type { Directory, Walking } from './walking.ts'

export interface Item {
	directory: Directory
	name: Name
	path: Path
	/** Of something new the id it will have, else the file's. */
	id: FileId
	kind: number
	/** What the catalogue had of it. */
	known: WalkedRow | undefined
	/** Of a regular file; it comes with what stat says. */
	hashed?: Promise<Hashed | Error>
	/** Of a directory, or a symlink. */
	stat?: Stat
	target?: Buffer
	/** Known already, with `stat`. */
	hash?: Buffer | null
}

/** An item of which everything is known now. */
export interface Ready extends Item {
	stat: Stat
	hash: Buffer | null
}

/** Waits for their hashes. What cannot be read is told and left out; what has other names on the node waits for links.ts. */
export async function makeReady(walking: Walking, items: readonly Item[]): Promise<Ready[]> {
	const ready: Ready[] = []
	for (const item of items) {
		const hashed = item.hashed && (await item.hashed)
		if (hashed instanceof Error) tellUnreadable(walking, item.path, hashed)
		else if (hashed && !item.known && hashed.stat.nlink > 1) walking.linked.push({ path: item.path, stat: hashed.stat, hash: hashed.hash })
		else if (hashed) ready.push({ ...item, stat: hashed.stat, hash: hashed.hash })
		else if (item.stat) ready.push({ ...item, stat: item.stat, hash: item.hash ?? null })
	}
	if (ready.length > 0) await checkIdentity(walking)
	return ready
}

/** Of an item that was written down: the word it is counted under. */
export function outcomeOf({ known, kind }: Item): string {
	if (known) return known.replica_state === 1 ? 'proved' : 'copy'
	return kind === KIND.directory ? 'directory' : 'adopted'
}

export function bytesOf({ kind, stat }: Ready): number {
	return kind === KIND.regular ? stat.size : 0
}
