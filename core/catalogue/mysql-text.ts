/** Statements of the text protocol with their values written in, so that several fit one packet. */
import type { Value } from './driver.ts'
import { refuseInexact } from './exact.ts'

const SPECIAL = /[\0\n\r'"\\]/g
const ESCAPED: Readonly<Record<string, string>> = {
	'\0': '\\0',
	'\n': '\\n',
	'\r': '\\r',
	"'": "\\'",
	'"': '\\"',
	'\\': '\\\\',
}

/** Statement texts are constants, so each is cut at its question marks once. */
const cuts = new Map<string, readonly string[]>()

export function written(sql: string, params: readonly Value[] = []): string {
	let parts = cuts.get(sql)
	if (!parts) {
		parts = sql.split('?')
		cuts.set(sql, parts)
	}
	if (parts.length !== params.length + 1) throw new TypeError(`${parts.length - 1} parameters, ${params.length} values: ${sql}`)
	let text = parts[0]
	for (let index = 0; index < params.length; index++) text += literal(params[index]) + parts[index + 1]
	return text
}

/** The session's character set is utf8mb4 and its sql_mode has backslash escapes: see SESSION in mysql-session.ts. */
function literal(value: Value): string {
	if (value === null) return 'NULL'
	if (typeof value === 'number') return number(value)
	if (typeof value === 'string') return `'${value.replace(SPECIAL, (character) => ESCAPED[character])}'`
	return `x'${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}'`
}

function number(value: number): string {
	refuseInexact(value)
	if (!Number.isFinite(value)) throw new TypeError(`${value} is no value of a column`)
	// `a -?` with a negative value would read `a --1`.
	return value < 0 ? ` ${value}` : String(value)
}
