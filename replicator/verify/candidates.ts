/** The copies of a node in the order in which they are looked at: those in doubt, those never proved, then oldest proof first. */
import * as proofs from '../../core/catalogue/proofs.ts'
import type { CopyRow } from '../../core/catalogue/proofs.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import type { FileId, Path } from '../../core/ids.ts'
import { run as drive } from '../../core/op.ts'
import type { Replicator } from '../replicator.ts'
import { below } from './below.ts'
import { type Candidate, canBeVerified } from './candidate.ts'

export interface Selection {
	/** Whatever their proofs are worth. */
	all?: boolean
	/** Those in doubt, and no others. */
	doubtful?: boolean
	/** Only what is here or below. */
	path?: Path
}

const PAGE_ROWS = 512
/** Of one question: none takes longer than a database may. */
const COUNTED_ROWS = 10_000
const DAY_SECONDS = 86_400
/** A proof this far ahead of the clock is none: the clock has been set back since. */
const AHEAD_SECONDS_MAX = 60
const EARLY_SECONDS = 2

export async function* pages(rep: Replicator, { all = false, doubtful = false, path }: Selection): AsyncGenerator<Candidate[]> {
	if (path) return yield* below(rep, path)
	const turn = await begin(rep)
	yield* inDoubt(rep, turn)
	if (doubtful) return
	yield* neverProved(rep, turn)
	yield* byProof(rep, turn, all)
}

/** Of a run through the whole node: all are looked at, those that are due are read. */
export async function expectAll({ fs, node, run }: Replicator, { all = false, path }: Selection): Promise<void> {
	if (path) return
	const clock = await proofs.now(fs.catalogue, fs.capabilities)
	const due = all ? Number.MAX_SAFE_INTEGER : (clock?.now ?? 0) - fs.config.replicator.verifyDays * DAY_SECONDS
	let [files, bytes] = [0, 0]
	for (const state of [REPLICA.good, REPLICA.suspect]) {
		for (let after: FileId | null = 0; after !== null; ) {
			const found = await proofs.amount(fs.catalogue, { node: node.id, state, due }, { after, limit: COUNTED_ROWS })
			files += Number(found?.files ?? 0)
			bytes += Number(found?.bytes ?? 0)
			after = found?.last ?? null
		}
	}
	run.expect(files, bytes)
}

async function* inDoubt({ fs, node }: Replicator, turn: Turn): AsyncGenerator<Candidate[]> {
	for (let after = 0; ; ) {
		const rows = await proofs.ofState(fs.catalogue, node.id, REPLICA.suspect, { after, limit: PAGE_ROWS })
		if (rows.length === 0) return
		after = rows[rows.length - 1].file_id
		yield due(remember(turn, rows.filter(canBeVerified)))
	}
}

/** The clock of proofs, which is the database's, told apart from how long this run lasts. */
interface Turn {
	started: number
	elapsedSeconds(): number
	/** Seen in the first seconds: not to be come across again. */
	early: Set<FileId>
}

async function begin({ fs }: Replicator): Promise<Turn> {
	const answer = await proofs.now(fs.catalogue, fs.capabilities)
	const startMs = performance.now()
	return { started: answer?.now ?? 0, elapsedSeconds: () => (performance.now() - startMs) / 1000, early: new Set() }
}

async function* neverProved({ fs, node }: Replicator, turn: Turn): AsyncGenerator<Candidate[]> {
	for (let after = 0; ; ) {
		const rows = await proofs.neverProved(fs.catalogue, node.id, { after, limit: PAGE_ROWS })
		if (rows.length === 0) return
		after = rows[rows.length - 1].file_id
		yield due(remember(turn, rows.filter((row) => row.state === REPLICA.good && canBeVerified(row))))
	}
}

async function* byProof({ fs, node }: Replicator, turn: Turn, all: boolean): AsyncGenerator<Candidate[]> {
	const dueSeconds = fs.config.replicator.verifyDays * DAY_SECONDS
	const isDue = ({ verified_at: at }: CopyRow) => all || at === null || at > turn.started || turn.started - at > dueSeconds
	for (let at = 0, after = 0; ; ) {
		const rows = await drive(proofs.provedFrom(fs.catalogue, node.id, at, { after, limit: PAGE_ROWS }))
		if (rows.length === 0) return
		const last = rows[rows.length - 1]
		const horizon = turn.started + Math.ceil(turn.elapsedSeconds()) + AHEAD_SECONDS_MAX
		const isLate = ({ verified_at: proved }: CopyRow) => proved !== null && proved > turn.started && proved <= horizon
		const others = rows.filter((row) => row.state === REPLICA.good && canBeVerified(row) && !isLate(row) && !turn.early.has(row.file_id))
		remember(turn, others)
		// Past those of this run at once; behind them are proofs of days to come.
		const isPast = isLate(last)
		at = isPast ? horizon + 1 : (last.verified_at ?? 0)
		after = isPast ? 0 : last.file_id
		yield others.map((row) => ({ row, isDue: isDue(row) }))
	}
}

/** Soon proved in the second of the start, which old proofs may be of as well. */
function remember({ early, elapsedSeconds }: Turn, rows: CopyRow[]): CopyRow[] {
	if (elapsedSeconds() < EARLY_SECONDS) for (const row of rows) early.add(row.file_id)
	return rows
}

function due(rows: CopyRow[]): Candidate[] {
	return rows.map((row) => ({ row, isDue: true }))
}
