/**
 * Which source is believed for what. A manifest and a dump each say of every id what it was at one point of the journal, or
 * that it was nothing: so the newest is believed, an older one only for ids whose part of the newer is damaged, and nothing
 * that was deleted since comes back.
 */
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isNewer, type Point, type SegmentHeader, type ShardHeader } from '../manifest/format.ts'
import { unsealHeader } from '../manifest/sealed.ts'
import { EVERYTHING, intersection, joined, type Range, without } from './ranges.ts'
import type { FoundDump, FoundManifest, Survey } from './survey.ts'

export interface Segment extends Point {
	path: string
}

interface Common {
	/** How far what it says is whole. */
	point: Point
	/** Ids of which it says something. */
	covers: Range[]
	title: string
}

export interface ManifestSource extends Common {
	found: FoundManifest
	shards: string[]
	segments: Segment[]
	/** Whole ones that follow a damaged one: newer than all else for what they name, and silent on the rest. */
	later: Segment[]
}

export interface DumpSource extends Common {
	dump: FoundDump
}

export type Source = ManifestSource | DumpSource

/** What is to be read of a source. */
export interface Part {
	source: Source
	ranges: Range[]
	/** Ids for which no newer source is believed: what its segments say of them holds, also where its base is damaged. */
	amends: Range[]
}

export interface Plan {
	/** The oldest first, so that of two that claim a name the newer has it. */
	parts: Part[]
	later: Segment[]
	/** Ids of which nobody says anything any more. */
	lost: Range[]
}

export async function planOf({ manifests, dump }: Survey, note: (line: string) => void): Promise<Plan> {
	const sources: Source[] = []
	for (const found of manifests) sources.push(await examined(found, note))
	if (dump) sources.push({ point: dump, covers: [EVERYTHING], title: dump.path, dump })
	sources.sort((a, b) => (isNewer(a.point, b.point) ? -1 : isNewer(b.point, a.point) ? 1 : 0))
	let wanted: Range[] = [EVERYTHING]
	const parts: Part[] = []
	for (const source of sources) {
		const ranges = intersection(source.covers, wanted)
		const isAmending = 'segments' in source && source.segments.length > 0 && wanted.length > 0
		if (ranges.length > 0 || isAmending) parts.unshift({ source, ranges, amends: wanted })
		wanted = without(wanted, source.covers)
	}
	return { parts, later: laterOf(sources), lost: sources.length > 0 ? joined(wanted) : [] }
}

function laterOf(sources: readonly Source[]): Segment[] {
	const best = sources[0]?.point
	const segments = sources.flatMap((source) => ('later' in source ? source.later : []))
	return segments.filter((segment) => best && segment.epoch === best.epoch && isNewer(segment, best)).sort((a, b) => a.seq - b.seq)
}

/** Every file of it is read: what is damaged has to be known before anything is believed. */
async function examined(found: FoundManifest, note: (line: string) => void): Promise<ManifestSource> {
	const { folder, state } = found
	const base = join(folder, state.base.name)
	const shards: string[] = []
	const covers: Range[] = []
	for (const name of existsSync(base) ? (await readdir(base)).sort() : []) {
		const path = join(base, name)
		const header = unsealHeader<ShardHeader>(await readFile(path))
		if (!header) {
			note(`${path}: damaged, and passed over`)
			continue
		}
		shards.push(path)
		covers.push({ after: header.after, to: header.to ?? EVERYTHING.to })
	}
	if (shards.length < state.base.shards) note(`${folder}: ${state.base.shards - shards.length} of ${state.base.shards} parts are missing or damaged`)
	const { segments, later, seq } = await segmentsOf(found, note)
	return { found, shards, segments, later, point: { epoch: state.epoch, seq }, covers: joined(covers), title: folder }
}

async function segmentsOf({ folder, state }: FoundManifest, note: (line: string) => void): Promise<{ segments: Segment[]; later: Segment[]; seq: number }> {
	const segments: Segment[] = []
	const later: Segment[] = []
	let { seq } = state.base
	let isWhole = true
	for (const named of state.segments) {
		const segment = { path: join(folder, named.name), epoch: state.epoch, seq: named.seq }
		const whole = existsSync(segment.path) && unsealHeader<SegmentHeader>(await readFile(segment.path))
		if (!whole) note(`${segment.path}: missing or damaged, and passed over`)
		isWhole &&= Boolean(whole)
		if (isWhole) seq = named.seq
		if (whole) (isWhole ? segments : later).push(segment)
	}
	return { segments, later, seq: isWhole ? state.seq : seq }
}
