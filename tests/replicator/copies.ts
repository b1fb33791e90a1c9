/** Files with copies on several nodes, as if a replicator had made them; and what really lies on the nodes. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import * as disk from 'node:fs'
import type { Driver } from '../../core/catalogue/driver.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import type { Node } from '../../core/nodes/node.ts'
import { type Job, runJob } from '../../replicator/replicator.ts'
import type { Summary } from '../../replicator/run.ts'
import { type Client, type Installation, writeFile } from '../unit/installation.ts'

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()

/** Written by the client, with a good and proved copy on each of the nodes and on no other. Its id. */
export async function copiedFile(
	place: Installation,
	{ fs, catalogue }: Client,
	name: string,
	text: string,
	nodes: readonly number[],
): Promise<number> {
	const id = writeFile(fs, name, text)
	await flushLater(fs)
	for (const row of place.rows('SELECT node_id FROM replica WHERE file_id = ?', id))
		disk.rmSync(place.node(row.node_id, name), { force: true })
	await catalogue.change('DELETE FROM replica WHERE file_id = ?', [id])
	await catalogue.change('UPDATE file SET hash = ?, hash_version = version WHERE id = ?', [sha256(Buffer.from(text)), id])
	for (const node of nodes) {
		await setCopy(catalogue, id, node, REPLICA.good)
		putCopy(place, fs, { id, node, name }, text)
	}
	return id
}

/** Bytes on a node, with the times the catalogue has: nothing but reading them can tell that they are others. */
export function putCopy(
	{ rows, node: at }: Installation,
	fs: Filesystem,
	{ id, node, name }: { id: number; node: number; name: string },
	text: string | Uint8Array,
): void {
	const [{ mtime, mtime_ns: mtimeNs }] = rows('SELECT mtime, mtime_ns FROM file WHERE id = ?', id)
	disk.writeFileSync(at(node, name), text)
	void (fs.nodes.get(node) as Node).operations.setAttributes(Buffer.from(name), { mtime, mtimeNs })
}

/** A row at the file's version, proved a moment after whatever was done to the copy so far. */
export async function setCopy(catalogue: Driver, id: number, node: number, state: number): Promise<void> {
	await catalogue.change('DELETE FROM replica WHERE file_id = ? AND node_id = ?', [id, node])
	await catalogue.change(
		`INSERT INTO replica (file_id, node_id, version, state, verified_at) SELECT id, ?, version, ?, ${catalogue.capabilities.now} FROM file WHERE id = ?`,
		[node, state, id],
	)
}

export interface Ran extends Summary {
	troubles: number
	notes: string[]
	said: string[]
	/** What was said to be to do. */
	expected: { files: number; bytes: number }
}

export async function runOn(fs: Filesystem, number: number, job: Job, signal = new AbortController().signal): Promise<Ran> {
	const notes: string[] = []
	const said: string[] = []
	const expected = { files: 0, bytes: 0 }
	const watcher = {
		expected(files: number, bytes: number) {
			expected.files += files
			expected.bytes += bytes
		},
		note: (line: string) => void notes.push(line),
		trouble: (path: string, why: string) => void said.push(`${path}: ${why}`),
	}
	const { summary } = await runJob(fs, fs.nodes.get(number) as Node, job, { signal, watcher })
	assert.ok(summary, 'another process has the lease')
	await flushLater(fs)
	return { ...summary, notes, said, expected }
}

/** The nodes on which a file is, by content. */
export function holders({ node }: Installation, name: string, text: string, nodes: readonly number[] = [1, 2, 3]): number[] {
	return nodes.filter((each) => textAt(node(each, name)) === text)
}

/** Others may take it away at any moment. */
function textAt(path: string): string | undefined {
	try {
		return disk.readFileSync(path, 'utf8')
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
	}
}

/** state by node. */
export function states({ rows }: Installation, id: number): Record<number, number> {
	return Object.fromEntries(
		rows('SELECT node_id, state FROM replica WHERE file_id = ? ORDER BY node_id', id).map((row) => [row.node_id, row.state]),
	)
}
