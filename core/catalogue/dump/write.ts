/** Writing a dump: one state of the catalogue as lines of text, compressed, while others go on working with it. */
import { createHash } from 'node:crypto'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { Driver, Reader, Row } from '../driver.ts'
import { epochOf } from './fill.ts'
import { encodeRow, FORMAT, FORMAT_VERSION, type Header, type TableLine, type Trailer } from './lines.ts'
import { pagesOf } from './pages.ts'
import { type DumpedTable, TABLES } from './tables.ts'

/** What is told of a dump or a load while it goes on. */
export interface Progress {
	expected?(rows: number): void
	done?(rows: number): void
}

/** Half the time of zlib's default for a tenth more bytes. */
const GZIP = { level: 4 }
/** Pages of text that wait to be compressed. */
const PAGES_WAITING_MAX = 2

type SnapshotReader = Pick<Reader, 'all'>

/** Into `sink`, which is ended; the rows of each table. */
export async function writeDump(driver: Driver, sink: Writable, { progress = {}, signal }: { progress?: Progress; signal?: AbortSignal } = {}): Promise<Header> {
	return driver.snapshot(async (reader) => {
		const header = await headerOf(reader)
		progress.expected?.(sum(header.rows))
		const text = Readable.from(textOf(reader, header, progress), { objectMode: true, highWaterMark: PAGES_WAITING_MAX })
		await pipeline(text, createGzip(GZIP), sink, { signal })
		return header
	})
}

async function headerOf(reader: SnapshotReader): Promise<Header> {
	const rows: Record<string, number> = {}
	for (const { name } of TABLES) rows[name] = (await first<{ many: number }>(reader, `SELECT COUNT(*) AS many FROM ${name}`)).many
	const { schema } = await first<{ schema: number }>(reader, 'SELECT MAX(version) AS `schema` FROM migration')
	const { seq } = await first<{ seq: number | null }>(reader, 'SELECT MAX(seq) AS seq FROM `change`')
	return { format: FORMAT, version: FORMAT_VERSION, schema, date: new Date().toISOString(), epoch: await epochOf(reader), seq: seq ?? 0, rows }
}

async function first<T extends Row>(reader: SnapshotReader, sql: string): Promise<T> {
	return (await reader.all<T>(sql))[0]
}

async function* textOf(reader: SnapshotReader, header: Header, progress: Progress): AsyncGenerator<string> {
	const hash = createHash('sha256')
	const rows: Record<string, number> = {}
	const hashed = (text: string) => {
		hash.update(text)
		return text
	}
	yield hashed(`${JSON.stringify(header)}\n`)
	for (const table of TABLES) {
		rows[table.name] = 0
		yield hashed(`${JSON.stringify(beginning(table))}\n`)
		const bytes = new Set(table.bytes)
		for await (const page of pagesOf(reader, table)) {
			rows[table.name] += page.length
			yield hashed(page.map((row) => `${encodeRow(row, table.columns, bytes)}\n`).join(''))
			progress.done?.(page.length)
		}
	}
	const trailer: Trailer = { end: true, rows, sha256: hash.digest('hex') }
	yield `${JSON.stringify(trailer)}\n`
}

function beginning({ name, columns, bytes }: DumpedTable): TableLine {
	return { table: name, columns: [...columns], bytes: [...bytes] }
}

export function sum(rows: Record<string, number>): number {
	return Object.values(rows).reduce((total, many) => total + many, 0)
}
