/** What the tests of replicate have before them: nodes, a filesystem, and what came of it. */
import * as disk from 'node:fs'
import type { TestContext } from 'node:test'
import type { ClassConfig } from '../../core/config/types.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { open } from '../../core/filesystem/open.ts'
import { release } from '../../core/filesystem/publish.ts'
import type { Point } from '../../replicator/replicate/round.ts'
import { type Installation, installation, now } from '../unit/installation.ts'

const copies = (many: number): ClassConfig[] => [{ name: 'default', pattern: '', copies: many }]

export interface Prepared extends Installation {
	fs: Filesystem
	/** State and version of a file's copies by node. */
	statesOf(id: number): string[]
	/** What waits beside the tree of a node. */
	incoming(node: number): string[]
}

export async function prepare(t: TestContext, nodes: number, many = nodes): Promise<Prepared> {
	const made = await installation(t, nodes, copies(many))
	const { fs } = await made.start()
	return {
		...made,
		fs,
		statesOf: (id) =>
			made
				.rows('SELECT node_id, state, version FROM replica WHERE file_id = ? ORDER BY node_id', id)
				.map((row) => `${row.node_id}: ${row.state}@${row.version}`),
		incoming: (node) => disk.readdirSync(made.node(node, '.cairn/incoming')),
	}
}

/** Does this once, when a run is at that point. */
export function once(wanted: Point, act: () => void | Promise<void>) {
	let done = false
	return async (point: Point) => {
		if (point !== wanted || done) return
		done = true
		await act()
	}
}

export function rewrite(fs: Filesystem, id: number, text: string): void {
	const file = now(open(fs, id, { write: true, truncate: true }))
	file.node.operations.write(file.fd, Buffer.from(text), 0)
	now(release(fs, file, true))
}

/** As another process leaves it between its decision and the disk. */
export async function decided({ start, rows }: Prepared, node: number, path: string): Promise<void> {
	const { fs } = await start()
	rows("INSERT INTO intent (node_id, op, path, file_id, client_id, token, created) VALUES (?, 'unlink', CAST(? AS BLOB), 9, ?, 1, 0)", node, path, fs.client)
}
