/** What a walk found that the catalogue can simply be told: something new, or this node's copy of something known. */
import type { WalkedRow } from '../../core/catalogue/walks.ts'
import { KIND } from '../../core/catalogue/files.ts'
import { Errno } from '../../core/errors.ts'
import type { FileId, Name, Path } from '../../core/ids.ts'
import type { Stat } from '../../core/nodes/node.ts'
import type { Hashed } from '../hashing/hashing.ts'
import { tellUnreadable } from './look.ts'
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
	/** Of a regular file they come with its hash. */
	stat: Stat | undefined
	hash: Buffer | null
	/** Of a symlink. */
	target: Buffer | null
}

/** An item of which everything is known. */
export type Ready = Item & { stat: Stat }

/** Takes over what was read. What could not be is told and left out; what has other names on the node waits for links.ts. */
export function fill(walking: Walking, items: readonly Item[], answers: ReadonlyArray<Hashed | Errno>): Ready[] {
	return items.filter((item, index): item is Ready => {
		const answer = answers[index]
		if (answer instanceof Errno) {
			tellUnreadable(walking, item.path, answer)
			return false
		}
		item.stat = answer.stat
		item.hash = answer.hash
		if (item.known || answer.stat.nlink === 1) return true
		walking.linked.push({ path: item.path, stat: answer.stat, hash: answer.hash })
		return false
	})
}

/** Of an item that was written down: the word it is counted under. */
export function outcomeOf({ known, kind }: Item): string {
	if (known) return known.replica_state === 1 ? 'proved' : 'copy'
	return kind === KIND.directory ? 'directory' : 'adopted'
}

export function bytesOf({ kind, stat }: Ready): number {
	return kind === KIND.regular ? stat.size : 0
}
