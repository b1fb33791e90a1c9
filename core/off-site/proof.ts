/** Questions that only who has the bytes can answer: a keyed hash over a few ranges that nobody knew before. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { BackupRow } from '../catalogue/backups.ts'
import * as backups from '../catalogue/backups.ts'
import { BACKUP, isHeld } from '../catalogue/backups.ts'
import * as records from '../catalogue/site-records.ts'
import type { SiteRow } from '../catalogue/sites.ts'
import { codeOf } from '../errors.ts'
import { type Filesystem, transact } from '../filesystem/filesystem.ts'
import type { FileId } from '../ids.ts'
import { isPromise, type Op, run, wait } from '../op.ts'
import { openContent } from './content.ts'
import { localDay } from './rates.ts'
import { reviewAll } from './review.ts'
import { type Present, presentOf } from './settled.ts'

/** Files of one question whether they are as they were. */
const JUDGED_AT_ONCE = 256
const KEY_BYTES = 32
const RANGES = 4
const RANGE_BYTES = 65_536
/** Smaller files are asked for whole. */
const FAILURES_AT_ONCE = 2
const RETRY_SECONDS = 21_600
const WHOLE_BYTES_MAX = RANGES * RANGE_BYTES

export type Range = [offset: number, length: number]

export interface Challenge {
	row: BackupRow
	key: Buffer
	ranges: Range[]
}

/** Where they are follows from the key, so that it is all there is to remember. */
function rangesOf(key: Uint8Array, size: number): Range[] {
	if (size === 0) return []
	if (size <= WHOLE_BYTES_MAX) return [[0, size]]
	const spread = createHmac('sha256', key).update('ranges').digest()
	return Array.from({ length: RANGES }, (_, index): Range => [spread.readUIntBE(index * 6, 6) % (size - RANGE_BYTES + 1), RANGE_BYTES])
}

/** What was claimed first, then what was proved too long ago. A question that was not answered is put again as it was. */
export async function challenges(fs: Filesystem, site: Pick<SiteRow, 'id'>, limit: number): Promise<Challenge[]> {
	const rows = await dueRows(fs, site, limit)
	const fresh = rows.filter((row) => row.challenge === null).map((row) => ({ row, key: randomBytes(KEY_BYTES) }))
	if (fresh.length > 0) {
		await transact(fs, function* (tx) {
			for (const { row, key } of fresh) backups.putChallenge(tx, row, key)
		})
	}
	const keys = new Map(fresh.map(({ row, key }) => [row, key]))
	return rows.map((row) => {
		const key = keys.get(row) ?? Buffer.from(row.challenge as Uint8Array)
		return { row, key, ranges: rangesOf(key, row.size) }
	})
}

export async function dueRows({ catalogue, capabilities, config }: Filesystem, { id }: Pick<SiteRow, 'id'>, limit: number): Promise<BackupRow[]> {
	const { now } = capabilities
	const claimed = await backups.longestIn(catalogue, id, BACKUP.claimed, { before: now, limit })
	if (claimed.length === limit) return claimed
	const before = `${now} - ${config.backup.proofDays * 86_400}`
	return [...claimed, ...(await backups.longestIn(catalogue, id, BACKUP.proved, { before, limit: limit - claimed.length }))]
}

export type Verdict = 'proved' | 'failed' | 'void' | 'later'

export interface Answer {
	id: FileId
	/** Undefined: it said itself that it has it not. */
	proof: Buffer | undefined
}

export async function judge(fs: Filesystem, site: SiteRow, answers: readonly Answer[]): Promise<Verdict[]> {
	if (answers.length === 0) return []
	const ids = answers.map(({ id }) => id)
	const rows = ((await run(wait(fs.catalogue.read(...backups.ofFilesQueries(ids))))) as BackupRow[][]).flat()
	const byId = new Map(rows.filter((row) => row.site_id === site.id && isHeld(row) && row.challenge !== null).map((row) => [row.file_id, row]))
	const verdicts: Verdict[] = []
	for (let from = 0; from < answers.length; from += JUDGED_AT_ONCE) {
		verdicts.push(...(await judgeSome(fs, answers.slice(from, from + JUDGED_AT_ONCE), byId)))
	}
	await writeDown(fs, site, verdicts.map((verdict, index) => ({ verdict, row: byId.get(answers[index].id) })))
	return verdicts
}

