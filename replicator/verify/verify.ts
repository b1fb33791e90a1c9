/**
 * Reading copies whole and comparing them with what the catalogue knows: oldest proof first, within the rates of the
 * configuration. A copy whose proof is young enough is only looked at, and read when something was done to it since. Where a
 * run ends, the proofs themselves say where the next one goes on.
 */
import * as entries from '../../core/catalogue/entries.ts'
import type { EntryRow } from '../../core/catalogue/entries.ts'
import * as files from '../../core/catalogue/files.ts'
import { KIND } from '../../core/catalogue/files.ts'
import type { CopyRow } from '../../core/catalogue/proofs.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import { codeOf } from '../../core/errors.ts'
import { joinPath } from '../../core/filesystem/directories.ts'
import { catchUp } from '../../core/filesystem/follow.ts'
import type { NodeId, Path } from '../../core/ids.ts'
import type { Node } from '../../core/nodes/node.ts'
import { run as drive } from '../../core/op.ts'
import { WHOLE_BYTES_MAX } from '../hashing/content.ts'
import { openHashing } from '../hashing/hashing.ts'
import type { Claim } from '../proof/facts.ts'
import type { Search } from '../proof/others.ts'
import { glance, readWhole } from '../proof/sight.ts'
import { isLimited, paceOf, type Pace } from '../rate.ts'
import type { Job, Replicator } from '../replicator.ts'
import type { Run } from '../run.ts'
import { settleBad } from './bad.ts'
import type { Candidate } from './candidate.ts'
import { pages, type Selection } from './candidates.ts'
import { createMarks, type Marks } from './marks.ts'

export interface VerifyOptions extends Selection {
	/** At most so many are read. */
	filesMax?: number
	bytesMax?: number
	/** Go on though so many are bad that something else must be wrong. */
	believeBad?: boolean
	/** Told when copies of a node are wanted anew. */
	onWanted?: (node: NodeId) => void
}

/** With more than both of these something is wrong with the node, and not with its copies. */
const BAD_MAX = 100
const BAD_SHARE_MAX = 0.1
/** Of larger files, for the sake of disks that turn. */
const LARGE_AT_ONCE = 4

export const verify = (options: VerifyOptions = {}): Job => ({ what: 'verify', work: (replicator) => work(replicator, options) })

interface Work {
	rep: Replicator
	options: VerifyOptions
	search: Search
	pace: Pace | undefined
	marks: Marks
	left: { files: number; bytes: number }
	read: number
	bad: number
}

/** A copy to be read, and where it is as far as is known here. */
interface Reading {
	row: CopyRow
	path: Path
	claim: Claim
}

