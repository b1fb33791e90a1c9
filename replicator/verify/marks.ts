/** What verification has found is written down in batches: proofs, hashes that were not known, the figures of the day. */
import type { Transaction } from '../../core/catalogue/driver.ts'
import * as hashes from '../../core/catalogue/hashes.ts'
import type { CopyRow } from '../../core/catalogue/proofs.ts'
import * as proofs from '../../core/catalogue/proofs.ts'
import * as verifyDays from '../../core/catalogue/verify-days.ts'
import { REPLICA } from '../../core/catalogue/replicas.ts'
import { fail } from '../../core/errors.ts'
import { transact } from '../../core/filesystem/filesystem.ts'
import type { Path } from '../../core/ids.ts'
import type { Op } from '../../core/op.ts'
import { factsOf } from '../proof/facts.ts'
import type { Right } from '../proof/sight.ts'
import { isStillOurs, type Replicator } from '../replicator.ts'

/** A copy that was read and found right. */
export interface Good {
	row: CopyRow
	path: Path
	sight: Right
}

export interface Marks {
	good(good: Good): Promise<void>
	bad(): void
	flush(): Promise<void>
}

const BATCH_FILES = 128
/** Large files take long: this much work is lost at most when the process is killed. */
const FLUSH_MS = 10_000

export function createMarks(rep: Replicator): Marks {
	let waiting: Good[] = []
	let bad = 0
	let flushedMs = performance.now()

	async function flush(): Promise<void> {
		flushedMs = performance.now()
		if (waiting.length === 0 && bad === 0) return
		const batch = waiting
		const day = { files: batch.length + bad, bytes: batch.reduce((sum, { row }) => sum + row.size, 0), bad }
		waiting = []
		bad = 0
		const outcomes = await transact(rep.fs, function* (tx) {
			if (!(yield* isStillOurs(rep, tx))) fail('ECANCELED', 'another process has taken over')
			verifyDays.add(tx, rep.node.id, day, rep.fs.capabilities)
			const words: string[] = []
			for (const good of batch) words.push(yield* mark(rep, tx, good))
			return words
		})
		for (const [index, { row }] of batch.entries()) rep.run.done(outcomes[index], row.size)
	}

	return {
		async good(good) {
			waiting.push(good)
			if (waiting.length >= BATCH_FILES || performance.now() - flushedMs > FLUSH_MS) await flush()
		},
		bad: () => void bad++,
		flush,
	}
}

/** What the file is counted as. */
function* mark(rep: Replicator, tx: Transaction, good: Good): Op<string> {
	const { row, sight } = good
	const copy = { file: row.file_id, node: rep.node.id, version: row.version }
	if (sight.is === 'unhashed' && !(yield* isItsHash(rep, tx, good, sight.hash))) return 'changed'
	if (row.state === REPLICA.suspect) proofs.trust(tx, copy)
	hashes.setProved(tx, copy, rep.fs.capabilities)
	return row.state === REPLICA.suspect ? 'good again' : 'good'
}

/** Read before the version had a hash, which it got from this copy or from others. */
function* isItsHash({ fs }: Replicator, tx: Transaction, { row, path }: Good, hash: Buffer): Op<boolean> {
	const facts = yield* factsOf(fs, tx, row.file_id, fs.capabilities.forUpdate)
	if (!facts || facts.isWritten || facts.version !== row.version || !facts.paths.some((each) => each.equals(path))) return false
	return facts.hash?.equals(hash) === true
}
