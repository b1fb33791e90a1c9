/** Small files, many to a request. Whatever does not go well this way is left to be fetched by itself. */
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { namesOf } from '../names/archive-path.ts'
import { Refusal } from '../wire/failures.ts'
import type { Run } from '../work/run.ts'
import { type Arrived, incomingName } from './download.ts'
import { filesIn } from './frames.ts'
import { isSurelyAbsent } from './place.ts'
import type { Portions } from './portion.ts'
import type { Room } from './room.ts'
import type { Wanted } from './wanted.ts'

const FILES_MAX = 64
/** So few are not shared out between those who fetch at once. */
const FILES_SHARED_MIN = 8
const FILE_BYTES_MAX = 256 * 1024
const { O_RDWR, O_CREAT, O_TRUNC, O_NOFOLLOW = 0 } = fs.constants

/** What one request is to bring: a few small files, or one of another kind. */
export function groupOf(queue: Wanted[], workers: number): Wanted[] {
	const most = Math.min(FILES_MAX, Math.max(FILES_SHARED_MIN, Math.ceil(queue.length / workers)))
	const end = queue.findIndex(({ size, hash }) => size > FILE_BYTES_MAX || hash === null)
	return queue.splice(0, Math.max(1, Math.min(most, end === -1 ? queue.length : end)))
}

/** Those that are still to be fetched. */
export async function fetchBundle(run: Run, { portions, room }: { portions: Portions; room: Room }, group: readonly Wanted[]): Promise<Wanted[]> {
	const { fresh, rest } = sorted(run, group)
	const left = new Set(fresh)
	const bytes = fresh.reduce((sum, { size }) => sum + size, 0)
	if (fresh.length < 2 || room.afterBytes(bytes) < run.reserveBytes) return [...group]
	room.begin(bytes)
	try {
		const answer = await run.client.bundle(fresh)
		try {
			for await (const { wanted, content } of filesIn(answer, fresh)) {
				const arrived = store(run, wanted, content)
				if (arrived === undefined) continue
				left.delete(wanted)
				run.watcher.moved(wanted.size)
				portions.add(wanted, arrived)
			}
		} finally {
			answer.destroy()
		}
	} catch (error) {
		if (error instanceof Refusal && error.status === 404) run.hasBundles = false
		else run.watcher.note(`a bundle: ${(error as Error).message}`)
	} finally {
		room.end(bytes)
	}
	return [...rest, ...left]
}

/** Those that are not here in any form are fresh. */
function sorted({ folder }: Run, group: readonly Wanted[]): { fresh: Wanted[]; rest: Wanted[] } {
	const fresh: Wanted[] = []
	const rest: Wanted[] = []
	for (const wanted of group) (isFresh(folder, wanted) ? fresh : rest).push(wanted)
	return { fresh, rest }
}

function isFresh(folder: Run['folder'], wanted: Wanted): boolean {
	try {
		namesOf(wanted.path, folder.platform)
		return !folder.leftovers.has(incomingName(wanted).toString()) && isSurelyAbsent(folder, wanted.path)
	} catch {
		return false
	}
}

/** Undefined where it is not what was promised. */
function store({ folder }: Run, wanted: Wanted, content: Buffer[]): Arrived | undefined {
	const sum = createHash('sha256')
	for (const part of content) sum.update(part)
	const hash = sum.digest('hex')
	if (hash !== wanted.hash) return undefined
	const name = incomingName(wanted)
	const fd = fs.openSync(folder.incoming.at(name), O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o644)
	try {
		if (wanted.size > 0 && fs.writevSync(fd, content) < wanted.size) throw Object.assign(new Error('the disk is full'), { code: 'ENOSPC' })
		return { fd, name, hash }
	} catch (error) {
		fs.closeSync(fd)
		fs.rmSync(folder.incoming.at(name), { force: true })
		throw error
	}
}
