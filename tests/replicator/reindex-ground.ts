/** A catalogue that is lost, one that is made from what the nodes have, and whether the two say the same. */
import assert from 'node:assert/strict'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { TestContext } from 'node:test'
import type { Driver } from '../../core/catalogue/driver.ts'
import { endMarked } from '../../core/catalogue/dump/fill.ts'
import { makeTree } from '../../core/catalogue/initialise.ts'
import { openSqlite } from '../../core/catalogue/sqlite.ts'
import { stopFilesystem } from '../../core/filesystem/start.ts'
import type { Node } from '../../core/nodes/node.ts'
import { fill } from '../../replicator/reindex/fill.ts'
import { takeNewer } from '../../replicator/reindex/newer.ts'
import { planOf } from '../../replicator/reindex/sources.ts'
import { survey } from '../../replicator/reindex/survey.ts'
import { type Job, runJob } from '../../replicator/replicator.ts'
import type { Summary } from '../../replicator/run.ts'
import { walk } from '../../replicator/walk/walk.ts'
import type { Client, Installation } from '../unit/installation.ts'

export const CLASSES = [
	{ name: 'precious', pattern: '^precious/', copies: 2 },
	{ name: 'default', pattern: '', copies: 1 },
]

const never = new AbortController().signal

export async function once({ fs }: Client, job: Job, number: number): Promise<Summary> {
	const { summary } = await runJob(fs, fs.nodes.get(number) as Node, job, { signal: never })
	assert.ok(summary)
	return summary
}

export async function onEach(client: Client, job: () => Job): Promise<void> {
	for (const id of client.fs.nodes.keys()) await once(client, job(), id)
}

/** The catalogue is gone, with all that was running. */
export async function lose(place: Installation, client: Client): Promise<void> {
	await stopFilesystem(client.fs)
	for (const end of ['', '-wal', '-shm']) rmSync(join(place.directory, `catalogue.db${end}`), { force: true })
}

interface Made {
	client: Client
	notes: string[]
	/** What was found when the nodes were looked at. */
	looked: Summary[]
}

export async function reindex(t: TestContext, place: Installation, numbers: readonly number[]): Promise<Made> {
	const notes: string[] = []
	const found = await survey({
		directories: numbers.map((number) => ({ path: place.node(number) })),
		from: [],
		note: (line) => notes.push(line),
	})
	const plan = await planOf(found, (line) => notes.push(line))
	const driver: Driver = openSqlite(join(place.directory, 'catalogue.db'), { timeoutMs: 5_000 })
	t.after(() => driver.close())
	await fill(driver, found, plan, (line) => notes.push(line))
	await makeTree(driver, { owner: { uid: 0, gid: 0 }, classes: CLASSES, now: { s: 1, ns: 0 } })
	const client = await place.start()
	const best = plan.parts[plan.parts.length - 1]?.source
	const knownAt = best && 'found' in best ? Date.parse(best.found.state.date) / 1000 : 0
	const looked = [await once(client, takeNewer(knownAt), numbers[0])]
	await endMarked(driver)
	for (const node of client.fs.nodes.values()) if (existsSync(node.root)) looked.push(await once(client, walk(), node.id))
	return { client, notes, looked }
}

const TABLES = {
	node: 'SELECT id, name, path, zone, state, uuid, io, reserve, weight FROM node ORDER BY id',
	class: 'SELECT * FROM class ORDER BY id',
	file: 'SELECT * FROM file ORDER BY id',
	entry: 'SELECT * FROM entry ORDER BY parent_id, name',
	replica:
		'SELECT file_id, node_id, CASE state WHEN 1 THEN version ELSE 0 END AS version, state, verified_at FROM replica ORDER BY file_id, node_id',
	xattr: 'SELECT * FROM xattr ORDER BY file_id, name',
	object: 'SELECT * FROM object ORDER BY id',
	object_volume: 'SELECT * FROM object_volume ORDER BY id',
}

/** Past everything of ours. */
export function rowsOf(place: Installation): Record<string, unknown[]> {
	const database = new DatabaseSync(join(place.directory, 'catalogue.db'), { readOnly: true })
	try {
		return Object.fromEntries(Object.entries(TABLES).map(([table, sql]) => [table, database.prepare(sql).all().map(asText)]))
	} finally {
		database.close()
	}
}

function asText(row: Record<string, unknown>): string {
	return JSON.stringify(
		Object.entries(row).map(([name, value]) => [
			name,
			value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
		]),
	)
}

/** Says which rows differ, and not all that do not. */
export function assertSame(actual: Record<string, unknown[]>, expected: Record<string, unknown[]>): void {
	for (const table of Object.keys(TABLES)) {
		const [have, want] = [new Set(actual[table]), new Set(expected[table])]
		const differences = [...want.difference(have)].slice(0, 5).map((row) => `- ${row}`)
		differences.push(...[...have.difference(want)].slice(0, 5).map((row) => `+ ${row}`))
		assert.deepEqual(differences, [], table)
		assert.equal(actual[table].length, expected[table].length, table)
	}
}
