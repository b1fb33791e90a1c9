/** What a walk found that the catalogue can simply be told: something new, or this node's copy of something known. */
import type { WalkedRow } from '../../core/catalogue/walks.ts'
import { KIND } from '../../core/catalogue/files.ts'
import { Errno } from '../../core/errors.ts'
import { joinPath } from '../../core/filesystem/directories.ts'
import type { FileId, Name, Path } from '../../core/ids.ts'
import type { Stat, Xattr } from '../../core/nodes/node.ts'
import type { Answers } from '../hashing/hashing.ts'
import { tellUnreadable } from './look.ts'
import type { Directory, Walking } from './walking.ts'

export interface Item {
	directory: Directory
	name: Name
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
	/** Of something new. */
	xattrs: readonly Xattr[]
	/** Whether they have to be asked for. */
	mayHaveXattrs: boolean
}

/** An item of which everything is known. */
export type Ready = Item & { stat: Stat }

/** Put together when it is needed: there are as many paths as files. */
export function pathOfItem({ directory, name }: Item): Path {
	return joinPath(directory.path, name)
}

/** Takes over what was read. What could not be is told and left out; what has other names on the node waits for links.ts. */
export function fill(walking: Walking, items: readonly Item[], answers: Answers, into: Ready[] = []): Ready[] {
	for (let index = 0; index < items.length; index++) {
		const item = items[index]
		const answer = answers.at(index)
		if (answer instanceof Errno) {
			tellUnreadable(walking, pathOfItem(item), answer)
			continue
		}
		item.stat = answer.stat
		item.hash = answer.hash
		item.mayHaveXattrs = answer.mayHaveXattrs
		if (item.known || answer.stat.nlink === 1) into.push(item as Ready)
		else walking.linked.push({ path: pathOfItem(item), stat: answer.stat, hash: Buffer.from(answer.hash) })
	}
	return into
}

/** Of an item that was written down: the word it is counted under. */
export function outcomeOf({ known, kind }: Item): string {
	if (known) return known.replica_state === 1 ? 'proved' : 'copy'
	return kind === KIND.directory ? 'directory' : 'adopted'
}

export function bytesOf({ kind, stat }: Ready): number {
	return kind === KIND.regular ? stat.size : 0
}
