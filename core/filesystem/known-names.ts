/**
 * Files that were looked up by name, for an embedded catalogue: to make a row of its answer costs more than the rest of a look-up does.
 * Regular files with one name only: of another, a change need not tell under which name it is kept. The journal invalidates what others
 * change, this client's own operations what they change; nothing here is used while another has committed something not yet followed.
 */
import type { FileRow } from '../catalogue/files.ts'
import type { FileId, Name } from '../ids.ts'

const ROWS_MAX = 16_384

export interface KnownNames {
	find(parent: FileId, name: Name): FileRow | undefined
	keep(parent: FileId, name: Name, row: FileRow): void
	forgetDirectory(parent: FileId): void
	forgetFile(file: FileId): void
	forget(): void
}

export function createKnownNames(): KnownNames {
	const directories = new Map<FileId, Map<string, FileRow>>()
	/** Under which directory the row of a file may be kept. */
	const above = new Map<FileId, FileId>()

	function drop(parent: FileId): void {
		const rows = directories.get(parent)
		if (!rows) return
		for (const { id } of rows.values()) above.delete(id)
		directories.delete(parent)
	}

	return {
		find: (parent, name) => directories.get(parent)?.get(keyOf(name)),
		keep(parent, name, row) {
			while (above.size >= ROWS_MAX) drop(directories.keys().next().value as FileId)
			const known = directories.get(parent)
			if (known) known.set(keyOf(name), row)
			else directories.set(parent, new Map([[keyOf(name), row]]))
			above.set(row.id, parent)
		},
		forgetDirectory: drop,
		forgetFile(file) {
			const parent = above.get(file)
			if (parent !== undefined) drop(parent)
		},
		forget() {
			directories.clear()
			above.clear()
		},
	}
}

function keyOf(name: Name): string {
	return name.toString('latin1')
}
