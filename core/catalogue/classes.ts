/** Table `class`: the rules paths fall under. The first whose pattern matches a path wins. */
import type { ClassConfig } from '../config/types.ts'
import { isPromise, type Maybe, type Op, wait } from '../op.ts'
import * as changes from './changes.ts'
import type { Capabilities, Query, Reader, Transaction } from './driver.ts'

interface StoredClass {
	id: number
	name: string
	position: number
	/** A regular expression on the path from the root of the tree, without the first slash, one character to a byte. */
	pattern: string
	copies: number
	zones: number
	offsite: number
	policy: string
	/** Days; 0: unlink removes. */
	trash: number
}

export interface ClassRow extends StoredClass {
	/** `path` as latin1: one character to a byte. */
	matches(path: string): boolean
}

const COLUMNS = 'id, name, position, pattern, copies, zones, offsite, policy, trash'

/** In the order in which they are tried. */
export function list(reader: Reader): Maybe<ClassRow[]> {
	const rows = reader.all<StoredClass>(...listQuery())
	return isPromise(rows) ? rows.then(withMatchers) : withMatchers(rows)
}

/** Its rows are to become classes by `withMatchers`. */
export function listQuery(): Query {
	return [`SELECT ${COLUMNS} FROM class ORDER BY position, id`, []]
}

export function withMatchers(rows: readonly StoredClass[]): ClassRow[] {
	return rows.map((row) => {
		const expression = new RegExp(Buffer.from(row.pattern).toString('latin1'))
		return { ...row, matches: row.pattern === '' ? () => true : (path) => expression.test(path) }
	})
}

/** No longer configured: files still belong to it, no path falls under it. */
export function isRetired({ pattern }: ClassRow): boolean {
	return pattern === MATCHES_NOTHING
}

/**
 * The table as the configuration would have it. A class that is no longer configured stays, after the others and matching
 * nothing, because files still belong to it.
 */
export function planned(stored: readonly StoredClass[], classes: readonly ClassConfig[]): ClassRow[] {
	const byName = new Map(stored.map((row) => [row.name, row]))
	let nextId = Math.max(0, ...stored.map((row) => row.id)) + 1
	const wanted = classes.map((rule, position) => toRow(rule, position, byName.get(rule.name)?.id ?? nextId++))
	for (const { id, name, copies, zones, offsite, policy, trash } of [...stored].sort((a, b) => a.id - b.id)) {
		if (classes.some((rule) => rule.name === name)) continue
		wanted.push({ id, name, position: wanted.length, pattern: MATCHES_NOTHING, copies, zones, offsite, policy, trash })
	}
	return withMatchers(wanted)
}

/** Makes the table say what the configuration says. Returns how many rows changed. */
export function* apply(tx: Transaction, classes: readonly ClassConfig[]): Op<number> {
	const stored = yield* wait(tx.all<StoredClass>(`SELECT ${COLUMNS} FROM class ORDER BY id`))
	const byName = new Map(stored.map((row) => [row.name, row]))
	const changed = planned(stored, classes).filter((row) => !same(row, byName.get(row.name)))
	for (const row of changed) store(tx, row, byName.has(row.name))
	return changed.length
}

/** The keeper is none of the clients. */
const KEEPER = 0

/** Running clients read the table again. */
export function tell(tx: Transaction, capabilities: Capabilities): void {
	changes.insert(tx, KEEPER, { op: 'class' }, capabilities)
}

const MATCHES_NOTHING = '(?!)'

function toRow(rule: ClassConfig, position: number, id: number): StoredClass {
	return {
		id,
		name: rule.name,
		position,
		pattern: rule.pattern,
		copies: rule.copies,
		zones: rule.zones ?? 1,
		offsite: rule.offsite ?? 0,
		policy: rule.policy ?? 'most-free',
		trash: rule.trashDays ?? 0,
	}
}

const FIELDS = ['id', 'name', 'position', 'pattern', 'copies', 'zones', 'offsite', 'policy', 'trash'] as const

export function same(row: StoredClass, other: StoredClass | undefined): boolean {
	return other !== undefined && FIELDS.every((field) => row[field] === other[field])
}

function store(tx: Transaction, row: StoredClass, exists: boolean): void {
	const values = [row.name, row.position, row.pattern, row.copies, row.zones, row.offsite, row.policy, row.trash, row.id]
	tx.write(
		exists
			? 'UPDATE class SET name = ?, position = ?, pattern = ?, copies = ?, zones = ?, offsite = ?, policy = ?, trash = ? WHERE id = ?'
			: 'INSERT INTO class (name, position, pattern, copies, zones, offsite, policy, trash, id) VALUES (?,?,?,?,?,?,?,?,?)',
		values,
	)
}
