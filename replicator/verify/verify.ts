/**
 * Reading copies whole and comparing them with what the catalogue knows: oldest proof first, within the rates of the
 * configuration. A copy whose proof is young enough is only looked at, and read when something was done to it since. Where a
 * run ends, the proofs themselves say where the next one goes on.
 */
import { REPLICA } from '../../core/catalogue/replicas.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import type { NodeId } from '../../core/ids.ts'
import { run as drive } from '../../core/op.ts'
import { showPath } from '../../core/text.ts'
import { WHOLE_BYTES_MAX } from '../hashing/content.ts'
import { createBreath } from '../breath.ts'
import { openHashing } from '../hashing/hashing.ts'
import type { Search } from '../proof/others.ts'
import { isLimited, paceOf } from '../rate.ts'
import type { Job, Replicator } from '../replicator.ts'
import { settleBad } from './bad.ts'
import type { Candidate } from './candidate.ts'
import { expectAll, pages, type Selection } from './candidates.ts'
import { createMarks } from './marks.ts'
import { readAll, type Reader, type Reading, toRead } from './reading.ts'

export interface VerifyOptions extends Selection {
	/** At most so many are read. */
	filesMax?: number
	bytesMax?: number
	/** Go on though so many are bad that something else must be wrong. */
	believeBad?: boolean
	/** Somebody watches: what there is to do is counted first, where that is known. */
	isWatched?: boolean
	/** Told when copies of a node are wanted anew. */
	onWanted?: (node: NodeId) => void
}

/** With more than both of these something is wrong with the node, and not with its copies. */
const BAD_MAX = 100
const BAD_SHARE_MAX = 0.1
/** Of larger files, for the sake of disks that turn. */
const LARGE_AT_ONCE = 4

export const verify = (options: VerifyOptions = {}): Job => ({ what: 'verify', work: (replicator) => work(replicator, options) })

/** Only those in doubt: what may be good again, or made anew, need not wait for its turn. */
export const recheck: Job = { what: 'recheck', work: (replicator) => work(replicator, { doubtful: true }) }

interface Work extends Reader {
	options: VerifyOptions
	left: { files: number; bytes: number }
	bad: number
}

async function work(rep: Replicator, options: VerifyOptions): Promise<void> {
	const { fs, run } = rep
	const { hashThreads, verifyRates } = fs.config.replicator
	const hashing = openHashing(hashThreads)
	const pace = isLimited(verifyRates) ? paceOf(verifyRates) : undefined
	const search: Search = { fs, hashing, proofDays: 0, options: { pace, signal: run.signal }, onBad: () => undefined }
	const left = { files: options.filesMax ?? Number.POSITIVE_INFINITY, bytes: options.bytesMax ?? Number.POSITIVE_INFINITY }
	const breath = createBreath()
	const state: Work = { rep, options, search, hashing, pace, marks: createMarks(rep), left, read: 0, bad: 0 }
	if (options.isWatched) await expectAll(rep, options)
	try {
		for await (const page of pages(rep, options)) {
			await breath()
			if (run.signal.aborted || !(await verifyPage(state, page))) break
			await drive(catchUp(fs))
		}
	} finally {
		await state.marks.flush()
		hashing.end()
	}
}

/** False when the run is to end. */
async function verifyPage(state: Work, page: readonly Candidate[]): Promise<boolean> {
	const { rep, options } = state
	const readings = withinLimits(state, await toRead(rep, page))
	const [small, large] = [readings.filter(({ row }) => row.size <= WHOLE_BYTES_MAX), readings.filter(({ row }) => row.size > WHOLE_BYTES_MAX)]
	const bad = [...(await readAll(state, small, small.length)), ...(await readAll(state, large, LARGE_AT_ONCE))]
	await state.marks.flush()
	for (const reading of bad) {
		if (rep.run.signal.aborted) return false
		if (!options.believeBad && state.bad >= BAD_MAX && state.bad > state.read * BAD_SHARE_MAX) return refuse(state)
		await settle(state, reading)
	}
	return state.left.files > 0 && state.left.bytes > 0
}

function refuse({ rep: { node, run }, bad, read }: Work): boolean {
	run.trouble(node.name, `${bad} of ${read} copies are bad, and more: the disk, or the catalogue, is not what it was. --believe-bad goes on`)
	return false
}

function withinLimits({ left }: Work, readings: readonly Reading[]): Reading[] {
	const taken: Reading[] = []
	for (const reading of readings) {
		if (left.files <= 0 || left.bytes <= 0) break
		left.files--
		left.bytes -= reading.row.size
		taken.push(reading)
	}
	return taken
}

async function settle(state: Work, { row }: Reading): Promise<void> {
	const { rep, search, marks, options } = state
	const { node, run } = rep
	const finding = await settleBad(rep, search, row.file_id)
	if (finding.is === 'changed') return run.done('changed', 0)
	if (finding.is === 'unknown') return run.trouble(finding.path, finding.why)
	if (finding.is === 'good') return marks.good({ row, path: finding.facts.paths[0], sight: finding.sight })
	if (finding.is === 'relinked') {
		run.note(`${showPath(finding.path)}: its names led to different files on ${node.name}, and to one again${finding.kept.length > 0 ? `; kept as ${finding.kept.join(', ')}` : ''}`)
		return run.done('relinked', 0)
	}
	marks.bad()
	// What was in doubt before is no news.
	if (row.state === REPLICA.good) state.bad++
	const { path, why } = finding
	if (finding.is === 'suspect') return run.trouble(path, `${why}, and no other copy can be seen good: it stays as it is, and is not read`)
	options.onWanted?.(node.id)
	const kept = finding.aside ? `; kept as ${finding.aside}` : ''
	run.note(`${showPath(path)}: ${why} on ${node.name}${kept}; a new copy is wanted`)
	run.done(finding.is, 0)
}
