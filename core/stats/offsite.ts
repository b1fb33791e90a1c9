/** Copies off this site: what each site has of each class, and what its class still lacks. */
import { BACKUP } from '../catalogue/backups.ts'
import type { Amount } from '../catalogue/holdings.ts'
import type { Rows } from './rows.ts'

export interface OffsiteFigures {
	class: string
	site: string
	/** What is or is to be there: wanted, claimed, proved, failed and outdated together. */
	wanted: Amount
	/** What the site says it has of files as they are now, proved or not. */
	claimed: Amount
	proved: Amount
	/** Could not be taken, and is tried again later. */
	failed: Amount
	/** Of all classes there, Unix seconds; null where nothing is proved. */
	oldestProof: number | null
}

const NOTHING: Amount = { files: 0, bytes: 0 }

/** Classes that a site has nothing to do with are left out. */
export function offsiteFigures({ classes, sites, atSites }: Rows): OffsiteFigures[] {
	const rowsOf = Map.groupBy(atSites.filter(({ state }) => state !== BACKUP.spare), ({ site_id, class_id }) => `${site_id} ${class_id}`)
	return sites.flatMap((site) =>
		classes.flatMap((rule) => {
			const own = rowsOf.get(`${site.id} ${rule.id}`) ?? []
			const of = (...states: number[]) => own.filter((row) => states.includes(row.state)).reduce(sum, NOTHING)
			if (own.length === 0) return []
			const { claimed, proved, failed } = BACKUP
			return [{
				class: rule.name, site: site.name, wanted: own.reduce(sum, NOTHING), claimed: of(claimed, proved), proved: of(proved), failed: of(failed),
				oldestProof: site.oldest,
			}]
		}),
	)
}

export function awaitingOffsite({ classes, elsewhere }: Rows): Amount {
	const goals = new Map(classes.map(({ id, offsite }) => [id, offsite]))
	return elsewhere.filter((row) => row.sites < (goals.get(row.class_id) ?? 0)).reduce(sum, NOTHING)
}

function sum(total: Amount, { files, bytes }: Amount): Amount {
	return { files: total.files + files, bytes: total.bytes + bytes }
}
