/** A process that is there and does nothing. */
import { readFileSync } from 'node:fs'
import { until } from './until.ts'

/** SIGSTOP, and that it has come: for a moment it is on its way, in which a server still answers. */
export async function standStill(pid: number): Promise<void> {
	process.kill(pid, 'SIGSTOP')
	await until(`process ${pid} stands still`, () => / T /.test(readFileSync(`/proc/${pid}/stat`, 'latin1')) || undefined)
}
