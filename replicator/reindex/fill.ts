/** The plan carried out: an empty catalogue is filled from what the nodes know. */
import { readFile } from 'node:fs/promises'
import type { Driver, Row, Value } from '../../core/catalogue/driver.ts'
import { beginFilling, endFilling, insertRows } from '../../core/catalogue/dump/fill.ts'
import { readDump } from '../../core/catalogue/dump/read.ts'
import { fillFrom } from '../../core/catalogue/dump/load.ts'
import { decodeRecord, positionsIn, type SegmentHeader, type ShardHeader } from '../manifest/format.ts'
import { unseal } from '../manifest/sealed.ts'
import { contains, EVERYTHING, type Range } from './ranges.ts'
import type { DumpSource, ManifestSource, Part, Plan, Segment } from './sources.ts'
import type { FoundNode, Survey } from './survey.ts'
import { tidy } from './tidy.ts'
import { insertRecords, replaceRecords, type Said } from './write.ts'

/** Of a dump, beside the tree, when the tree comes from manifests. */
const ALSO_OF_DUMP = new Set(['conflict', 'verify_day'])
/** Few: what outlives a batch makes the heap grow. */
const LINES_PER_BATCH = 400

export async function fill(driver: Driver, { nodes, manifests, dump }: Survey, plan: Plan, note: (line: string) => void): Promise<void> {
	await beginFilling(driver)
	const best = plan.parts[plan.parts.length - 1]?.source
	let isFirst = true
	for (const part of plan.parts) {
		const { source, ranges } = part
		if ('dump' in source) await fillFromDump(driver, source, { ranges, isBest: source === best, isFirst })
		else await fillFromManifest(driver, source, { ...part, isFirst })
		isFirst = false
	}
	for (const segment of plan.later) await amend(driver, segment, [EVERYTHING])
	const manifest = manifests.find((found) => best && 'found' in best && best.found === found)
	if (manifest) {
		await insertObjects(driver, 'node', manifest.state.nodes)
		await insertObjects(driver, 'class', manifest.state.classes)
		await insertObjects(driver, 'setting', manifest.state.settings)
		await insertObjects(driver, 'object_volume', manifest.state.volumes ?? [])
		if (dump) await fillFromDump(driver, { dump }, { ranges: [], isBest: false, isFirst: false, also: ALSO_OF_DUMP })
	}
	await placeNodes(driver, nodes)
	await tidy(driver, note)
	// Above all there is a trace of, believed or not.
	const points = [...manifests.map(({ state }) => state), ...(dump ? [dump] : [])]
	await endFilling(driver, { epoch: Math.max(0, ...points.map(({ epoch }) => epoch)), seq: Math.max(0, ...points.map(({ seq }) => seq)) })
}

async function fillFromManifest(driver: Driver, { shards, segments }: ManifestSource, { ranges, amends, isFirst }: Omit<Part, 'source'> & { isFirst: boolean }): Promise<void> {
	for (const path of ranges.length > 0 ? shards : []) {
		const shard = unseal<ShardHeader>(await readFile(path))
		for (const said of shard ? batchesOf(shard, ranges) : []) {
			if (isFirst) await insertRecords(driver, said.flatMap(({ record }) => record ?? []))
			else await replaceRecords(driver, said)
		}
	}
	for (const segment of segments) await amend(driver, segment, amends)
}

async function amend(driver: Driver, { path }: Segment, ranges: readonly Range[]): Promise<void> {
	const segment = unseal<SegmentHeader>(await readFile(path))
	for (const said of segment ? batchesOf(segment, ranges) : []) await replaceRecords(driver, said)
}

/** What the lines say of the ids in these ranges. */
function* batchesOf({ header, lines }: { header: { columns: readonly string[] }; lines: string[] }, ranges: readonly Range[]): Generator<Said[]> {
	const positions = positionsIn(header.columns)
	for (let at = 0; at < lines.length; at += LINES_PER_BATCH) {
		const said = lines.slice(at, at + LINES_PER_BATCH).map((line) => decodeRecord(line, positions))
		yield said.filter(({ id }) => contains(ranges, id))
	}
}

interface FromDump {
	ranges: Range[]
	isBest: boolean
	isFirst: boolean
	also?: ReadonlySet<string>
}

/** Whole where it is all there is; else the files in these ranges. It comes first then: it is older than what follows. */
async function fillFromDump(driver: Driver, { dump }: Pick<DumpSource, 'dump'>, { ranges, isBest, isFirst, also }: FromDump): Promise<void> {
	if (isBest && isFirst) return fillFrom(driver, dump.path)
	for await (const item of readDump(dump.path)) {
		if ('header' in item) continue
		const { table, columns, rows } = item
		if (also?.has(table)) await insertRows(driver, table, columns, rows)
		const key = { file: 'id', entry: 'file_id', replica: 'file_id', xattr: 'file_id', object: 'file_id' }[table]
		if (key === undefined) continue
		const at = columns.indexOf(key)
		await insertRows(driver, table, columns, rows.filter((row) => contains(ranges, row[at] as number)))
	}
}

async function insertObjects(driver: Driver, table: string, rows: readonly Row[]): Promise<void> {
	if (rows.length === 0) return
	const columns = Object.keys(rows[0])
	await insertRows(driver, table, columns, rows.map((row) => columns.map((column) => row[column] as Value)))
}

/** Where they are now. One that no source knows gets an id of its own. */
async function placeNodes(driver: Driver, nodes: readonly FoundNode[]): Promise<void> {
	const known = await driver.all<{ id: number; name: string; uuid: string }>('SELECT id, name, uuid FROM node ORDER BY id')
	let nextId = Math.max(0, ...known.map(({ id }) => id)) + 1
	for (const { name, uuid, path } of nodes.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
		const row = known.find((each) => each.uuid === uuid)
		const isTaken = known.some((each) => each.name === name)
		if (row) await driver.change('UPDATE node SET path = ? WHERE id = ?', [path, row.id])
		else await driver.change(`INSERT INTO node (id, name, path, uuid, since) VALUES (?,?,?,?,${driver.capabilities.now})`, [nextId++, isTaken ? `${name}-${uuid.slice(0, 8)}` : name, path, uuid])
	}
}
