/** Which of the copies are read, and reading them. */
import * as entries from '../../core/catalogue/entries.ts'
import type { EntryRow } from '../../core/catalogue/entries.ts'
import * as files from '../../core/catalogue/files.ts'
import { KIND } from '../../core/catalogue/files.ts'
import type { CopyRow } from '../../core/catalogue/proofs.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import { codeOf } from '../../core/errors.ts'
import { joinPath } from '../../core/filesystem/directories.ts'
import type { Path } from '../../core/ids.ts'
import type { Node } from '../../core/nodes/node.ts'
import { run as drive } from '../../core/op.ts'
import { WHOLE_BYTES_MAX } from '../hashing/content.ts'
import type { Hashing } from '../hashing/hashing.ts'
import { type Claim, factsOf } from '../proof/facts.ts'
import { takeFirstHash } from '../proof/first-hash.ts'
import { readFromDisk } from '../proof/from-disk.ts'
import type { Search } from '../proof/others.ts'
import { glance } from '../proof/sight.ts'
import type { Pace } from '../rate.ts'
import type { Replicator } from '../replicator.ts'
import type { Run } from '../run.ts'
import type { Candidate } from './candidate.ts'
import type { Marks } from './marks.ts'
import { areOne } from './names.ts'

/** A file with more hard links is looked at under this many names. */
const NAMES_MAX = 100

/** A copy to be read, and where it is as far as is known here. */
export interface Reading {
	row: CopyRow
	path: Path
	/** Further names of the same file: no more than are looked at. */
	others: Path[]
	claim: Claim
}

export interface Reader {
	rep: Replicator
	hashing: Hashing
	/** For copies of other nodes. */
	search: Search
	pace: Pace | undefined
	marks: Marks
	/** Counted up. */
	read: number
}

/** Of these, those that are due, and those that do not look as they did when they were proved. */
export async function toRead({ fs, node, run }: Replicator, page: readonly Candidate[]): Promise<Reading[]> {
	if (page.length === 0) return []
	const names = (await fs.catalogue.read(...page.map(({ row }) => entries.namesQuery(row.file_id, NAMES_MAX)))) as EntryRow[][]
	const readings: Reading[] = []
	for (const [index, { row, isDue }] of page.entries()) {
		const [path, ...others] = await pathsOf(fs, names[index])
		const claim = await claimOf(fs, row)
		if (!path) pass(run, 'changed')
		else if (!isDue && (await isUntouched(node, path, claim, row))) pass(run, 'fresh')
		else readings.push({ row, path, others, claim })
	}
	return readings
}

function pass(run: Run, outcome: string): void {
	run.done(outcome, 0)
}

async function isUntouched(node: Node, path: Path, claim: Claim, { verified_at: provedAt }: CopyRow): Promise<boolean> {
	const stat = await drive(glance(node, path, claim))
	return stat !== undefined && provedAt !== null && stat.ctime < provedAt
}

/** Those that are still there: a directory may be about to go. */
async function pathsOf(fs: Replicator['fs'], names: readonly EntryRow[]): Promise<Path[]> {
	const paths: Path[] = []
	for (const name of names) {
		const path = await pathOf(fs, name)
		if (path) paths.push(path)
	}
	return paths
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
export async function readAll(state: Reader, readings: readonly Reading[], atOnce: number): Promise<Reading[]> {
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
async function readOne(state: Reader, { row, path, others, claim }: Reading): Promise<boolean> {
	const { rep, hashing, pace, marks } = state
	const { signal } = rep.run
	// Of a larger one each piece is paced.
	if (pace && row.size <= WHOLE_BYTES_MAX && !(await mayGoOn(pace(row.size, signal)))) return true
	const isDoubtful = row.state === REPLICA.suspect
	const sight = await readFromDisk(hashing, rep.node, { path, claim, isDoubtful }, { signal, pace: (bytes) => moveOn(state, bytes) })
	if (sight.is === 'unknown' && signal.aborted) return true
	state.read++
	if (sight.is !== 'right' && sight.is !== 'unhashed') return false
	if (claim.kind === KIND.regular && !(await drive(areOne(rep.node, others, sight.stat.ino)))) return false
	const first = sight.is === 'unhashed' ? await judgeFirst(state, { row, path }, sight.hash) : 'right'
	if (first !== 'right') return first === 'passed'
	await marks.good({ row, path, sight })
	return true
}

/** Of a version without a hash: whether what was read is its first, or another copy has that. Passed: that cannot be said, and was told. */
async function judgeFirst({ rep, search }: Reader, { row, path }: Pick<Reading, 'row' | 'path'>, hash: Buffer): Promise<'right' | 'bad' | 'passed'> {
	const { fs, run } = rep
	const facts = await drive(factsOf(fs, fs.catalogue, row.file_id))
	const isStill = facts?.version === row.version && facts.paths.some((each) => each.equals(path))
	const first = isStill ? await takeFirstHash(rep, search, facts, hash) : 'changed'
	if (first === 'changed') pass(run, 'changed')
	else if ('differ' in first) run.trouble(path, first.differ)
	else return first.hash?.equals(hash) ? 'right' : 'bad'
	return 'passed'
}

/** A piece of a large file. */
async function moveOn({ rep: { run }, pace }: Reader, bytes: number): Promise<void> {
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
