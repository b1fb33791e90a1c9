/** The two ways to bring a manifest up to date: all of it, or what changed. */
import type { Reader } from '../../core/catalogue/driver.ts'
import type { Node } from '../../core/nodes/node.ts'
import type { Run } from '../run.ts'
import type { Now } from './changed.ts'
import { DIRECTORY, encodeGone, encodeRecord, FILE_COLUMNS, type SegmentHeader, type ShardHeader, type State } from './format.ts'
import { writeOnNode } from './node-files.ts'
import { pagesOfRecords, recordsOf } from './records.ts'
import { seal } from './sealed.ts'
import { KIND } from './state.ts'

type Source = Pick<Reader, 'all'>
/** What a state says of the files it names. */
type Named = Pick<State, 'base' | 'segments'>

const DIGITS = 6
/** Of one shard: what a damaged one costs, and what has to be held in memory. */
const SHARD_FILES = 2_000
const SHARD_BYTES = 8 * 1024 * 1024
const RECORDS_PER_PIECE = 400

/** Undefined when it was stopped. */
export async function writeBase(reader: Source, node: Node, now: Now, run: Run): Promise<Named | undefined> {
	// Not the name of one that may be current: this one becomes it when it is whole.
	const name = `base-${now.epoch}-${now.seq}-${Date.now().toString(36)}`
	const base = { name, seq: now.seq, shards: 0, records: 0 }
	let after = 0
	let lines: string[] = []
	let bytes = 0
	for await (const { to, records } of pagesOfRecords(reader)) {
		if (run.signal.aborted) return undefined
		for (const record of records) {
			bytes += lines[lines.push(encodeRecord(record)) - 1].length
			run.done('recorded', 0)
		}
		if (to !== null && lines.length < SHARD_FILES && bytes < SHARD_BYTES) continue
		const header: ShardHeader = { after, to, columns: FILE_COLUMNS }
		const shard = `${DIRECTORY}/${name}/${String(base.shards++).padStart(DIGITS, '0')}`
		run.moved(await writeOnNode(node, shard, KIND, [seal(header, lines)]))
		base.records += lines.length
		if (to !== null) after = to
		lines = []
		bytes = 0
	}
	return { base, segments: [] }
}

/** A segment for these ids, after those there are. */
export async function writeSegment(reader: Source, node: Node, { now, ids, state }: { now: Now; ids: readonly number[]; state: State }, run: Run): Promise<Named> {
	if (ids.length === 0) return state
	const lines: string[] = []
	for (let at = 0; at < ids.length; at += RECORDS_PER_PIECE) {
		const some = ids.slice(at, at + RECORDS_PER_PIECE)
		const gone = new Set(some)
		for (const record of await recordsOf(reader, some)) {
			gone.delete(record.file[0] as number)
			lines.push(encodeRecord(record))
		}
		for (const id of gone) lines.push(encodeGone(id))
	}
	const name = `log-${now.epoch}-${now.seq}-${Date.now().toString(36)}`
	const header: SegmentHeader = { columns: FILE_COLUMNS }
	run.moved(await writeOnNode(node, `${DIRECTORY}/${name}`, KIND, [seal(header, lines)]))
	for (const _ of ids) run.done('recorded', 0)
	return { base: state.base, segments: [...state.segments, { name, seq: now.seq, records: ids.length }] }
}
