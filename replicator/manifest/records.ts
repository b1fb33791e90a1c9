/** Files of the catalogue with all that belongs to them, many at a time. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Reader, Row, Value } from '../../core/catalogue/driver.ts'
import { FLAG_IS_OBJECT } from '../../core/catalogue/files.ts'
import { FILE_COLUMNS, type FileRecord, OBJECT_COLUMNS } from './format.ts'

/** Few: what outlives a page of it makes the heap grow. */
const PAGE_FILES = 400
/** Of extended attributes, in one page. */
const PAGE_BYTES_MAX = 8 * 1024 * 1024
const IDS_PER_QUERY = 200

type Source = Pick<Reader, 'all'>

export interface Page {
	after: number
	/** Null: there are no more. */
	to: number | null
	records: FileRecord[]
}

/** All files, by id. */
export async function* pagesOfRecords(reader: Source): AsyncGenerator<Page> {
	for (let after = 0; ; ) {
		const page = await pageAfter(reader, after, PAGE_FILES)
		yield page
		if (page.to === null) return
		after = page.to
		// With SQLite and a disk nothing above waits for anything: heartbeats and leases would not get their turn.
		await nextTurn()
	}
}

async function pageAfter(reader: Source, after: number, limit: number): Promise<Page> {
	const files = await reader.all(`SELECT ${FILE_COLUMNS.join(', ')} FROM file WHERE id > ? ORDER BY id LIMIT ?`, [after, limit])
	const last = files.length < limit ? null : (files[files.length - 1].id as number)
	const range = [after, last ?? Number.MAX_SAFE_INTEGER]
	const [{ bytes }] = await reader.all<{ bytes: number | null }>('SELECT SUM(LENGTH(value)) AS bytes FROM xattr WHERE file_id > ? AND file_id <= ?', range)
	if ((bytes ?? 0) > PAGE_BYTES_MAX && limit > 1) return pageAfter(reader, after, Math.ceil(limit / 8))
	return { after, to: last, records: await gathered(reader, files, 'file_id > ? AND file_id <= ?', range) }
}

/** Those of these ids that exist. */
export async function recordsOf(reader: Source, ids: readonly number[]): Promise<FileRecord[]> {
	const records: FileRecord[] = []
	for (let at = 0; at < ids.length; at += IDS_PER_QUERY) {
		const some = ids.slice(at, at + IDS_PER_QUERY)
		// One text however many there are; no file has the id 0.
		const params = [...some, ...Array<number>(IDS_PER_QUERY - some.length).fill(0)]
		const marks = `(${params.map(() => '?').join(',')})`
		const files = await reader.all(`SELECT ${FILE_COLUMNS.join(', ')} FROM file WHERE id IN ${marks}`, params)
		for (const record of await gathered(reader, files, `file_id IN ${marks}`, params)) records.push(record)
		await nextTurn()
	}
	return records
}

async function gathered(reader: Source, files: Row[], where: string, params: readonly Value[]): Promise<FileRecord[]> {
	const byId = new Map<number, FileRecord>()
	for (const row of files) byId.set(row.id, { file: FILE_COLUMNS.map((column) => row[column]), names: [], replicas: [], xattrs: [], objects: [] })
	for (const { file_id, parent_id, name } of await reader.all(`SELECT file_id, parent_id, name FROM entry WHERE ${where}`, params)) {
		byId.get(file_id)?.names.push({ parent: parent_id, name })
	}
	for (const { file_id, node_id, version, state, verified_at } of await reader.all(`SELECT file_id, node_id, version, state, verified_at FROM replica WHERE ${where}`, params)) {
		byId.get(file_id)?.replicas.push({ node: node_id, version, state, verifiedAt: verified_at })
	}
	for (const { file_id, name, value } of await reader.all(`SELECT file_id, name, value FROM xattr WHERE ${where}`, params)) {
		byId.get(file_id)?.xattrs.push({ name, value })
	}
	if (!files.some(({ flags }) => flags & FLAG_IS_OBJECT)) return [...byId.values()]
	for (const { file_id, ...row } of await reader.all(`SELECT file_id, ${OBJECT_COLUMNS.join(', ')} FROM object WHERE ${where} ORDER BY id`, params)) {
		byId.get(file_id)?.objects.push(OBJECT_COLUMNS.map((column) => row[column]))
	}
	return [...byId.values()]
}
