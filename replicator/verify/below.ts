/** The copies of a node that are at a path of the tree, or below it. */
import * as entries from '../../core/catalogue/entries.ts'
import { type FileRow, KIND } from '../../core/catalogue/files.ts'
import * as proofs from '../../core/catalogue/proofs.ts'
import type { CopyRow } from '../../core/catalogue/proofs.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import { UserError } from '../../core/errors.ts'
import { EXIT } from '../../core/exit-codes.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { type FileId, type Path, ROOT_ID } from '../../core/ids.ts'
import type { Replicator } from '../replicator.ts'
import { type Candidate, canBeVerified } from './candidate.ts'

const PAGE_ROWS = 512

export async function* below(rep: Replicator, path: Path): AsyncGenerator<Candidate[]> {
	const top = await topOf(rep.fs, path)
	if (top.kind !== KIND.directory) return yield await copies(rep, [top])
	// Depth first, so that no more is kept in mind than the directories beside the way down.
	for (const waiting = [top.id]; waiting.length > 0; ) {
		const directory = waiting.pop() as FileId
		for (let after: Uint8Array = Buffer.alloc(0); ; ) {
			const rows = await entries.list(rep.fs.catalogue, directory, after, PAGE_ROWS)
			if (rows.length === 0) break
			after = rows[rows.length - 1].name
			for (const row of rows) if (row.kind === KIND.directory) waiting.push(row.id)
			yield await copies(rep, rows)
		}
	}
}

export async function topOf({ catalogue }: Filesystem, path: Path): Promise<Pick<FileRow, 'id' | 'kind'>> {
	let found: Pick<FileRow, 'id' | 'kind'> = { id: ROOT_ID, kind: KIND.directory }
	for (const name of path.toString('latin1').split('/').filter((each) => each !== '')) {
		const row = await entries.lookup(catalogue, found.id, Buffer.from(name, 'latin1'))
		if (!row) throw new UserError(`there is no ${path} in the tree`, EXIT.refused)
		found = row
	}
	return found
}

async function copies({ fs, node }: Replicator, files: ReadonlyArray<Pick<FileRow, 'id' | 'kind'>>): Promise<Candidate[]> {
	const ids = new Set(files.filter(({ kind }) => kind === KIND.regular || kind === KIND.symlink).map(({ id }) => id))
	if (ids.size === 0) return []
	const found = (await fs.catalogue.read(...[...ids].map((id) => proofs.ofFileQuery(node.id, id)))) as CopyRow[][]
	const rows = found.flat().filter((row) => (row.state === REPLICA.good || row.state === REPLICA.suspect) && canBeVerified(row))
	return rows.map((row) => ({ row, isDue: true }))
}
