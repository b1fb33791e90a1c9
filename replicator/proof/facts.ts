/**
 * What the catalogue says of a file, as far as it bears on whether a copy is right and whether one may go. Asked before the
 * nodes are looked at, and once more, locked, in the transaction that draws the conclusion.
 */
import type { ClassRow } from '../../core/catalogue/classes.ts'
import type { Reader } from '../../core/catalogue/driver.ts'
import * as entries from '../../core/catalogue/entries.ts'
import type { EntryRow } from '../../core/catalogue/entries.ts'
import * as files from '../../core/catalogue/files.ts'
import { hashOf } from '../../core/catalogue/hashes.ts'
import * as intents from '../../core/catalogue/intents.ts'
import type { ReplicaRow } from '../../core/catalogue/replicas.ts'
import * as writers from '../../core/catalogue/writers.ts'
import { createDirectories, joinPath } from '../../core/filesystem/directories.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { isDone } from '../../core/filesystem/intents.ts'
import type { FileId, NodeId, Path } from '../../core/ids.ts'
import { standsInTheWay } from '../../core/in-the-way.ts'
import { type Op, wait } from '../../core/op.ts'
import { defaultClass } from '../../core/placement/placement.ts'

/** A file with more hard links stays as it is: ext4 has 65,000 at most. */
const NAMES_MAX = 100_000
const STANDING_ROWS_MAX = 10_000

export interface Copy extends ReplicaRow {
	/** Seconds since it was proved, by the database's clock; undefined: it was not, or in a time that is still to come. */
	proofAge: number | undefined
	verified_at: number | null
}

/** What a copy should be. */
export interface Claim {
	kind: number
	size: number
	mtime: number
	mtimeNs: number
	/** Of the present version, where it is known. */
	hash: Buffer | undefined
	/** Of a symlink. */
	target: Buffer | undefined
}

export interface Facts extends Claim {
	id: FileId
	version: number
	/** Of its class, as the catalogue has it now. */
	rule: Pick<ClassRow, 'copies' | 'zones'>
	copies: Copy[]
	/** One for each name; none when there are too many to look at. */
	paths: Path[]
	/** Somebody has it open for writing. */
	isWritten: boolean
}

const FILE = 'SELECT id, kind, version, size, mtime, mtime_ns, hash, hash_version, target FROM file WHERE id = ?'
const RULE = 'SELECT c.copies, c.zones FROM file f JOIN class c ON c.id = f.class_id WHERE f.id = ?'
const COPIES = 'SELECT node_id, version, state, verified_at FROM replica WHERE file_id = ?'

interface FileRow {
	id: FileId
	kind: number
	version: number
	size: number
	mtime: number
	mtime_ns: number
	hash: Uint8Array | null
	hash_version: number
	target: Uint8Array | null
}

type Stored = ReplicaRow & { verified_at: number | null }

/** Undefined when the file is gone. `lock`: until the end of the transaction nothing of it changes. */
export function* factsOf(fs: Filesystem, reader: Reader, id: FileId, lock = ''): Op<Facts | undefined> {
	const clock = `SELECT ${fs.capabilities.now} AS now`
	// The file's row first: whoever changes anything about it takes that lock.
	const [[row], copies, names, pins, [{ now }], [rule]] = (yield* wait(
		reader.read([FILE + lock, [id]], [COPIES + lock, [id]], entries.namesQuery(id, NAMES_MAX), writers.ofFileQuery(id, lock), [clock, []], [RULE, [id]]),
	)) as [FileRow[], Stored[], EntryRow[], unknown[], Array<{ now: number }>, Array<Facts['rule']>]
	if (!row || names.length === 0) return undefined
	return {
		...claimOf(row),
		id,
		version: row.version,
		rule: rule ?? defaultClass(fs),
		copies: copies.map((copy) => ({ ...copy, proofAge: ageOf(copy, now) })),
		paths: names.length < NAMES_MAX ? yield* pathsOf(reader, names, lock) : [],
		isWritten: pins.length > 0,
	}
}

function claimOf(row: FileRow): Claim {
	const { kind, size, mtime, mtime_ns: mtimeNs, target } = row
	return {
		kind,
		size,
		mtime,
		mtimeNs,
		hash: hashOf(row),
		target: target === null ? undefined : Buffer.from(target),
	}
}

function ageOf({ verified_at }: Stored, now: number): number | undefined {
	return verified_at === null || verified_at > now ? undefined : now - verified_at
}

/**
 * From the catalogue itself, never from what is remembered here of directories: what is concluded from a path that led
 * elsewhere by now would befall another file. With a lock the directories stay where they are until the commit.
 */
function* pathsOf(reader: Reader, names: readonly EntryRow[], lock: string): Op<Path[]> {
	if (lock !== '') {
		const chains = createDirectories()
		const ids = new Set<FileId>()
		for (const { parent_id } of names) for (const id of yield* chains.ancestors(reader, parent_id)) ids.add(id)
		yield* wait(reader.read(...[...ids].sort((a, b) => a - b).map((id) => files.findQuery(id, lock))))
	}
	const directories = createDirectories()
	const paths: Path[] = []
	for (const { parent_id, name } of names) paths.push(joinPath(yield* directories.path(reader, parent_id), Buffer.from(name)))
	return paths
}

/** What was looked at is still what the catalogue speaks of. */
export function isSame(one: Facts, other: Facts): boolean {
	if (one.version !== other.version || one.isWritten || other.isWritten || one.paths.length !== other.paths.length) return false
	return one.paths.every((path, index) => path.equals(other.paths[index]))
}

/** Something the node has yet to carry out decides what stands at the paths. */
export function* isBlocked(fs: Filesystem, reader: Reader, node: NodeId, paths: readonly Path[]): Op<boolean> {
	const rows = yield* wait(intents.standing(reader, node, STANDING_ROWS_MAX))
	if (rows.length === STANDING_ROWS_MAX) return true
	return rows.some((row) => !isDone(fs, row) && paths.some((path) => standsInTheWay(row, path)))
}
