/** Removing a name with everything below it. */
import { KIND } from '../../core/catalogue/files.ts'
import { codeOf } from '../../core/errors.ts'
import type { Check, Expected } from '../../core/filesystem/expected.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { listNames } from '../../core/filesystem/list.ts'
import type { Place } from '../../core/filesystem/names.ts'
import { removeDirectory, unlink } from '../../core/filesystem/remove.ts'
import type { FileId } from '../../core/ids.ts'
import { run } from '../../core/op.ts'

const PAGE_ROWS = 500
/** What others put into a directory while it is being emptied is removed too, this often. */
const ATTEMPTS_MAX = 5
const BEGINNING = Buffer.alloc(0)

export interface Removal extends Expected {
	/** Of every name below it. */
	below?: Check
}

export async function removeTree(fs: Filesystem, place: Place, row: { id: FileId; kind: number }, { below, ...expected }: Removal = {}): Promise<void> {
	if (row.kind !== KIND.directory) return await run(unlink(fs, place, expected))
	for (let attempt = 1; ; attempt++) {
		await empty(fs, row.id, below)
		try {
			return await run(removeDirectory(fs, place, expected))
		} catch (error) {
			if (codeOf(error) !== 'ENOTEMPTY' || attempt === ATTEMPTS_MAX) throw error
		}
	}
}

async function empty(fs: Filesystem, parent: FileId, check: Check | undefined): Promise<void> {
	for (;;) {
		const rows = await run(listNames(fs, parent, BEGINNING, PAGE_ROWS))
		if (rows.length === 0) return
		for (const { id, kind, name } of rows) await gone(() => removeTree(fs, { parent, name: Buffer.from(name) }, { id, kind }, { check, below: check }))
	}
}

/** Gone already is as well. */
async function gone(remove: () => Promise<void>): Promise<void> {
	try {
		await remove()
	} catch (error) {
		if (codeOf(error) !== 'ENOENT') throw error
	}
}
