/**
 * What a node keeps below `.cairn/manifest/`: enough to make the catalogue anew. Each node has all of the tree, not only what
 * it holds itself: so every one alone brings back every name, empty directories and links too, and says where the copies of
 * the others were.
 *
 *   state        what is current: names the base and the segments. Replacing this file is what makes a change to the rest count
 *   base-E-N/    everything as of number N of the journal, in order of ids, two thousand files to a shard
 *   log-E-N      what changed up to N since the base or the segment before
 *
 * All are lines of JSON, compressed, with a checksum (sealed.ts). docs/FORMATS.md has them for others to read.
 */
import { decodeBytes, encodeBytes } from '../../core/catalogue/dump/lines.ts'
import { TABLES } from '../../core/catalogue/dump/tables.ts'
import type { Row, Value } from '../../core/catalogue/driver.ts'

export const FORMAT = 'cairn-manifest'
export const FORMAT_VERSION = 1

export const DIRECTORY = '.cairn/manifest'
/** Of the catalogue that was there before this one: see manifest.ts. */
export const BEFORE = '.cairn/manifest-before'
export const STATE = `${DIRECTORY}/state`

/** Which of two manifests knows more. */
export interface Point {
	epoch: number
	/** Last number of the journal that it takes in. */
	seq: number
}

export interface State extends Point {
	format: string
	version: number
	date: string
	/** Of the node that wrote it. */
	node: string
	base: { name: string; seq: number; shards: number; records: number }
	segments: { name: string; seq: number; records: number }[]
	/** Where the next run reads the journal on: numbers below may not have appeared yet when this was written. */
	readFrom: number
	/** By the database's clock: copies proved since are looked at by the next run. */
	provedFrom: number
	/** Whole rows, as few as they are. */
	nodes: Row[]
	classes: Row[]
	settings: Row[]
	/** Of objects; manifests of before have none. */
	volumes?: Row[]
}

export interface ShardHeader {
	/** Ids above `after` up to and with `to`; null: and all above. What is not here in that range does not exist. */
	after: number
	to: number | null
	columns: readonly string[]
}

export interface SegmentHeader {
	columns: readonly string[]
}

/** A file with all that belongs to it. */
export interface FileRecord {
	/** In the order of FILE_COLUMNS. */
	file: Value[]
	names: { parent: number; name: Buffer }[]
	replicas: { node: number; version: number; state: number; verifiedAt: number | null }[]
	xattrs: { name: Buffer; value: Buffer }[]
	/** Ids of another system that mean it, in the order of OBJECT_COLUMNS. */
	objects: Value[][]
}

/** Besides `file_id`. */
export const OBJECT_COLUMNS = ['id', 'volume_id', 'cookie', 'version', 'crc', 'expires', 'name', 'mime', 'headers']

const FILE = TABLES.find(({ name }) => name === 'file') as (typeof TABLES)[number]
export const FILE_COLUMNS = FILE.columns
const BYTES = new Set(FILE.bytes)

interface RecordLine {
	f: (number | string | null)[]
	n?: [number, string][]
	r?: [number, number, number, number | null][]
	x?: [string, string][]
	o?: (number | string | null)[][]
}

/** Only in segments: it is there no more. */
interface GoneLine {
	gone: number
}

export function encodeRecord({ file, names, replicas, xattrs, objects }: FileRecord): string {
	const line: RecordLine = { f: file.map((value) => (value instanceof Uint8Array ? encodeBytes(value) : value)) as RecordLine['f'] }
	if (names.length > 0) line.n = names.map(({ parent, name }) => [parent, encodeBytes(name) as string])
	if (replicas.length > 0) line.r = replicas.map(({ node, version, state, verifiedAt }) => [node, version, state, verifiedAt])
	if (xattrs.length > 0) line.x = xattrs.map(({ name, value }) => [encodeBytes(name) as string, encodeBytes(value) as string])
	if (objects.length > 0) line.o = objects as RecordLine['o']
	return JSON.stringify(line)
}

export function encodeGone(id: number): string {
	return JSON.stringify({ gone: id } satisfies GoneLine)
}

/** What the line says of a file: its id alone when it is gone. `positions`: see `positionsIn`. */
export function decodeRecord(line: string, positions: readonly number[]): { id: number; record: FileRecord | undefined } {
	const parsed = JSON.parse(line) as RecordLine | GoneLine
	if ('gone' in parsed) return { id: parsed.gone, record: undefined }
	const file = FILE_COLUMNS.map((column, i) => decoded(column, parsed.f[positions[i]]))
	return {
		id: file[0] as number,
		record: {
			file,
			names: (parsed.n ?? []).map(([parent, name]) => ({ parent, name: decodeBytes(name) as Buffer })),
			replicas: (parsed.r ?? []).map(([node, version, state, verifiedAt]) => ({ node, version, state, verifiedAt })),
			xattrs: (parsed.x ?? []).map(([name, value]) => ({ name: decodeBytes(name) as Buffer, value: decodeBytes(value) as Buffer })),
			objects: parsed.o ?? [],
		},
	}
}

/** Where our columns are among those of the writer, who may not have had all of them. */
export function positionsIn(columns: readonly string[]): number[] {
	return FILE_COLUMNS.map((column) => columns.indexOf(column))
}

function decoded(column: string, value: number | string | null | undefined): Value {
	if (BYTES.has(column)) return decodeBytes((value as string | null | undefined) ?? null)
	return value ?? 0
}

export function isNewer(a: Point, b: Point): boolean {
	return a.epoch > b.epoch || (a.epoch === b.epoch && a.seq > b.seq)
}
