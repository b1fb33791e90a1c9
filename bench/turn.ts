/** One turn: one row, once, on one system. */
import { writeFileSync } from 'node:fs'
import type { Bench } from './bench.ts'
import type { Subject } from './fixtures.ts'
import { run } from './processes.ts'
import type { Row } from './rows.ts'

const DEADLINE_MS = 180_000
/** The daemons have the forgotten inodes to clear away: that is not part of what comes next. */
const SETTLE_MS = 100

/** Operations or MiB per second. */
export async function takeTurn(bench: Bench, row: Row, subject: Subject): Promise<number> {
	await row.prepare(bench, subject)
	await run(['sync'])
	if (row.cold) await dropNames()
	const rate = await measure(row.command(bench, subject))
	await row.after?.(bench, subject)
	return rate
}

/** The second number a measured program prints. */
async function measure(command: readonly string[]): Promise<number> {
	const [, rate] = (await run(command, { deadlineMs: DEADLINE_MS })).trim().split(' ').map(Number)
	return rate
}

async function dropNames(): Promise<void> {
	writeFileSync('/proc/sys/vm/drop_caches', '2')
	await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
}
