/** Content that has no name yet, what it is to be called, and the rows and intents that come of it. */
import type { ClassRow } from '../catalogue/classes.ts'
import type { Query, Transaction } from '../catalogue/driver.ts'
import * as files from '../catalogue/files.ts'
import { type FileRow, KIND } from '../catalogue/files.ts'
import type { Intent } from '../catalogue/intents.ts'
import type { Time } from '../clock.ts'
import type { FileId, Path } from '../ids.ts'
import type { Node, Stat } from '../nodes/node.ts'
import type { Op } from '../op.ts'
import { type NewFile, newRow } from './create.ts'
import type { Made } from './expected.ts'
import type { Place } from './names.ts'
import { withoutSetId } from './set-id.ts'
import type { Turn } from './touched.ts'

export interface Staged {
	node: Node
	/** On that node, where no name leads. */
	path: Path
	stat: Stat
	/** SHA-256, if it was reckoned on the way. */
	hash: Buffer | undefined
	attributes: NewFile
	/** Brings it to the disk; once is enough. */
	sync(): Op<void>
	/** Asked in the transaction, with its answer: throws when the content may not be there any more. */
	guard: { query: Query; judge(tx: Transaction, rows: readonly unknown[]): void }
	/** Set when the catalogue has it, or may have it and could not say so: then the content is not to be removed. */
	mayBeNamed: boolean
}

export interface Conditions extends Made {
	/** The name must lead nowhere yet: EEXIST. */
	exclusive?: boolean
	/** Nothing had it a moment ago. */
	isFree?: boolean
	/** Of the file, besides those it takes over from what had the name. */
	flags?: number
	/** Its extended attributes are those of this file, which it is a copy of, and not those of what had the name. ESTALE where that is gone. */
	copyOf?: FileId
	/** Written in the transaction, for the file as it is then. */
	also?: (tx: Transaction, row: FileRow) => void
}

/** Content on its way to a name. */
export interface Naming {
	id: FileId
	token: number
	time: Time
	/** In its directory. */
	turn: Turn
	place: Place
	staged: Staged
	conditions: Conditions
	/** What was made ready on the node. */
	path: Path
	/** Paths for which directories were made there. */
	ways: Path[]
	isSynced: boolean
	/** It could not be entered along with others, or is not to be. */
	isAlone: boolean
}

export interface Named {
	directory: FileRow
	replaced: FileRow | undefined
	row: FileRow
	path: Path
	made: Intent[]
}

/** What had the name, and whose extended attributes the file has: mostly the same. */
export interface Before {
	existing: FileRow | undefined
	model: FileRow | undefined
}

/** Whom the file belongs to and who may use it stays as it was. */
export function rowOf({ id, time, staged, conditions }: Naming, directory: FileRow, rule: ClassRow, { existing, model }: Before): FileRow {
	const { stat } = staged
	const keeps = existing?.kind === KIND.regular ? { mode: withoutSetId(existing.mode), uid: existing.uid, gid: existing.gid } : {}
	return {
		...newRow(id, KIND.regular, staged.attributes, directory, rule.id, time),
		...keeps,
		size: stat.size,
		blocks: stat.blocks,
		mtime: stat.mtime,
		mtime_ns: stat.mtimeNs,
		version: 1,
		flags: ((existing?.flags ?? 0) & files.FLAG_IS_OBJECT) | ((model?.flags ?? 0) & files.FLAG_HAS_XATTRS) | (conditions.flags ?? 0),
	}
}

/** What brings it to its name on the node; `isNew` where no copy of what had the name is there. */
export function arrivalOf({ staged, token, id }: Naming, row: FileRow, path: Path, isNew: boolean): Intent[] {
	const common = { fileId: id, token, nodeId: staged.node.id }
	const arrival: Intent = { ...common, op: 'rename', path: staged.path, toPath: path, isNew }
	const { mode, uid, gid } = staged.attributes
	const isAsBrought = row.mode === (mode & 0o7777) && row.uid === uid && row.gid === gid
	const made = [arrival]
	if (!isAsBrought) made.push({ ...common, op: 'attributes', path, toPath: null })
	if (row.flags & files.FLAG_HAS_XATTRS) made.push({ ...common, op: 'xattrs', path, toPath: null })
	return made
}
