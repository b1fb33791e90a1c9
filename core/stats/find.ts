/**
 * Searching the catalogue: files one after the other, a page of them in memory at a time. Where a question is of what is owed or of
 * a node, an index has the candidates and the search costs what there is of them; else the tree is gone through.
 */
import * as classTable from '../catalogue/classes.ts'
import type { Driver } from '../catalogue/driver.ts'
import * as entries from '../catalogue/entries.ts'
import { type FileRow, KIND } from '../catalogue/files.ts'
import type { CopyRow } from '../catalogue/finds.ts'
import * as finds from '../catalogue/finds.ts'
import * as nodeTable from '../catalogue/nodes.ts'
import { REPLICA } from '../catalogue/replicas.ts'
import type { CountedFile } from '../catalogue/stat-files.ts'
import * as statFiles from '../catalogue/stat-files.ts'
import type { CopiesRow } from '../catalogue/stat-figures.ts'
import * as figures from '../catalogue/stat-figures.ts'
import type { FileId, Path } from '../ids.ts'
import { contentsInOrder } from './duplicates.ts'
import { pathsOf } from './paths.ts'
import { run } from '../op.ts'

export interface Wanted {
	/** At or below this directory. */
	below: { id: FileId; path: Path }
	/** Changed after this moment, Unix seconds. */
	since?: number
	largerThan?: number
	smallerThan?: number
	/** Of the last name of a path. */
	name?: (name: Uint8Array) => boolean
	/** Something is to be done about one of its copies, or copies are missing. */
	owed?: boolean
	class?: string
	/** A copy is there, in whatever state. */
	node?: string
	/** Other files have the same content. */
	duplicates?: boolean
}

export interface FoundFile {
	row: FileRow
	path: Path
	/** With `duplicates`: files of the same content follow each other. */
	hash: Buffer | undefined
}

const PAGE_ROWS = 1_000
const NAMES_MAX = 100
const SLASH = Buffer.from('/')

interface Candidate {
	row: FileRow
	/** Where it was found, when it was found by its name. */
	path?: Path
	hash?: Buffer
}

/** Files of every kind but directories. */
export async function* find(catalogue: Driver, wanted: Wanted): AsyncGenerator<FoundFile> {
	const classes = new Map((await classTable.list(catalogue)).map((rule) => [rule.name, rule.id]))
	const nodes = new Map((await nodeTable.list(catalogue)).map((node) => [node.name, node.id]))
	const classId = wanted.class === undefined ? undefined : classes.get(wanted.class)
	const nodeId = wanted.node === undefined ? undefined : nodes.get(wanted.node)
	for await (const page of candidates(catalogue, wanted)) {
		const fitting = page.filter(({ row }) => fits(row, wanted, classId))
		const there = nodeId === undefined ? undefined : await holding(catalogue, fitting, nodeId)
		for (const { row, path, hash } of fitting) {
			if (there && !there.has(row.id)) continue
			const paths = path ? [path] : (await run(pathsOf(catalogue, row.id, NAMES_MAX))).filter((each) => isBelow(each, wanted.below.path))
			for (const each of paths) if (hasName(each, wanted.name)) yield { row, path: each, hash }
		}
	}
}

function candidates(catalogue: Driver, wanted: Wanted): AsyncGenerator<Candidate[]> {
	if (wanted.duplicates) return contentsInOrder(catalogue)
	if (wanted.owed) return owing(catalogue)
	return inTree(catalogue, wanted.below)
}

/** Every name below a directory, a directory at a time. */
async function* inTree(catalogue: Driver, top: { id: FileId; path: Path }): AsyncGenerator<Candidate[]> {
	let after: Buffer = Buffer.alloc(0)
	for (;;) {
		const rows = await entries.list(catalogue, top.id, after, PAGE_ROWS)
		const page = rows.map((row) => ({ row, path: top.path.length === 0 ? Buffer.from(row.name) : Buffer.concat([top.path, SLASH, row.name]) }))
		yield page.filter(({ row }) => row.kind !== KIND.directory)
		for (const { row, path } of page) if (row.kind === KIND.directory) yield* inTree(catalogue, { id: row.id, path })
		if (rows.length < PAGE_ROWS) return
		after = Buffer.from(rows[rows.length - 1].name)
	}
}

