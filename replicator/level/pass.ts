/**
 * A pass over the whole tree: every file belongs to the class its path falls under, has copies where its class wants them, and
 * none it does not want. Needed when the classes or the nodes have changed, and only then.
 */
import * as jobs from '../../core/catalogue/jobs.ts'
import * as settings from '../../core/catalogue/settings.ts'
import * as leases from '../../core/catalogue/leases.ts'
import type { Transaction } from '../../core/catalogue/driver.ts'
import { type Filesystem, transact } from '../../core/filesystem/filesystem.ts'
import { run as drive, wait } from '../../core/op.ts'
import { WITHOUT_ROOM } from '../../core/stats/owed.ts'
import type { Run } from '../run.ts'
import { begin, end, isRebalancing, PASS, progressOf, remember } from './activity.ts'
import { changesAnything, type Decided, type Round } from './decide.ts'
import { LEASE } from './lease.ts'
import { outcomeOf } from './drain.ts'
import { type LevelNode, PENDING_FILES_MAX, readNodes } from './nodes.ts'
import { type Held, pagesOfTree } from './pages.ts'
import type { PassProgress } from './pass-due.ts'
import { classUnder } from './reclass.ts'
import { sweep } from './sweep.ts'

/** A node that has not come down to what it may have to do by then may be unable to: others are asked instead. */
const PATIENCE_MS = 60_000

export interface PassOptions {
	forMs?: number
	/** Nodes with that many copies to make are waited for, and a page is looked at as a whole. */
	pendingMax?: number
	/** From the first file on, whatever an earlier pass has seen. */
	anew?: boolean
}

const ROUND_MS = 10_000

/** The end of the tree, of the time, or of what nodes may have to do at once. */
export type Stopped = 'end' | 'time' | 'full'

export async function pass(
	fs: Filesystem,
	run: Run,
	signature: string,
	{ forMs = ROUND_MS, pendingMax = PENDING_FILES_MAX, anew = false }: PassOptions = {},
): Promise<Stopped> {
	const untilMs = performance.now() + forMs
	const progress = await beginPass(fs, signature, anew)
	const keepSpare = isRebalancing(await jobs.list(fs.catalogue))
	const round: Round = { fs, run, nodes: await drive(readNodes(fs)), pendingMax: Number.POSITIVE_INFINITY, keepSpare }
	const keep = () => whileHeld(fs, (tx) => remember(tx, PASS, progress))
	if (hasToWait(round, progress, pendingMax)) {
		await keep()
		return 'full'
	}
	let isFull = false
	const ended = await sweep(round, {
		pages: pagesOfTree(fs, progress.after),
		classOf: (file) => drive(classUnder(fs, file)),
		each: (file, decided) => account(run, progress, file, decided),
		async turned(last) {
			progress.after = last
			progress.changed ||= round.changed
			isFull = fullNodes(round, pendingMax).length > 0
			await keep()
			return !isFull && performance.now() < untilMs
		},
	})
	if (!ended) return isFull ? 'full' : 'time'
	const { files, short } = progress
	await whileHeld(fs, (tx) => end(tx, PASS, { state: 'done', outcome: { files, short } }, fs.capabilities))
	return 'end'
}

/** Those that are asked for copies and have enough to make, as far as they are waited for. */
function fullNodes({ nodes }: Round, pendingMax: number): LevelNode[] {
	return [...nodes.values()].filter(({ role, busy, pending }) => role === 'takes' && !busy && pending >= pendingMax)
}

/** Whom it has waited for long enough it goes round, and comes back to. */
function hasToWait(round: Round, progress: PassProgress, pendingMax: number): boolean {
	const full = fullNodes(round, pendingMax)
	if (full.length === 0) progress.fullSinceMs = undefined
	else progress.fullSinceMs ??= Date.now()
	if (progress.fullSinceMs === undefined) return false
	// A clock that was set back keeps nobody waiting.
	if (Math.abs(Date.now() - progress.fullSinceMs) < PATIENCE_MS) return true
	for (const node of full) node.busy = true
	return false
}

/** Goes on with a pass that was stopped, if nothing has changed since. */
async function beginPass(fs: Filesystem, signature: string, anew: boolean): Promise<PassProgress> {
	return await transact(fs, function* (tx) {
		const row = yield* wait(jobs.find(tx, PASS))
		const known = progressOf<PassProgress>(row)
		if (row?.state === 'running' && known?.signature === signature && !anew) return known
		// Whoever has not heard of the change yet writes by what was before, behind this pass: another one finds that.
		const isChanged = known !== undefined && known.signature !== signature
		const fresh: PassProgress = { signature, after: 0, waits: isChanged, files: 0, short: 0 }
		begin(tx, PASS, fresh, fs.capabilities)
		settings.remove(tx, WITHOUT_ROOM)
		return fresh
	})
}

function account(run: Run, progress: PassProgress, file: Held, { plan, classId, size, busy }: Decided): void {
	progress.files++
	progress.waits ||= busy || plan.waits || plan.deferred || plan.mayCome
	const isShort = plan.missing > 0 && !plan.deferred
	if (isShort) progress.short++
	const moved = changesAnything(plan) ? size : 0
	if (!busy && isShort && moved === 0) return run.done('short of nodes', 0)
	run.done(busy ? 'in use' : classId === file.class_id || changesAnything(plan) ? outcomeOf(plan) : 'classed anew', moved)
}

async function whileHeld(fs: Filesystem, body: (tx: Transaction) => void): Promise<void> {
	await transact(fs, function* (tx) {
		if (yield* leases.stillHeld(fs, tx, LEASE)) body(tx)
	})
}
