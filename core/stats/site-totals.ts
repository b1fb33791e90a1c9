/** Files by site and state, exactly: from the figures where all that happened is in them, else counted, which takes as long as sites hold files. */
import * as backups from '../catalogue/backups.ts'
import { BACKUP, type SiteTotals } from '../catalogue/backups.ts'
import type { Driver } from '../catalogue/driver.ts'
import * as settings from '../catalogue/settings.ts'
import * as sites from '../catalogue/sites.ts'
import * as siteProofs from '../catalogue/site-proofs.ts'
import * as figures from '../catalogue/stat-figures.ts'
import * as touched from '../catalogue/stat-touched.ts'
import { type Op, wait } from '../op.ts'
import { changesBehind } from './behind.ts'

export function* siteTotals(catalogue: Driver): Op<SiteTotals[]> {
	const anew = yield* wait(settings.find(catalogue, touched.ANEW))
	if (anew || (yield* changesBehind(catalogue, 1)) > 0) return yield* counted(catalogue)
	const [rows, proofs] = (yield* wait(catalogue.read(figures.sitesQuery(), siteProofs.provedQuery()))) as [figures.SiteFiguresRow[], siteProofs.SiteProof[]]
	const oldestOf = new Map(proofs.map(({ id, oldest }) => [id, oldest]))
	const groups = Map.groupBy(rows, ({ site_id, state }) => `${site_id} ${state}`)
	return [...groups.values()].map((group) => {
		const [{ site_id, state }] = group
		const many = group.reduce((sum, { files }) => sum + Number(files), 0)
		return { site_id, state, many, oldest: state === BACKUP.proved ? (oldestOf.get(site_id) ?? null) : null }
	})
}

/** A site at a time: no question takes longer than a database may. */
function* counted(catalogue: Driver): Op<SiteTotals[]> {
	const rows: SiteTotals[] = []
	for (const { id } of yield* wait(sites.list(catalogue, catalogue.capabilities))) rows.push(...(yield* wait(backups.totals(catalogue, id))))
	return rows
}
