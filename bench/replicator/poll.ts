import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { startMariadb } from '../../tests/support/mariadb.ts'
import { fillCatalogue } from '../million.ts'
import { run } from '../processes.ts'
import { median } from '../samples.ts'
import type { Setting } from './rounds.ts'

const MS_MAX = 5
const PROGRAM = join(import.meta.dirname, 'poll-process.ts')
const DEADLINE_MS = 900_000

/** A run that finds nothing to do, with 1,000,000 files catalogued. */
export async function poll(setting: Setting): Promise<void> {
	const server = await startMariadb()
	try {
		await measure(setting, 'SQLite', `sqlite:${join(setting.directory, 'catalogue.db')}`)
		await measure(setting, 'MariaDB', await server.freshDatabase('bench_poll'))
	} finally {
		await server.stop()
	}
}

async function measure({ directory, rounds, say }: Setting, engine: string, catalogue: string): Promise<void> {
	const own = join(directory, engine)
	mkdirSync(own)
	await run([process.execPath, PROGRAM, 'init', catalogue, own], { deadlineMs: DEADLINE_MS })
	await fillCatalogue(catalogue.replace(/^sqlite:/, ''), { directories: 1000, files: 1000 })
	const said = JSON.parse(await run([process.execPath, PROGRAM, 'poll', catalogue, `${rounds}`], { deadlineMs: DEADLINE_MS }))
	const ms = median(said.ms) ?? 0
	say(
		`${engine}: ${ms.toFixed(2)} ms (wanted: below ${MS_MAX}, ${ms < MS_MAX ? 'met' : 'missed'}); with lease and row of the job ${(median(said.wholeMs) ?? 0).toFixed(2)} ms; ${said.mib} MiB resident`,
	)
}
