/** Random changes to a tree and to its copies, through the operations doors use and past them as replicators do. */
import type { Value } from '../../core/catalogue/driver.ts'
import { KIND } from '../../core/catalogue/files.ts'
import * as touched from '../../core/catalogue/stat-touched.ts'
import { create, makeDirectory, makeSpecial, makeSymlink } from '../../core/filesystem/create.ts'
import { type Filesystem, flushLater } from '../../core/filesystem/filesystem.ts'
import { link } from '../../core/filesystem/links.ts'
import type { Place } from '../../core/filesystem/names.ts'
import { release } from '../../core/filesystem/publish.ts'
import { removeDirectory, unlink } from '../../core/filesystem/remove.ts'
import { type RenameMode, rename } from '../../core/filesystem/rename.ts'
import { ROOT_ID } from '../../core/ids.ts'
import { run } from '../../core/op.ts'
import type { Random } from '../support/random.ts'

const OWNER = { mode: 0o644, uid: 0, gid: 0 }
const NAMES_MAX = 12

interface Entry {
	parent: number
	name: Buffer
	id: number
	kind: number
}

async function entries({ catalogue }: Filesystem): Promise<Entry[]> {
	const rows = await catalogue.all('SELECT e.parent_id, e.name, f.id, f.kind FROM entry e JOIN file f ON f.id = e.file_id ORDER BY e.parent_id, e.name')
	return rows.map((row) => ({ parent: row.parent_id, name: Buffer.from(row.name), id: row.id, kind: row.kind }))
}

export async function writeFile(fs: Filesystem, at: Place, content: Buffer): Promise<number | undefined> {
	const made = await run(create(fs, at, OWNER, true))
	if (!('open' in made)) return undefined
	await made.open.node.operations.write(made.open.fd, content, 0)
	await run(release(fs, made.open, true))
	await flushLater(fs)
	return made.open.id
}

/** What cannot be done (a name is taken, a directory is not empty, would be below itself) is left. */
export async function meddle(fs: Filesystem, random: Random): Promise<void> {
	const all = await entries(fs)
	const directories = [ROOT_ID, ...all.filter(({ kind }) => kind === KIND.directory).map(({ id }) => id)]
	const place = (): Place => ({ parent: random.pick(directories), name: Buffer.from(random.chance(0.1) ? 'pictures' : `n${random.below(NAMES_MAX)}`) })
	const any = all.length > 0 ? random.pick(all) : undefined
	try {
		await one(random.below(14))
	} catch (error) {
		if (!['EEXIST', 'ENOTEMPTY', 'EINVAL', 'EISDIR', 'ENOTDIR', 'ENOENT', 'EPERM'].includes((error as { code?: string }).code ?? '')) throw error
	}
	await flushLater(fs)

	async function one(what: number): Promise<unknown> {
		if (what < 3) return await writeFile(fs, place(), random.bytes(random.below(5_000)))
		if (what === 3) return await run(makeDirectory(fs, place(), { ...OWNER, mode: 0o755 }))
		if (what === 4) return await run(random.chance(0.5) ? makeSymlink(fs, place(), Buffer.from('somewhere'), OWNER) : makeSpecial(fs, place(), OWNER, KIND.fifo, 0))
		if (!any) return
		if (what === 5) return any.kind === KIND.directory ? await run(removeDirectory(fs, any)) : await run(unlink(fs, any))
		if (what === 6) return any.kind === KIND.regular ? await run(link(fs, any.id, place())) : undefined
		if (what < 9) return await run(rename(fs, any, place(), 'replace'))
		if (what === 9) return await run(rename(fs, any, random.pick(all), random.pick<RenameMode>(['exchange', 'noreplace'])))
		// As replicators leave them.
		const state = 1 + random.below(4)
		if (what === 10) return await silently(fs, any.id, 'UPDATE replica SET state = ?, version = version + ? WHERE file_id = ?', [state, random.below(2), any.id])
		if (what === 11) return await silently(fs, any.id, `${fs.capabilities.insertIgnore} INTO backup (file_id, site_id, state, since) VALUES (?,?,1,0)`, [any.id, 1 + random.below(2)])
		if (what === 12) return await silently(fs, any.id, 'UPDATE backup SET state = ?, version = ? WHERE file_id = ?', [1 + random.below(5), random.below(3), any.id])
		return await silently(fs, any.id, 'DELETE FROM replica WHERE file_id = ? AND node_id = ?', [any.id, 1 + random.below(3)])
	}
}

/** What the journal has no line about is said to whoever counts. */
async function silently({ catalogue }: Filesystem, id: number, sql: string, params: Value[]): Promise<void> {
	await catalogue.transaction(function* (tx) {
		tx.write(sql, params)
		touched.add(tx, id)
	})
}
