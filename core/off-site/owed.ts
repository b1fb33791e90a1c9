/** Copies that classes ask for off-site and that sites are to fetch yet. Costs what is to be fetched, and no question takes longer than a database may. */
import type { ToFetch, ToFetchRow } from '../catalogue/backups.ts'
import * as backups from '../catalogue/backups.ts'
import { BACKUP } from '../catalogue/backups.ts'
import type { ClassRow } from '../catalogue/classes.ts'
import type { Driver } from '../catalogue/driver.ts'
import * as sites from '../catalogue/sites.ts'

const PAGE_ROWS = 10_000

/** A file counts once, with all it lacks, however many sites would take it. */
export async function owedOffsite(catalogue: Driver, classes: readonly ClassRow[]): Promise<number> {
	const goals = new Map<number | null, number>(classes.map(({ id, offsite }) => [id, offsite]))
	const most = Math.max(0, ...goals.values())
	let owed = 0
	for (const { id: site } of await sites.list(catalogue, catalogue.capabilities)) {
		for (const state of [BACKUP.wanted, BACKUP.failed]) {
			for (let copies = 0; copies < most; copies++) {
				for await (const { class_id, files } of pages(catalogue, { site, state, copies })) owed += Number(files) * Math.max(0, (goals.get(class_id) ?? 0) - copies)
			}
		}
	}
	return owed
}

async function* pages(catalogue: Driver, kind: ToFetch): AsyncGenerator<ToFetchRow> {
	for (let after = 0; ; ) {
		const rows = await backups.toFetch(catalogue, kind, after, PAGE_ROWS)
		yield* rows
		if (rows.reduce((met, row) => met + row.met, 0) < PAGE_ROWS) return
		after = Math.max(...rows.map(({ last }) => last))
	}
}
