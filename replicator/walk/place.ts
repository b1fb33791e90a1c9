/** Where a path of the node is in the tree. */
import * as entries from '../../core/catalogue/entries.ts'
import { KIND } from '../../core/catalogue/files.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { type FileId, type Path, ROOT_ID } from '../../core/ids.ts'
import { type Op, wait } from '../../core/op.ts'

/** From the catalogue itself and by name, never from what is remembered of directories. Undefined: no directory of the tree. */
export function* directoryAt({ catalogue }: Filesystem, path: Path): Op<FileId | undefined> {
	let id: FileId = ROOT_ID
	for (const name of componentsOf(path)) {
		const row = yield* wait(entries.lookup(catalogue, id, name))
		if (row?.kind !== KIND.directory) return undefined
		id = row.id
	}
	return id
}

function componentsOf(path: Path): Buffer[] {
	const names: Buffer[] = []
	for (let from = 0; from < path.length; ) {
		const slash = path.indexOf(SLASH, from)
		const end = slash === -1 ? path.length : slash
		names.push(path.subarray(from, end))
		from = end + 1
	}
	return names
}

export function pathOf(components: readonly Buffer[]): Path {
	return Buffer.concat(components.flatMap((name, index) => (index === 0 ? [name] : [Buffer.from([SLASH]), name])))
}

const SLASH = 0x2f

/** The path of what it is in, and its name there. */
export function splitPath(path: Path): { above: Path; name: Buffer } {
	const slash = path.lastIndexOf(SLASH)
	return { above: path.subarray(0, Math.max(0, slash)), name: path.subarray(slash + 1) }
}