async function work(rep: Replicator, options: VerifyOptions): Promise<void> {
	const { fs, run } = rep
	const { hashThreads, verifyRates } = fs.config.replicator
	const hashing = openHashing(hashThreads)
	const pace = isLimited(verifyRates) ? paceOf(verifyRates) : undefined
	const search: Search = { fs, hashing, proofDays: 0, options: { pace, signal: run.signal }, onBad: () => undefined }
	const left = { files: options.filesMax ?? Number.POSITIVE_INFINITY, bytes: options.bytesMax ?? Number.POSITIVE_INFINITY }
	const state: Work = { rep, options, search, pace, marks: createMarks(rep), left, read: 0, bad: 0 }
	try {
		for await (const page of pages(rep, options)) {
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
	const readings = withinLimits(state, await toRead(state, page))
	rep.run.expect(readings.length, readings.reduce((sum, { row }) => sum + row.size, 0))
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

/** Those that are due, and those that do not look as they did when they were proved. */
async function toRead({ rep: { fs, node, run } }: Work, page: readonly Candidate[]): Promise<Reading[]> {
	if (page.length === 0) return []
	const names = (await fs.catalogue.read(...page.map(({ row }) => entries.namesQuery(row.file_id, 1)))) as EntryRow[][]
	const readings: Reading[] = []
	for (const [index, { row, isDue }] of page.entries()) {
		const [name] = names[index]
		const path = name && (await pathOf(fs, name))
		const claim = await claimOf(fs, row)
		if (!path) pass(run, 'changed')
		else if (!isDue && (await isUntouched(node, path, claim, row))) pass(run, 'fresh')
		else readings.push({ row, path, claim })
	}
	return readings
}

function pass(run: Run, outcome: string): void {
	run.expect(1, 0)
	run.done(outcome, 0)
}

async function isUntouched(node: Node, path: Path, claim: Claim, { verified_at: provedAt }: CopyRow): Promise<boolean> {
	const stat = await drive(glance(node, path, claim))
	return stat !== undefined && provedAt !== null && stat.ctime < provedAt
}

/** Undefined: it is about to go, directory and all. */
async function pathOf(fs: Replicator['fs'], { parent_id, name }: EntryRow): Promise<Path | undefined> {
	try {
		return joinPath(await drive(fs.directories.path(fs.catalogue, parent_id)), Buffer.from(name))
	} catch (error) {
		if (codeOf(error) !== 'ENOENT') throw error
		return undefined
	}
}

async function claimOf({ catalogue }: Replicator['fs'], row: CopyRow): Promise<Claim> {
	const { kind, size, mtime, mtime_ns: mtimeNs, hash, hash_version, file_version } = row
	const target = kind === KIND.symlink ? (await files.target(catalogue, row.file_id))?.target : undefined
	const known = hash !== null && hash_version === file_version ? Buffer.from(hash) : undefined
	return { kind, size, mtime, mtimeNs, hash: known, target: target ? Buffer.from(target) : undefined }
}

/** The bad ones among them; the good ones are marked. */
async function readAll(state: Work, readings: readonly Reading[], atOnce: number): Promise<Reading[]> {
	const bad: Reading[] = []
	const waiting = readings.values()
	const reader = async () => {
		for (const reading of waiting) {
			if (state.rep.run.signal.aborted) return
			if (!(await readOne(state, reading))) bad.push(reading)
		}
	}
	await Promise.all(Array.from({ length: Math.min(atOnce, readings.length) }, reader))
	return bad
}

/** False when it is bad, or nothing can be said of it yet. */
async function readOne(state: Work, { row, path, claim }: Reading): Promise<boolean> {
	const { rep, search, pace, marks } = state
	const { signal } = rep.run
	// Of a larger one each piece is paced.
	if (pace && row.size <= WHOLE_BYTES_MAX && !(await mayGoOn(pace(row.size, signal)))) return true
	const sight = await readWhole(search.hashing, rep.node, { path, claim }, { signal, pace: (bytes) => moveOn(state, bytes) })
	if (sight.is === 'unknown' && signal.aborted) return true
	state.read++
	if (sight.is !== 'right' && sight.is !== 'unhashed') return false
	await marks.good({ row, path, sight })
	return true
}

/** A piece of a large file. */
async function moveOn({ rep: { run }, pace }: Work, bytes: number): Promise<void> {
	run.moved(bytes)
	await pace?.(bytes, run.signal)
}

async function mayGoOn(paced: Promise<void>): Promise<boolean> {
	try {
		await paced
		return true
	} catch (error) {
		if (codeOf(error) !== 'ECANCELED') throw error
		return false
	}
}

async function settle(state: Work, { row }: Reading): Promise<void> {
	const { rep, search, marks, options } = state
	const { node, run } = rep
	const finding = await settleBad(rep, search, row.file_id)
	if (finding.is === 'changed') return run.done('changed', 0)
	if (finding.is === 'unknown') return run.trouble(finding.path.toString(), finding.why)
	if (finding.is === 'good') return marks.good({ row, path: finding.facts.paths[0], sight: finding.sight })
	marks.bad()
	// What was in doubt before is no news.
	if (row.state === REPLICA.good) state.bad++
	const { path, why } = finding
	if (finding.is === 'suspect') return run.trouble(path.toString(), `${why}, and no other copy can be seen good: it stays as it is, and is not read`)
	options.onWanted?.(node.id)
	const kept = finding.aside ? `; kept as ${finding.aside}` : ''
	run.note(`${path}: ${why} on ${node.name}${kept}; a new copy is wanted`)
	run.done(finding.is, 0)
}
