/** Walks in tests: run to their end, with what they counted and said. */
import { execFileSync } from 'node:child_process'
import type { TestContext } from 'node:test'
import * as disk from 'node:fs'
import { dirname } from 'node:path'
import type { Query, Row } from '../../core/catalogue/driver.ts'
import { flushLater } from '../../core/filesystem/filesystem.ts'
import type { ClassConfig } from '../../core/config/types.ts'
import type { Node, NodeOperations } from '../../core/nodes/node.ts'
import { runJob } from '../../replicator/replicator.ts'
import { walk, type WalkOptions } from '../../replicator/walk/walk.ts'
import { type Client, type Installation, installation } from '../unit/installation.ts'

export interface Walked {
	outcomes: Record<string, number>
	/** `path: why` of what was left undone. */
	troubles: string[]
	notes: string[]
	stopped: boolean
	/** Who was at it already. */
	holder: string
}

export interface Ground extends Installation {
	client: Client
	/** A file of a node, put there behind our back. */
	put(number: number, path: string, text: string): void
	/** With its times. */
	copy(path: string, from: number, to: number): void
	read(number: number, path: string): string
	has(number: number, path: string): boolean
	walk(number?: number, options?: WalkOptions): Promise<Walked>
	/** Of a path in the tree: what the catalogue has. */
	file(path: string): FileFacts | undefined
	/** State and version of its copy on each node. */
	copies(path: string): Record<number, string>
	/** `path reason` of each conflict, `path reason in place` where it was left. */
	conflicts(): string[]
}

export interface FileFacts {
	id: number
	kind: number
	mode: number
	uid: number
	gid: number
	nlink: number
	size: number
	mtime: number
	version: number
	hash: Uint8Array | null
	hash_version: number
	target: Uint8Array | null
}

const STATES = ['', 'good', 'wanted', 'suspect', 'surplus']

export async function ground(t: TestContext, nodes = 1, classes?: ClassConfig[]): Promise<Ground> {
	const place = await installation(t, nodes, classes)
	const client = await place.start()

	function file(path: string): FileFacts | undefined {
		let row = { id: 1 } as FileFacts | undefined
		for (const name of path.split('/')) {
			if (!row) return undefined
			;[row] = place.rows(
				'SELECT f.* FROM entry e JOIN file f ON f.id = e.file_id WHERE e.parent_id = ? AND e.name = CAST(? AS BLOB)',
				row.id,
				name,
			) as FileFacts[]
		}
		return row
	}

	return {
		...place,
		client,
		put(number, path, text) {
			disk.mkdirSync(dirname(place.node(number, path)), { recursive: true })
			disk.writeFileSync(place.node(number, path), text)
		},
		copy: (path, from, to) => void execFileSync('cp', ['-p', place.node(from, path), place.node(to, path)]),
		read: (number, path) => disk.readFileSync(place.node(number, path), 'utf8'),
		has: (number, path) => disk.existsSync(place.node(number, path)),
		walk: (number = 1, options = {}) => walkOn(client, number, options),
		file,
		copies(path) {
			const rows = place.rows(
				'SELECT node_id, version, state FROM replica WHERE file_id = ? ORDER BY node_id',
				file(path)?.id ?? 0,
			)
			return Object.fromEntries(rows.map((row) => [row.node_id, `${STATES[row.state]} ${row.version}`]))
		},
		conflicts: () =>
			place
				.rows('SELECT * FROM conflict ORDER BY path')
				.map((row) => `${Buffer.from(row.path)} ${row.reason}${row.aside === null ? ' in place' : ''}`),
	}
}

export async function walkOn(
	{ fs }: Pick<Client, 'fs'>,
	number: number,
	options: WalkOptions = {},
	signal = new AbortController().signal,
): Promise<Walked> {
	const troubles: string[] = []
	const notes: string[] = []
	const watcher = {
		trouble: (path: string, why: string) => troubles.push(`${path}: ${why}`),
		note: (line: string) => notes.push(line),
	}
	const { summary, holder } = await runJob(fs, fs.nodes.get(number) as Node, walk(options), { signal, watcher: watcher as never })
	await flushLater(fs)
	return { outcomes: summary?.outcomes ?? {}, troubles, notes, stopped: summary?.stopped ?? false, holder }
}

/** The node's operations with some of them changed. */
export function change({ fs }: Client, number: number, changed: (own: NodeOperations) => Partial<NodeOperations>): void {
	const node = fs.nodes.get(number) as Node
	Object.assign(node.operations, changed({ ...node.operations }))
}

/** Calls `meddle` once, after the walk has looked and before it writes down what it saw. */
export function beforeWriting(client: Client, meddle: () => void): void {
	let calls = 0
	change(client, 1, ({ identify }) => ({
		identify(uuid) {
			// The first is the one at the beginning.
			if (++calls === 2) meddle()
			return identify(uuid)
		},
	}))
}

/** Calls `meddle` when the disk was looked at and the catalogue is about to be asked what it has of whole directories; false: that is of no use. */
export function beforeComparing({ fs }: Client, meddle: () => boolean): void {
	const { read } = fs.catalogue
	Object.assign(fs.catalogue, {
		read(...queries: Query[]) {
			if (!queries.some(([sql]) => sql.includes('AS directories')) || meddle()) return read(...queries)
			return (read(...queries) as Row[][]).map((rows) => rows.map((row) => ('many' in row ? { ...row, many: 0 } : row)))
		},
	})
}
