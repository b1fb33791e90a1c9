/** Tables `stat_copies`, `stat_node` and, off this site, `stat_offsite`, `stat_site`: files by class and number, copies by holder, class and state. */
import type { NodeId } from '../ids.ts'
import type { Capabilities, Query, Transaction } from './driver.ts'
import type { Amount } from './holdings.ts'

export interface CopiesRow extends Amount {
	class_id: number
	copies: number
}

export interface NodeFiguresRow extends Amount {
	node_id: NodeId
	class_id: number
	/** As in replica. */
	state: number
}

export interface OffsiteRow extends Amount {
	class_id: number
	/** That hold the file's version. */
	sites: number
}

export interface SiteFiguresRow extends Amount {
	site_id: number
	class_id: number
	/** As in backup; `OUTDATED`: it holds an older version. */
	state: number
}

export const OUTDATED = 0

export function offsiteQuery(): Query {
	return ['SELECT class_id, sites, files, bytes FROM stat_offsite WHERE files > 0 ORDER BY class_id, sites', []]
}

export function sitesQuery(): Query {
	return ['SELECT site_id, class_id, state, files, bytes FROM stat_site WHERE files > 0 ORDER BY site_id, class_id, state', []]
}

export function copiesQuery(): Query {
	return ['SELECT class_id, copies, files, bytes FROM stat_copies WHERE files > 0 ORDER BY class_id, copies', []]
}

export function nodesQuery(): Query {
	return ['SELECT node_id, class_id, state, files, bytes FROM stat_node WHERE files > 0 ORDER BY node_id, class_id, state', []]
}

export function addToCopies(tx: Transaction, { class_id, copies, files, bytes }: CopiesRow, { insertIgnore }: Capabilities): void {
	tx.write(`${insertIgnore} INTO stat_copies (class_id, copies, files, bytes) VALUES (?,?,0,0)`, [class_id, copies])
	tx.write('UPDATE stat_copies SET files = files + ?, bytes = bytes + ? WHERE class_id = ? AND copies = ?', [files, bytes, class_id, copies])
}

export function addToNode(tx: Transaction, { node_id, class_id, state, files, bytes }: NodeFiguresRow, { insertIgnore }: Capabilities): void {
	tx.write(`${insertIgnore} INTO stat_node (node_id, class_id, state, files, bytes) VALUES (?,?,?,0,0)`, [node_id, class_id, state])
	tx.write('UPDATE stat_node SET files = files + ?, bytes = bytes + ? WHERE node_id = ? AND class_id = ? AND state = ?', [
		files, bytes, node_id, class_id, state,
	])
}

export function addToOffsite(tx: Transaction, { class_id, sites, files, bytes }: OffsiteRow, { insertIgnore }: Capabilities): void {
	tx.write(`${insertIgnore} INTO stat_offsite (class_id, sites, files, bytes) VALUES (?,?,0,0)`, [class_id, sites])
	tx.write('UPDATE stat_offsite SET files = files + ?, bytes = bytes + ? WHERE class_id = ? AND sites = ?', [files, bytes, class_id, sites])
}

export function addToSite(tx: Transaction, { site_id, class_id, state, files, bytes }: SiteFiguresRow, { insertIgnore }: Capabilities): void {
	tx.write(`${insertIgnore} INTO stat_site (site_id, class_id, state, files, bytes) VALUES (?,?,?,0,0)`, [site_id, class_id, state])
	tx.write('UPDATE stat_site SET files = files + ?, bytes = bytes + ? WHERE site_id = ? AND class_id = ? AND state = ?', [
		files, bytes, site_id, class_id, state,
	])
}

export function removeAll(tx: Transaction): void {
	tx.write('DELETE FROM stat_offsite')
	tx.write('DELETE FROM stat_site')
	tx.write('DELETE FROM stat_copies')
	tx.write('DELETE FROM stat_node')
}