async function judgeSome(fs: Filesystem, answers: readonly Answer[], rows: ReadonlyMap<FileId, BackupRow>): Promise<Verdict[]> {
	const buffer = Buffer.allocUnsafeSlow(WHOLE_BYTES_MAX)
	const verdicts: Verdict[] = []
	for (const answer of answers) {
		const row = rows.get(answer.id)
		const verdict = row && answer.proof ? run(judgeOne(fs, row, answer.proof, buffer)) : row ? 'failed' : 'void'
		verdicts.push(isPromise(verdict) ? await verdict : verdict)
	}
	const judged = answers.flatMap(({ id }) => rows.get(id)?.file_id ?? [])
	const now = judged.length === 0 ? new Map<FileId, Present>() : await run(presentOf(fs, judged))
	return verdicts.map((verdict, index) => settledVerdict(verdict, answers[index], rows.get(answers[index].id), now))
}

/** Of what the tree has no more, a site may rightly have something else by now. What was read counts where nobody was changing it. */
function settledVerdict(verdict: Verdict, { id, proof }: Answer, row: BackupRow | undefined, now: ReadonlyMap<FileId, Present>): Verdict {
	const there = now.get(id)
	if (row === undefined || there?.version !== row.version) return 'void'
	return proof && there.isWritten ? 'later' : verdict
}

/** By our own copy. */
function* judgeOne(fs: Filesystem, row: BackupRow, proof: Buffer, buffer: Buffer): Op<Verdict> {
	try {
		const content = yield* openContent(fs, row.file_id, row.version)
		try {
			const key = Buffer.from(row.challenge as Uint8Array)
			const hash = createHmac('sha256', key)
			for (const [offset, length] of rangesOf(key, row.size)) {
				const bytes = buffer.subarray(0, length)
				yield* content.fill(bytes, offset)
				hash.update(bytes)
			}
			const expected = hash.digest()
			return proof.length === expected.length && timingSafeEqual(proof, expected) ? 'proved' : 'failed'
		} finally {
			yield* content.close()
		}
	} catch (error) {
		return codeOf(error) === 'ESTALE' ? 'void' : 'later'
	}
}

async function writeDown(fs: Filesystem, site: SiteRow, judged: ReadonlyArray<{ verdict: Verdict; row: BackupRow | undefined }>): Promise<void> {
	const { capabilities } = fs
	const of = (verdict: Verdict) => judged.flatMap((each) => (each.verdict === verdict && each.row ? [each.row] : []))
	const [proved, failed] = [of('proved'), of('failed')]
	if (proved.length + failed.length === 0) return
	await transact(fs, function* (tx) {
		for (const row of proved) backups.setProved(tx, row, capabilities)
		for (const row of failed) {
			// What was set aside there may still be it.
			backups.keepPast(tx, row, site.now)
			backups.setLost(tx, row, capabilities)
			// One that fails again and again costs everybody's bytes.
			if (row.tried >= FAILURES_AT_ONCE) backups.setFailed(tx, row, RETRY_SECONDS, capabilities)
			const path = JSON.stringify(Buffer.from(row.path ?? []).toString())
			records.log(tx, site.id, { what: 'not proved', detail: `file ${row.file_id} version ${row.version} ${path}: asked for again` }, capabilities)
		}
		records.count(tx, site.id, localDay(), { proved: proved.length, failed: failed.length }, capabilities)
	})
	if (failed.length > 0) fs.report(`site ${site.name}: ${failed.length} copies could not be proved and are asked for again`)
	await reviewAll(fs, failed.map((row) => row.file_id))
}
