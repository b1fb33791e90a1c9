/** The files of one lease, several at a time. */
import fs from 'node:fs'
import { namesOf } from '../names/archive-path.ts'
import { shown } from '../wire/answers.ts'
import { Broken, NotNow, Refusal } from '../wire/failures.ts'
import type { Run } from '../work/run.ts'
import { fetchBundle, groupOf } from './bundle.ts'
import { type Arrived, download, incomingName, Mismatch } from './download.ts'
import { failureOf } from './failure.ts'
import type { Portions } from './portion.ts'
import { openRoom, type Room } from './room.ts'
import { directOf, sourceOf } from './source.ts'
import type { Wanted } from './wanted.ts'

/** Files in a row that broke off: it is the server or the way there, and no use to try the rest. */
const BROKEN_MAX = 3
const DROPPED = ['not-leased', 'not-found', 'changed']

interface Batch {
	run: Run
	portions: Portions
	queue: Wanted[]
	state: { hasEnded: boolean }
	broken: number
	room: Room
}

/** What came is brought home with what comes next. */
export async function fetchBatch(run: Run, portions: Portions, files: readonly Wanted[], state: { hasEnded: boolean }): Promise<void> {
	const batch: Batch = { run, portions, queue: [...files], state, broken: 0, room: openRoom(run.folder) }
	run.watcher.expected(files.length, files.reduce((sum, { size }) => sum + size, 0))
	const workers = Array.from({ length: run.hello.parallel }, () => work(batch))
	const ended = await Promise.allSettled(workers)
	const trouble = ended.find((end) => end.status === 'rejected')
	if (trouble) throw trouble.reason
}

async function work(batch: Batch): Promise<void> {
	const { run, portions, queue, state } = batch
	try {
		while (queue.length > 0 && !state.hasEnded) {
			const group = groupOf(queue, run.hello.parallel)
			const rest = group.length > 1 && run.hasBundles && directOf(run) === undefined ? await fetchBundle(run, batch, group) : group
			await portions.settleIfFull()
			for (let next = rest.shift(); next && !state.hasEnded; next = rest.shift()) {
				await fetchOne(batch, next)
				await portions.settleIfFull()
			}
		}
	} catch (error) {
		state.hasEnded = true
		throw error
	}
}

async function fetchOne(batch: Batch, wanted: Wanted): Promise<void> {
	const { run, portions } = batch
	try {
		namesOf(wanted.path, run.folder.platform)
		if (await portions.adopt(wanted)) return
		if (batch.room.afterBytes(wanted.size) < run.reserveBytes) {
			return portions.fail(wanted, { error: 'no-space', text: 'there is no room for it beside what is to be kept free' })
		}
		batch.room.begin(wanted.size)
		const arrived = await fetchFrom(run, wanted).finally(() => batch.room.end(wanted.size))
		batch.broken = 0
		portions.add(wanted, arrived)
	} catch (error) {
		settleFailure(batch, wanted, error)
	}
}

/** The other web server may have an older file there, of the same size too. */
async function fetchFrom(run: Run, wanted: Wanted): Promise<Arrived> {
	const { folder, client, watcher } = run
	const prefix = directOf(run)
	try {
		if (prefix !== undefined) return await download(sourceOf(run, wanted, prefix), folder, wanted, watcher.moved)
	} catch (error) {
		if (!(error instanceof Mismatch)) throw error
	}
	return await download(client, folder, wanted, watcher.moved)
}

function settleFailure(batch: Batch, wanted: Wanted, error: unknown): void {
	const { run, portions } = batch
	if (error instanceof Refusal) {
		if (error.code === 'paused' || error.code === 'closed-hour' || error.code === 'slow-down') throw new NotNow(error.message)
		if (error.status === 401 || error.code === 'other-agent') throw error
		if (DROPPED.includes(error.code)) return run.watcher.note(`${shown(wanted.path)}: ${error.message}`)
	}
	if (error instanceof Broken && ++batch.broken >= BROKEN_MAX) batch.state.hasEnded = true
	const failure = failureOf(error)
	if (failure === undefined) throw error
	if (failure.error === 'no-space') fs.rmSync(run.folder.incoming.at(incomingName(wanted)), { force: true })
	portions.fail(wanted, failure)
}
