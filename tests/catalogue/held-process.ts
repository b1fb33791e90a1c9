/**
 * A process that answers changes before they are committed: CATALOGUE SEED. Each of them adds to a counter, and some rows besides; the number of what was
 * answered is written to standard output at once, until somebody ends this process.
 */
import { writeSync } from 'node:fs'
import { openSqlite } from '../../core/catalogue/sqlite.ts'
import { watchFiles } from '../../core/catalogue/wal-index.ts'
import { randomFrom } from '../support/random.ts'

const [path, seed] = process.argv.slice(2)
const driver = openSqlite(path, { timeoutMs: 5_000, watch: watchFiles, holds: true })
const random = randomFrom(Number(seed))
const MIBS_MAX = 3

/** One after the other on this thread; the loop has its turn now and then, as where a mount is busy. */
function some(done: number): void {
	let next = done
	for (let left = random.below(400); left > 0; left--) {
		next++
		driver.transaction(function* (tx) {
			tx.write('UPDATE counter SET n = n + 1', [])
			tx.write('INSERT INTO thing (id, name, content, size) VALUES (?,?,?,?)', [
				next,
				`thing \u{1f40e} ${next}`,
				random.chance(0.1) ? null : random.bytes(random.chance(0.02) ? random.below(MIBS_MAX) * 50_000 : random.below(60)),
				next / 3,
			])
			if (random.chance(0.3)) tx.write('DELETE FROM thing WHERE id = ?', [next - 1])
		})
		writeSync(1, `${next}\n`)
	}
	setTimeout(() => some(next), random.below(6))
}

some(0)
