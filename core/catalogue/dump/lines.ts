/** Rows as lines of text: JSON, bytes as base64, so that any name comes back as it was. */
import type { Row, Value } from '../driver.ts'

export const FORMAT = 'cairn-dump'
/** A program reads its own and older versions. */
export const FORMAT_VERSION = 1

/** The first line. */
export interface Header {
	format: string
	version: number
	/** Of the tables: the number of the last migration. */
	schema: number
	/** ISO 8601. */
	date: string
	/** Which of two catalogues with the same past is the later one; see fill.ts. */
	epoch: number
	/** Last number of the journal. */
	seq: number
	rows: Record<string, number>
}

/** Before the rows of a table. */
export interface TableLine {
	table: string
	columns: string[]
	bytes: string[]
}

/** The last line. */
export interface Trailer {
	end: true
	rows: Record<string, number>
	/** Of everything above, uncompressed. */
	sha256: string
}

export function encodeRow(row: Row, columns: readonly string[], bytes: ReadonlySet<string>): string {
	return JSON.stringify(columns.map((column) => (bytes.has(column) ? encodeBytes(row[column]) : row[column])))
}

export function encodeBytes(value: Uint8Array | null): string | null {
	return value === null ? null : Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
}

/** `isBytes` by position. */
export function decodeRow(line: string, isBytes: readonly boolean[]): Value[] {
	const values = JSON.parse(line) as Value[]
	if (!Array.isArray(values) || values.length !== isBytes.length) throw new SyntaxError('it is damaged: a row with another number of columns')
	for (let i = 0; i < values.length; i++) if (isBytes[i]) values[i] = decodeBytes(values[i] as string | null)
	return values
}

export function decodeBytes(text: string | null): Buffer | null {
	return text === null ? null : Buffer.from(text, 'base64')
}
