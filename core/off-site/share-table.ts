/** The words of `shares.ts` in the catalogue: leases that nobody waits for. */
import * as leases from '../catalogue/leases.ts'
import type { Filesystem } from '../filesystem/filesystem.ts'
import type { ShareTable } from './shares.ts'

/** Of the database's clock, which counts whole ones. */
const LASTS_SECONDS = 4
const PREFIX = 'off-site stream '
const NAMES = [PREFIX, 'off-site stream!'] as const

export function shareTable({ catalogue, capabilities, client }: Filesystem): ShareTable {
	return {
		async exchange(own) {
			await catalogue.transaction(function* (tx) {
				leases.removeStakesOver(tx, NAMES, capabilities)
				for (const { site, streams } of own) {
					leases.putStake(tx, { name: `${PREFIX}${site} ${client}`, client_id: client, token: streams }, LASTS_SECONDS, capabilities)
				}
			})
			const rows = await leases.stakes(catalogue, NAMES, capabilities)
			return rows.map(({ name, client_id, token }) => ({ client: client_id, site: Number(name.slice(PREFIX.length).split(' ', 1)[0]), streams: token }))
		},
	}
}
