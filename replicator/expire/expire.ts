/**
 * Objects whose time is over are removed as anybody would remove them: where their class keeps what is removed, they go to the
 * trash. Keys that were given out and never used are forgotten. It is a job of the whole tree, so one process at a time does it.
 */
import * as entries from '../../core/catalogue/entries.ts'
import * as objects from '../../core/catalogue/objects.ts'
import * as reservations from '../../core/catalogue/object-reservations.ts'
import { codeOf } from '../../core/errors.ts'
import { joinPath } from '../../core/filesystem/directories.ts'
import type { Filesystem } from '../../core/filesystem/filesystem.ts'
import { transact } from '../../core/filesystem/filesystem.ts'
import { unlink } from '../../core/filesystem/remove.ts'
import { isInTrash } from '../../core/filesystem/trash-paths.ts'
import { type Op, run as drive, wait } from '../../core/op.ts'
import { createBreath } from '../breath.ts'
import type { Job, Replicator } from '../replicator.ts'
import { type Clock, databaseClock } from '../trash/trash.ts'

const PAGE = 500
/** One that is wrong must not remove what lives. */
const CLOCKS_APART_SECONDS_MAX = 86_400
/** Keys are no burden: they are forgotten many at a time. */
const GRACE_SECONDS = 300

export function expire({ here }: Clock = { here: () => Date.now() / 1000 }): Job {
	return { what: 'expire', ofTree: true, work: (replicator) => work(replicator, here()) }
}

export async function isExpireDue({ catalogue, capabilities }: Filesystem): Promise<boolean> {
	if ((await objects.anyExpired(catalogue, capabilities)) !== undefined) return true
	return (await reservations.expired(catalogue, GRACE_SECONDS, 1, capabilities)).length > 0
}

async function work(replicator: Replicator, here: number): Promise<void> {
	const { fs, run } = replicator
	const apart = Math.abs((await databaseClock(fs)) - here)
	if (apart > CLOCKS_APART_SECONDS_MAX) {
		return run.trouble('.blobs', `the clocks of the catalogue and of this machine are ${Math.round(apart / 3_600)} h apart: no object is removed`)
	}
	await removeObjects(replicator)
	await forgetKeys(replicator)
}

async function removeObjects({ fs, run }: Replicator): Promise<void> {
	const breath = createBreath()
	for (;;) {
		const rows = await objects.expired(fs.catalogue, PAGE, fs.capabilities)
		let removed = 0
		for (const row of rows) {
			await breath()
			if (run.signal.aborted) return
			try {
				await drive(removeObject(fs, row))
				run.done('expired', 0)
				removed++
			} catch (error) {
				run.trouble(`object ${row.id}`, (error as Error).message)
			}
		}
		// The rest is what could not be removed.
		if (rows.length < PAGE || removed === 0) return
	}
}

type Expired = Awaited<ReturnType<typeof objects.expired>>[number]

/** The file with all its names; where it is kept in the trash, it is an object no longer. */
function* removeObject(fs: Filesystem, { id, file_id: file }: Expired): Op<void> {
	for (;;) {
		const [name] = yield* wait(entries.namesOf(fs.catalogue, file, 1))
		if (!name) break
		const place = { parent: name.parent_id, name: Buffer.from(name.name) }
		if (isInTrash(joinPath(yield* fs.directories.path(fs.catalogue, place.parent), place.name))) break
		yield* unlinkThis(fs, place, file)
	}
	yield* wait(
		transact(fs, function* (tx) {
			objects.removeExpired(tx, id, fs.capabilities)
		}),
	)
}

/** Somebody may have removed it, or uploaded something new, a moment ago. */
function* unlinkThis(fs: Filesystem, place: Parameters<typeof unlink>[1], file: number): Op<void> {
	try {
		yield* unlink(fs, place, { only: file })
	} catch (error) {
		if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ESTALE') throw error
	}
}

async function forgetKeys({ fs, run }: Replicator): Promise<void> {
	for (;;) {
		const rows = await reservations.expired(fs.catalogue, 0, PAGE, fs.capabilities)
		if (rows.length === 0 || run.signal.aborted) return
		await transact(fs, function* (tx) {
			for (const { id } of rows) reservations.remove(tx, id)
		})
		for (const _ of rows) run.done('unused', 0)
		if (rows.length < PAGE) return
	}
}
