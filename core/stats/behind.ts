/** How much waits to be counted. */
import * as changes from '../catalogue/changes.ts'
import type { Reader } from '../catalogue/driver.ts'
import * as jobs from '../catalogue/jobs.ts'
import type { JobRow } from '../catalogue/jobs.ts'
import * as touched from '../catalogue/stat-touched.ts'
import { type Op, wait } from '../op.ts'
import { countedOf, JOB } from './lines.ts'

/** Changes that are not in the figures yet, up to about a limit; one file may have several. */
export function* changesBehind(reader: Reader, limit: number): Op<number> {
	const [[job], [waiting]] = (yield* wait(reader.read(jobs.findQuery(JOB), touched.waitingQuery(limit)))) as [JobRow[], Many[]]
	const { low, above } = countedOf(job)
	const [[lines]] = (yield* wait(reader.read(changes.ofFilesAfterQuery(low, limit + above.length)))) as [Many[]]
	return Number(waiting.many) + Math.max(0, Number(lines.many) - above.length)
}

interface Many {
	many: number
}
