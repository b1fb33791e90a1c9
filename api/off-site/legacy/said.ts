/** What old agents say: what they fetched, what they have no more, what went wrong. */
import * as backups from '../../../core/catalogue/backups.ts'
import type { BackupRow } from '../../../core/catalogue/backups.ts'
import { BACKUP, isHeld } from '../../../core/catalogue/backups.ts'
import * as leases from '../../../core/catalogue/backup-leases.ts'
import * as hashes from '../../../core/catalogue/hashes.ts'
import type { FileId } from '../../../core/ids.ts'
import { reviewAll } from '../../../core/off-site/review.ts'
import { type Claim, printable, takeReport } from '../../../core/off-site/report.ts'
import type { Api } from '../../api.ts'
import { logLine } from '../credentials.ts'
import type { Site } from '../known-sites.ts'

const IDS_MAX = 10_000
const NOTES_MAX = 100

function idsIn(text: string): number[] {
	const ids = text.split(/[\s,]+/).filter((word) => /^\d{1,15}$/.test(word)).map(Number)
	return [...new Set(ids)].slice(0, IDS_MAX)
}

/** They say neither version nor hash: it is taken for what they were given, or for what is there where that is not known. They cannot prove it, so it stays claimed. */
export async function notify(api: Api, site: Site, text: string): Promise<object> {
	const ids = idsIn(text)
	const given = (await api.fs.catalogue.read(...leases.leasedQueries(site.row.id, ids))) as Array<Array<{ file_id: FileId; version: number }>>
	const versions = new Map(given.flat().map((row) => [row.file_id, row.version]))
	const claims: Claim[] = []
	for (const id of ids) {
		const row = await hashes.find(api.fs.catalogue, id)
		if (row) claims.push({ id, version: versions.get(id) ?? row.version, size: row.size, hash: hashes.hashOf(row) })
	}
	const outcomes = await takeReport(api.fs, site.row, claims)
	const affected = outcomes.filter((outcome) => outcome === 'claimed').length
	logLine(api, site, { what: 'report', detail: `${affected} of ${ids.length} claimed (old protocol)` })
	return { ids_received: String(ids.length), files_affected: String(affected) }
}

/** The inverse: it has them no more. */
export async function drain(api: Api, site: Site, text: string): Promise<object> {
	const { catalogue, capabilities } = api.fs
	const ids = idsIn(text)
	if (ids.length === 0) return { ids_received: '0', files_affected: '0' }
	const rows = ((await catalogue.read(...backups.ofFilesQueries(ids))) as BackupRow[][]).flat().filter((row) => row.site_id === site.row.id && isHeld(row))
	await catalogue.transaction(function* (tx) {
		backups.decide(tx, rows.map((row) => ({ ...row, version: 0, state: BACKUP.wanted, since: site.row.now })), capabilities)
	})
	await reviewAll(api.fs, rows.map((row) => row.file_id))
	logLine(api, site, { what: 'drain', detail: `${rows.length} of ${ids.length} given up (old protocol)` })
	return { ids_received: String(ids.length), files_affected: String(rows.length) }
}

export function failures(api: Api, site: Site, text: string): object {
	let notes: unknown
	try {
		notes = JSON.parse(text)
	} catch {
		return { error: 'Invalid notes' }
	}
	if (!Array.isArray(notes)) return { error: 'Invalid notes' }
	for (const note of notes.slice(0, NOTES_MAX)) logLine(api, site, { what: 'failed', detail: printable(String(note)) })
	return { ok: '1' }
}
