/** The rows of something the catalogue did not know. */
import type { Intent } from '../../core/catalogue/intents.ts'
import type { FileRow } from '../../core/catalogue/files.ts'
import { FLAG_HAS_XATTRS, KIND } from '../../core/catalogue/files.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import type { NewReplica, NewRow } from '../../core/catalogue/walks.ts'
import type { NodeId } from '../../core/ids.ts'
import { classOf, mayTakeLater, nodesForCopies } from '../../core/placement/placement.ts'
import { pathOfItem, type Ready } from './item.ts'
import type { Walking } from './walking.ts'

export interface NewFile {
	item: Ready
	row: NewRow
	/** This node's copy, read whole a moment ago. */
	here: NewReplica | undefined
	/** What its class asks of other nodes. */
	elsewhere: readonly NewReplica[]
	/** Its class asks for more, of nodes that have no room now. */
	isShort: boolean
	intents: readonly Intent[]
}

const VERSION = 1
/** Most files need nothing elsewhere. */
const NONE: readonly never[] = []
const PERMISSIONS = 0o7777

export function placeNew(walking: Pick<Walking, 'fs' | 'node'>, item: Ready, token: number): NewFile {
	const isDirectory = item.kind === KIND.directory
	const rule = isDirectory ? undefined : classOf(walking.fs, pathOfItem(item))
	const row: NewRow = {
		row: rowOf(item, rule?.id ?? 0),
		parent: item.directory.id,
		name: item.name,
		hash: item.hash,
		target: item.target,
	}
	if (!rule) return { item, row, here: undefined, elsewhere: NONE, isShort: false, intents: NONE }
	const { fs, node } = walking
	const here = copyOf(item, node.id, REPLICA.good)
	const others = nodesForCopies(fs, rule, [node.id], item.stat.size)
	const isShort = mayTakeLater(fs, rule, [node.id, ...others.map(({ id }) => id)])
	if (others.length === 0) return { item, row, here, elsewhere: NONE, isShort, intents: NONE }
	if (item.kind === KIND.regular)
		return { item, row, here, elsewhere: others.map(({ id }) => copyOf(item, id, REPLICA.wanted, 0)), isShort, intents: NONE }
	const path = pathOfItem(item)
	const { target } = item
	// A symlink is made where it is wanted, not copied.
	const intents = others.map(({ id }): Intent => ({ nodeId: id, op: 'symlink', path, toPath: target, fileId: item.id, token }))
	return { item, row, here, elsewhere: others.map(({ id }) => copyOf(item, id, REPLICA.good)), isShort, intents }
}

function copyOf({ id }: Ready, node: NodeId, state: number, version = VERSION): NewReplica {
	return { file: id, node, version, state }
}

function rowOf({ id, kind, stat, xattrs }: Ready, classId: number): FileRow {
	const isDirectory = kind === KIND.directory
	return {
		id,
		kind,
		mode: stat.mode & PERMISSIONS,
		uid: stat.uid,
		gid: stat.gid,
		rdev: 0,
		nlink: isDirectory ? 2 : 1,
		size: isDirectory ? 4096 : stat.size,
		blocks: isDirectory ? 0 : stat.blocks,
		atime: stat.atime,
		atime_ns: stat.atimeNs,
		mtime: stat.mtime,
		mtime_ns: stat.mtimeNs,
		ctime: stat.ctime,
		ctime_ns: stat.ctimeNs,
		version: VERSION,
		class_id: classId,
		flags: xattrs.length > 0 ? FLAG_HAS_XATTRS : 0,
	}
}