/** First those with more or fewer copies than their class asks for, then those of which one copy is not as it should be. */
async function* owing(catalogue: Driver): AsyncGenerator<Candidate[]> {
	const goals = new Map((await classTable.list(catalogue)).map((rule) => [rule.id, rule.copies]))
	const [counted] = (await catalogue.read(figures.copiesQuery())) as [CopiesRow[]]
	for (const { class_id, copies } of counted) {
		if (copies === goals.get(class_id)) continue
		yield* pages((after) => finds.withCopies(catalogue, class_id, copies, after, PAGE_ROWS))
	}
	const states = [REPLICA.wanted, REPLICA.suspect, REPLICA.surplus]
	for (const { id: node } of await nodeTable.list(catalogue)) {
		for (const state of states) {
			for await (const page of pages((after) => finds.onNode(catalogue, node, state, after, PAGE_ROWS))) {
				const [copies, counted] = [await copiesOf(catalogue, page), await countedAs(catalogue, page)]
				const isMet = ({ row }: Candidate) => goals.get(row.class_id) !== (counted.get(row.id)?.copies ?? goals.get(row.class_id))
				yield page.filter((each) => !isMet(each) && isFirst(copies.get(each.row.id) ?? [], node, state))
			}
		}
	}
}

/** Not met already for another of its copies. */
function isFirst(copies: readonly CopyRow[], node: number, state: number): boolean {
	const [first] = copies.filter((copy) => copy.state !== REPLICA.good).sort((a, b) => a.node_id - b.node_id)
	return first?.node_id === node && first.state === state
}

async function* pages(page: (after: FileId) => FileRow[] | Promise<FileRow[]>): AsyncGenerator<Candidate[]> {
	for (let after = 0; ; ) {
		const rows = await page(after)
		yield rows.map((row) => ({ row }))
		if (rows.length < PAGE_ROWS) return
		after = rows[rows.length - 1].id
	}
}

async function copiesOf(catalogue: Driver, page: readonly Candidate[]): Promise<Map<FileId, CopyRow[]>> {
	if (page.length === 0) return new Map()
	return Map.groupBy((await catalogue.read(...finds.copiesQueries(page.map(({ row }) => row.id)))).flat() as CopyRow[], (copy) => copy.file_id)
}

/** With how many copies the figures have them: those were found by that. */
async function countedAs(catalogue: Driver, page: readonly Candidate[]): Promise<Map<FileId, CountedFile>> {
	if (page.length === 0) return new Map()
	const rows = (await catalogue.read(...statFiles.countedQueries(page.map(({ row }) => row.id)))).flat() as CountedFile[]
	return new Map(rows.map((row) => [row.file_id, row]))
}

async function holding(catalogue: Driver, page: readonly Candidate[], node: number): Promise<Set<FileId>> {
	const copies = await copiesOf(catalogue, page)
	return new Set([...copies].filter(([, own]) => own.some((copy) => copy.node_id === node)).map(([id]) => id))
}

function fits(row: FileRow, { since, largerThan, smallerThan }: Wanted, classId: number | undefined): boolean {
	if (since !== undefined && row.mtime <= since && row.ctime <= since) return false
	if (largerThan !== undefined && row.size <= largerThan) return false
	if (smallerThan !== undefined && row.size >= smallerThan) return false
	return classId === undefined || row.class_id === classId
}

function hasName(path: Path, name: Wanted['name']): boolean {
	return name === undefined || name(path.subarray(path.lastIndexOf(0x2f) + 1))
}

function isBelow(path: Path, top: Path): boolean {
	return top.length === 0 || (path.length > top.length && path[top.length] === 0x2f && path.compare(top, 0, top.length, 0, top.length) === 0)
}
