/** What the catalogue knows of wanted files, all of a batch in one question. */
import type { Query, Reader } from '../../core/catalogue/driver.ts'
import { KIND } from '../../core/catalogue/files.ts'
import { hashOf } from '../../core/catalogue/hashes.ts'
import * as intents from '../../core/catalogue/intents.ts'
import { type ReplicaRow, REPLICA } from '../../core/catalogue/replicas.ts'
import {
	type CopyOf,
	copiesQuery,
	FILES_MAX,
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
	const { files, copies, names, written, isStanding } = yield* readAll(reader, ids, lock)
	const directories = yield* directoriesOf(reader, new Set(names.map((name) => name.parent_id)), lock)
	const copiesOf = Map.groupBy(copies, ({ file_id }) => file_id)
	const namesOf = Map.groupBy(names, ({ file_id }) => file_id)
	const isWritten = new Set(written)
	const wants = new Map<FileId, Want>()
	const there = new Set<FileId>()
	for (const file of files) {
		const all = copiesOf.get(file.id) ?? []
		const own = all.find((copy) => copy.node_id === node)
		if (own && own.state === REPLICA.good && own.version === file.version) there.add(file.id)
		const places = (namesOf.get(file.id) ?? []).flatMap((name) => placeOf(directories, name) ?? [])
		if (!own || own.state !== REPLICA.wanted || places.length === 0) continue
		const hash = hashOf(file)
		wants.set(file.id, { file, hash, own, copies: all.filter((copy) => copy !== own), places, isWritten: isWritten.has(file.id) })
	}
	return { wants, there, isStanding }
}

interface Rows {
	files: WantedFile[]
	copies: CopyOf[]
	names: NameOf[]
	written: FileId[]
	isStanding: boolean
}

/** One question, of as many parts as it takes. */
function* readAll(reader: Reader, ids: readonly FileId[], lock: string): Op<Rows> {
	const queries: Query[] = [intents.anyQuery()]
	for (let from = 0; from < ids.length; from += FILES_MAX) {
		const some = ids.slice(from, from + FILES_MAX)
		queries.push(filesQuery(some, lock), copiesQuery(some), namesQuery(some, lock), writtenQuery(some))
	}
	const [standing, ...answers] = yield* wait(reader.read(...queries))
	const rows: Rows = { files: [], copies: [], names: [], written: [], isStanding: standing.length > 0 }
	for (let at = 0; at < answers.length; at += 4) {
		const [files, copies, names, written] = answers.slice(at, at + 4)
		rows.files.push(...files)
		rows.copies.push(...copies)
		rows.names.push(...names)
		rows.written.push(...written.map((row: { file_id: FileId }) => row.file_id))
	}
	return rows
}

/** Nobody can say what its content is at this moment. */
export function isUnsettled({ file, isWritten }: Want): boolean {
	return isWritten || (file.kind === KIND.regular && file.version === 0)
}
