/** `fsync=true`: the content is on the disk and the catalogue's log on its own before the answer goes. */
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { open } from '../../core/filesystem/open.ts'
import { release, sync } from '../../core/filesystem/publish.ts'
import type { FileId } from '../../core/ids.ts'
import type { Op } from '../../core/op.ts'

export function* syncFile(fs: Filesystem, id: FileId): Op<void> {
	const file = yield* open(fs, id, { write: false, truncate: false })
	try {
		yield* sync(fs, file, false)
	} finally {
		yield* release(fs, file, false)
	}
}
