/** Reading a dump back, with everything that can be wrong with such a file said in one line. */
import { createHash, type Hash } from 'node:crypto'
import { UserError } from '../../errors.ts'
import { EXIT } from '../../exit-codes.ts'
import type { Value } from '../driver.ts'
import { decodeRow, FORMAT, FORMAT_VERSION, type Header, type TableLine, type Trailer } from './lines.ts'
import { linesOf } from './split.ts'

export interface Chunk {
	table: string
	columns: readonly string[]
	rows: Value[][]
}

/** The header first, then all rows, some at a time. Throws, at the end at the latest, where the file is cut or damaged. */
export async function* readDump(path: string): AsyncGenerator<{ header: Header } | Chunk> {
	const state: State = { hash: createHash('sha256'), header: undefined, table: undefined, trailer: undefined, rows: {} }
	try {
		for await (const { lines, bytes } of linesOf(path)) {
			const known = state.header !== undefined
			const chunks = take(state, lines, bytes)
			if (!known && state.header) yield { header: state.header }
			yield* chunks
		}
		checkEnd(state)
	} catch (error) {
		if (error instanceof UserError) throw error
		throw new UserError(`${path}: ${reason(error as Error)}`, EXIT.dump)
	}
}

/** Reads all of it and finds nothing wrong, or throws. */
export async function verifyDump(path: string): Promise<Header> {
	let found: Header | undefined
	for await (const item of readDump(path)) if ('header' in item) found = item.header
	return found as Header
}

interface State {
	hash: Hash
	header: Header | undefined
	table: (TableLine & { isBytes: boolean[] }) | undefined
	trailer: Trailer | undefined
	/** Seen so far. */
	rows: Record<string, number>
}

/** The rows among these lines. */
function take(state: State, lines: string[], bytes: Buffer): Chunk[] {
	const chunks: Chunk[] = []
	if (lines[lines.length - 1].startsWith('{"end":')) {
		state.trailer = JSON.parse(lines.pop() as string) as Trailer
		state.hash.update(bytes.subarray(0, bytes.lastIndexOf('{"end":')))
	} else if (state.trailer) throw new SyntaxError('it is damaged: something follows its end')
	else state.hash.update(bytes)
	for (const line of lines) {
		if (line.startsWith('[')) takeRow(state, chunks, line)
		else takeBeginning(state, chunks, line)
	}
	return chunks
}

function takeRow({ table, rows }: State, chunks: Chunk[], line: string): void {
	if (!table) throw new SyntaxError('it is damaged: a row before the first table')
	const last = chunks[chunks.length - 1]
	const chunk = last?.table === table.table ? last : { table: table.table, columns: table.columns, rows: [] }
	if (chunk !== last) chunks.push(chunk)
	chunk.rows.push(decodeRow(line, table.isBytes))
	rows[table.table]++
}

function takeBeginning(state: State, chunks: Chunk[], line: string): void {
	const parsed = JSON.parse(line) as Header | TableLine
	if (!state.header) {
		state.header = checkHeader(parsed as Header)
		return
	}
	const { table, columns, bytes } = parsed as TableLine
	if (typeof table !== 'string' || table in state.rows || !Array.isArray(columns) || !Array.isArray(bytes)) throw new SyntaxError('it is damaged: a line that means nothing')
	state.table = { table, columns, bytes, isBytes: columns.map((column) => bytes.includes(column)) }
	state.rows[table] = 0
	chunks.push({ table, columns, rows: [] })
}

function checkHeader(header: Header): Header {
	if (header?.format !== FORMAT) throw new SyntaxError('not a dump of a catalogue')
	if (header.version > FORMAT_VERSION) throw new SyntaxError(`a dump of format ${header.version}, this program knows ${FORMAT_VERSION}: update the program`)
	return header
}

function checkEnd({ header, trailer, rows, hash }: State): void {
	if (!header) throw new SyntaxError('not a dump of a catalogue')
	if (!trailer) throw new SyntaxError('it is cut: its end is missing')
	if (trailer.sha256 !== hash.digest('hex')) throw new SyntaxError('it is damaged: its checksum is another')
	for (const [table, many] of Object.entries(trailer.rows)) {
		if (rows[table] !== many) throw new SyntaxError(`it is damaged: ${rows[table] ?? 0} rows of ${table} where ${many} should be`)
	}
}

const OWN_WORDS = /^(it is |not a dump|a dump of)/

/** What zlib and the parser say is of no use to whoever reads it. */
function reason(error: Error & { code?: string }): string {
	if (error.code === 'ENOENT') return 'no such file'
	if (error.code === 'Z_BUF_ERROR') return 'it is cut: its end is missing'
	if (error.code === 'Z_DATA_ERROR') return /incorrect header/.test(error.message) ? 'not a dump of a catalogue' : 'it is damaged'
	// What the parser says of a damaged line.
	if (error instanceof SyntaxError && !OWN_WORDS.test(error.message)) return 'it is damaged'
	return error.message
}
