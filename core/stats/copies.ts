/** Goal against reality: how many files of each class have how many copies. */
import type { Driver } from '../catalogue/driver.ts'
import type { Amount } from '../catalogue/holdings.ts'
import * as statFiles from '../catalogue/stat-files.ts'
import type { FileId } from '../ids.ts'
import { type Op, wait } from '../op.ts'
import { classById } from '../placement/placement.ts'
import type { Rows } from './rows.ts'
import { pathOf } from './paths.ts'

/** A class; `rows` by number of copies, fewest first. */
export interface ClassCopies {
	id: number
	class: string
	/** Copies it asks for. */
	goal: number
	zones: number
	/** Sites it asks for. */
	offsite: number
	files: number
	bytes: number
	rows: CopiesCount[]
}

export interface CopiesCount extends Amount {
	/** Good at the file's version, those about to be removed included. */
	copies: number
	standing: 'under' | 'exact' | 'over'
	example: { id: FileId; path: Buffer } | undefined
}

export function* copiesByClass(catalogue: Driver, { classes, copies }: Rows): Op<ClassCopies[]> {
	const examples = copies.length === 0 ? [] : ((yield* wait(catalogue.read(...copies.map((row) => statFiles.exampleQuery(row.class_id, row.copies))))) as Array<Array<{ file_id: FileId }>>)
	// Of a class that is not there any more: as whoever makes copies has it.
	const rowsOf = Map.groupBy(copies.map((row, index) => ({ row, example: examples[index][0]?.file_id })), ({ row }) => classById({ classes }, row.class_id).id)
	const found: ClassCopies[] = []
	for (const { id, name, copies: goal, zones, offsite } of classes) {
		const rows: CopiesCount[] = []
		for (const { row, example } of rowsOf.get(id) ?? []) {
			const path = example === undefined ? undefined : yield* pathOf(catalogue, example)
			rows.push({
				copies: row.copies,
				standing: row.copies < goal ? 'under' : row.copies > goal ? 'over' : 'exact',
				files: row.files,
				bytes: row.bytes,
				example: example !== undefined && path ? { id: example, path } : undefined,
			})
		}
		found.push({ id, class: name, goal, zones, offsite, files: total(rows, 'files'), bytes: total(rows, 'bytes'), rows })
	}
	return found
}

function total(rows: readonly CopiesCount[], of: 'files' | 'bytes'): number {
	return rows.reduce((sum, row) => sum + row[of], 0)
}
