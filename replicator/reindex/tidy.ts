/** After sources of several ages were put together: names that lead nowhere, files without a name, numbers of links. */
import type { Driver } from '../../core/catalogue/driver.ts'
import { KIND } from '../../core/catalogue/files.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'

/** Names in what is no directory, and names of nothing. */
const STRAY_NAMES = `NOT EXISTS (SELECT 1 FROM file f WHERE f.id = entry.parent_id AND f.kind = ${KIND.directory})
	OR NOT EXISTS (SELECT 1 FROM file f WHERE f.id = entry.file_id)`
/** What was replaced or removed, and no source that is whole says so of it. */
const NAMELESS = 'id <> 1 AND NOT EXISTS (SELECT 1 FROM entry e WHERE e.file_id = file.id)'
const LINKS = '(SELECT COUNT(*) FROM entry e WHERE e.file_id = file.id)'
const OF_NOTHING = 'NOT EXISTS (SELECT 1 FROM file f WHERE f.id = file_id)'

export async function tidy(driver: Driver, note: (line: string) => void): Promise<void> {
	// What was in a directory without a name has none either, and so on downwards.
	while (await any(driver, 'entry', STRAY_NAMES, note) || await any(driver, 'file', NAMELESS)) {
		await driver.script(`DELETE FROM entry WHERE ${STRAY_NAMES}`)
		await driver.script(`DELETE FROM file WHERE ${NAMELESS}`)
	}
	await driver.script(`UPDATE file SET nlink = ${LINKS} WHERE kind <> ${KIND.directory} AND nlink <> ${LINKS}`)
	// What stands on a node where a copy was to be made or replaced may be newer than what is known here: version 0 says so,
	// and whoever makes the copy sets it aside.
	await driver.script(`UPDATE replica SET version = 0 WHERE state <> ${REPLICA.good}`)
	for (const table of ['replica', 'xattr', 'object']) await driver.script(`DELETE FROM ${table} WHERE ${OF_NOTHING}`)
}

async function any(driver: Driver, table: string, where: string, note?: (line: string) => void): Promise<boolean> {
	// A snapshot's reads may take as long as a whole table takes.
	const rows = await driver.snapshot(async (reader) => reader.all(`SELECT * FROM ${table} WHERE ${where} LIMIT 1`))
	if (rows.length > 0 && note) note('names whose directory no source has are left out; what is on the nodes under them is adopted anew')
	return rows.length > 0
}
