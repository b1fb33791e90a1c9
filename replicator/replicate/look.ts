/** What the catalogue knows of wanted files, all of a batch in one question. */
import type { Reader } from '../../core/catalogue/driver.ts'
import { KIND } from '../../core/catalogue/files.ts'
import * as intents from '../../core/catalogue/intents.ts'
import { type ReplicaRow, REPLICA } from '../../core/catalogue/replicas.ts'
import {
	type CopyOf,
	copiesQuery,
	filesQuery,
	type NameOf,
	namesQuery,
	type WantedFile,
	writtenQuery,
} from '../../core/catalogue/wanted.ts'
import type { FileId, NodeId } from '../../core/ids.ts'
import { type Op, wait } from '../../core/op.ts'
import { directoriesOf, type Place, placeOf } from './tree-paths.ts'

/** One wanted file, as it was when it was looked at. */
export interface Want {
	file: WantedFile
	/** Of this version, if it is known. */
	hash: Buffer | undefined
	/** The node's own row. */
	own: ReplicaRow
	/** Those of other nodes. */
	copies: ReplicaRow[]
	/** One for each name. */
	places: Place[]
	isWritten: boolean
}

export interface Looked {
	/** Those that are still wanted on the node. */
	wants: Map<FileId, Want>
	/** Those that the node has at the file's version. */
	there: Set<FileId>
	/** Intents stand, on whatever. */
	isStanding: boolean
}

/** `lock`: in a transaction that decides upon it. */
export function* look(reader: Reader, node: NodeId, ids: readonly FileId[], lock = ''): Op<Looked> {
	const [files, copies, names, written, standing] = (yield* wait(
		reader.read(filesQuery(ids, lock), copiesQuery(ids), namesQuery(ids, lock), writtenQuery(ids), intents.anyQuery()),
	)) as [WantedFile[], CopyOf[], NameOf[], Array<{ file_id: FileId }>, unknown[]]
	const directories = yield* directoriesOf(reader, new Set(names.map((name) => name.parent_id)), lock)
	const copiesOf = groupByFile(copies)
	const namesOf = groupByFile(names)
	const isWritten = new Set(written.map((row) => row.file_id))
	const wants = new Map<FileId, Want>()
	const there = new Set<FileId>()
	for (const file of files) {
		const all = copiesOf.get(file.id) ?? []
		const own = all.find((copy) => copy.node_id === node)
		if (own && own.state === REPLICA.good && own.version === file.version) there.add(file.id)
		const places = (namesOf.get(file.id) ?? []).flatMap((name) => placeOf(directories, name) ?? [])
		if (!own || own.state !== REPLICA.wanted || places.length === 0) continue
		const hash = file.hash !== null && file.hash_version === file.version ? Buffer.from(file.hash) : undefined
		wants.set(file.id, { file, hash, own, copies: all.filter((copy) => copy !== own), places, isWritten: isWritten.has(file.id) })
	}
	return { wants, there, isStanding: standing.length > 0 }
}

function groupByFile<T extends { file_id: FileId }>(rows: readonly T[]): Map<FileId, T[]> {
	const groups = new Map<FileId, T[]>()
	for (const row of rows) {
		const group = groups.get(row.file_id)
		if (group) group.push(row)
		else groups.set(row.file_id, [row])
	}
	return groups
}

/** Nobody can say what its content is at this moment. */
export function isUnsettled({ file, isWritten }: Want): boolean {
	return isWritten || (file.kind === KIND.regular && file.version === 0)
}
