/** Files with all that a plan needs to know of them, a page at a time, from where the last run stopped. */
import * as holdings from '../../core/catalogue/holdings.ts'
import type { HeldCopy, HeldFile, HeldName } from '../../core/catalogue/holdings.ts'
import type { ReplicaRow } from '../../core/catalogue/replicas.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { pathsOf } from '../../core/filesystem/paths.ts'
import type { FileId, NodeId, Path } from '../../core/ids.ts'
import { run as drive } from '../../core/op.ts'

const PAGE_FILES = 500

export interface Held extends HeldFile {
	copies: ReplicaRow[]
	names: HeldName[]
}

export interface Page {
	files: Held[]
	/** The next page begins after this one. */
	last: FileId
}

/** Of the whole tree: files that have copies, with their names. */
export async function* pagesOfTree(fs: Filesystem, after: FileId): AsyncGenerator<Page> {
	for (;;) {
		const rows = await holdings.page(fs.catalogue, after, PAGE_FILES)
		if (rows.length === 0) return
		const range = { after, last: rows[rows.length - 1].id }
		const [copies, names] = (await fs.catalogue.read(holdings.copiesQuery(range), holdings.namesQuery(range))) as [
			HeldCopy[],
			HeldName[],
		]
		after = range.last
		yield { files: together(rows.filter(holdings.hasCopies), copies, names), last: after }
	}
}

/** Of what a node has in one state, without names. */
export async function* pagesOfNode(fs: Filesystem, node: NodeId, state: number, after: FileId): AsyncGenerator<Page> {
	for (;;) {
		const rows = await holdings.pageOnNode(fs.catalogue, node, state, { after, limit: PAGE_FILES })
		if (rows.length === 0) return
		const range = { after, last: rows[rows.length - 1].id }
		const [copies] = (await fs.catalogue.read(holdings.copiesOnNodeQuery(node, state, range))) as [HeldCopy[]]
		after = range.last
		yield { files: together(rows, copies, []), last: after }
	}
}

function together(rows: readonly HeldFile[], copies: readonly HeldCopy[], names: readonly HeldName[]): Held[] {
	const files = new Map<FileId, Held>(rows.map((row) => [row.id, { ...row, copies: [], names: [] }]))
	for (const copy of copies) files.get(copy.file_id)?.copies.push(copy)
	for (const name of names) files.get(name.file_id)?.names.push(name)
	return [...files.values()]
}

/** For people: one of its paths, or words where it has none. */
export async function pathToTell(fs: Filesystem, id: FileId): Promise<Path | string> {
	const [first] = await drive(pathsOf(fs, id, 1))
	return first?.path ?? `file ${id}`
}
