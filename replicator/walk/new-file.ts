/** The rows of something the catalogue did not know. */
import type { Intent } from '../../core/catalogue/intents.ts'
import type { FileRow } from '../../core/catalogue/files.ts'
import { KIND } from '../../core/catalogue/files.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import type { NewReplica, NewRow } from '../../core/catalogue/walks.ts'
import type { FileId } from '../../core/ids.ts'
import { classOf, nodesForCopies } from '../../core/placement/placement.ts'
import type { Ready } from './item.ts'
import type { Walking } from './walking.ts'

export interface NewFile {
	item: Ready
	row: NewRow
	/** This node's copy, read whole a moment ago. */
	here: NewReplica[]
	/** What its class asks of other nodes. */
	elsewhere: NewReplica[]
	intents: Intent[]
}

const VERSION = 1
const PERMISSIONS = 0o7777

export function placeNew(walking: Pick<Walking, 'fs' | 'node'>, item: Ready, token: number): NewFile {
	const isDirectory = item.kind === KIND.directory
	const rule = isDirectory ? undefined : classOf(walking.fs, item.path)
	const row: NewRow = {
		row: rowOf(item, rule?.id ?? 0),
		parent: item.directory.id,
		name: item.name,
		hash: item.hash,
		target: item.target,
	}
	if (!rule) return { item, row, here: [], elsewhere: [], intents: [] }
	const { fs, node } = walking
	const others = nodesForCopies(fs, rule, [node.id], item.stat.size)
	const copy = (id: FileId, state: number, version = VERSION): NewReplica => ({ file: item.id, node: id, version, state })
	const here = [copy(node.id, REPLICA.good)]
	if (item.kind === KIND.regular) return { item, row, here, elsewhere: others.map(({ id }) => copy(id, REPLICA.wanted, 0)), intents: [] }
	const { path, target } = item
	// A symlink is made where it is wanted, not copied.
	const intents = others.map(({ id }): Intent => ({ nodeId: id, op: 'symlink', path, toPath: target, fileId: item.id, token }))
	return { item, row, here, elsewhere: others.map(({ id }) => copy(id, REPLICA.good)), intents }
}

function rowOf({ id, kind, stat }: Ready, classId: number): FileRow {
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
		flags: 0,
	}
}
