/** What happened to the catalogue since a manifest was written. */
import type { ChangeRow } from '../../core/catalogue/changes.ts'
import * as changes from '../../core/catalogue/changes.ts'
import type { Capabilities, Reader, Row } from '../../core/catalogue/driver.ts'
import { epochOf } from '../../core/catalogue/dump/fill.ts'
import type { Point, State } from './format.ts'

const PAGE_ROWS = 5_000
/** More than this many and everything is written anew. */
const IDS_MAX = 200_000
/**
 * Where several write at once, a change with a lower number may be committed after one with a higher, and a proof may be
 * older than what was read after it. What is this young is read again by the next run.
 */
const UNSETTLED_SECONDS = 60

type Source = Pick<Reader, 'all'>

/** The state of the catalogue as far as a manifest has to know it. */
export interface Now extends Point {
	readFrom: number
	provedFrom: number
	/** First number that is still there. */
	oldest: number
	nodes: Row[]
	classes: Row[]
	settings: Row[]
	volumes: Row[]
}

export async function lookNow(reader: Source, { now, synchronous }: Capabilities): Promise<Now> {
	const young = synchronous ? 0 : UNSETTLED_SECONDS
	const [{ seq, oldest, clock }] = await reader.all<{ seq: number | null; oldest: number | null; clock: number }>(
		`SELECT (SELECT MAX(seq) FROM \`change\`) AS seq, (SELECT MIN(seq) FROM \`change\`) AS oldest, ${now} AS clock`,
	)
	const last = seq ?? 0
	return {
		epoch: await epochOf(reader),
		seq: last,
		oldest: oldest ?? 0,
		readFrom: young === 0 ? last : await settledBefore(reader, last, `${now} - ${young}`),
		provedFrom: clock - young,
		nodes: await reader.all('SELECT id, name, path, zone, state, since, uuid, io, reserve, weight FROM node ORDER BY id'),
		classes: await reader.all('SELECT id, name, position, pattern, copies, zones, offsite, policy, trash FROM class ORDER BY id'),
		settings: await reader.all('SELECT name, value FROM setting ORDER BY name'),
		volumes: await reader.all('SELECT id, collection, ttl, zone, replication FROM object_volume ORDER BY id'),
	}
}

/** The last number that is old enough to be sure of all below it. */
async function settledBefore(reader: Source, last: number, time: string): Promise<number> {
	for (let below = last + 1; ; ) {
		const rows = await reader.all<{ seq: number; old: number }>(
			`SELECT seq, CASE WHEN at < ${time} THEN 1 ELSE 0 END AS old FROM \`change\` WHERE seq < ? ORDER BY seq DESC LIMIT ${PAGE_ROWS}`,
			[below],
		)
		const found = rows.find((row) => row.old === 1)
		if (found) return found.seq
		// All there are may still be joined by others, those below them are gone.
		if (rows.length < PAGE_ROWS) return Math.max(0, (rows.at(-1)?.seq ?? below) - 1)
		below = rows[rows.length - 1].seq
	}
}

/** Ids whose record may be another now; undefined when it cannot be told, or is too much to tell. */
export async function changedSince(reader: Source, state: State, now: Now): Promise<Set<number> | undefined> {
	if (state.epoch !== now.epoch || now.seq < state.seq || now.oldest > state.readFrom + 1) return undefined
	const ids = new Set<number>()
	for (let after = state.readFrom; ; ) {
		const rows = await reader.all<ChangeRow>(...changes.sinceQuery(after, PAGE_ROWS))
		for (const row of rows) await note(reader, ids, row)
		if (ids.size > IDS_MAX) return undefined
		if (rows.length < PAGE_ROWS) break
		after = rows[rows.length - 1].seq
	}
	for (const node of now.nodes) if (!(await noteProved(reader, ids, node.id, state.provedFrom))) return undefined
	return ids
}

async function note(reader: Source, ids: Set<number>, { op, parent_id, name, file_id, detail }: ChangeRow): Promise<void> {
	if (parent_id !== null) ids.add(parent_id)
	if (file_id !== null) ids.add(file_id)
	if (detail === null) return
	ids.add(changes.readPlaceDetail(detail).parent)
	if (op !== 'exchange') return
	// The line names one of the two. What a rename replaced it does not name either, but that is gone from its name, and says so.
	const [other] = await reader.all<{ file_id: number }>('SELECT file_id FROM entry WHERE parent_id = ? AND name = ?', [parent_id, name])
	if (other) ids.add(other.file_id)
}

/** Copies that were made, and hashes that became known, have no line in the journal; both come with a proof. */
async function noteProved(reader: Source, ids: Set<number>, node: number, from: number): Promise<boolean> {
	for (let [time, after] = [from, -1]; ; ) {
		const rows = await reader.all<{ verified_at: number; file_id: number }>(
			`SELECT verified_at, file_id FROM replica WHERE node_id = ? AND verified_at = ? AND file_id > ? ORDER BY file_id LIMIT ${PAGE_ROWS}`,
			[node, time, after],
		)
		const room = PAGE_ROWS - rows.length
		const later = room === 0 ? [] : await reader.all<{ verified_at: number; file_id: number }>(
			'SELECT verified_at, file_id FROM replica WHERE node_id = ? AND verified_at > ? ORDER BY verified_at, file_id LIMIT ?',
			[node, time, room],
		)
		const all = [...rows, ...later]
		for (const row of all) ids.add(row.file_id)
		if (ids.size > IDS_MAX) return false
		if (all.length < PAGE_ROWS) return true
		const last = all[all.length - 1]
		;[time, after] = [last.verified_at, last.file_id]
	}
}

/** Nodes, classes, volumes: few, and compared whole. */
export function sameSurroundings(state: State, now: Now): boolean {
	return JSON.stringify([state.nodes, state.classes, state.volumes]) === JSON.stringify([now.nodes, now.classes, now.volumes])
}
