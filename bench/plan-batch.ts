/** How long a batch of work takes to plan with five sites and a tree of so many files: node bench/plan-batch.ts [FILES [ENGINE]] */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { initialise } from '../core/catalogue/initialise.ts'
import { openCatalogue } from '../core/catalogue/open.ts'
import * as sites from '../core/catalogue/sites.ts'
import type { Driver } from '../core/catalogue/driver.ts'
import { withDefaults } from '../core/config/defaults.ts'
import type { Filesystem } from '../core/filesystem/filesystem.ts'
import { startFilesystem, stopFilesystem } from '../core/filesystem/start.ts'
import { endLeases, takeWork } from '../core/off-site/lease.ts'
import { MODES } from '../core/off-site/site-settings.ts'
import { run } from '../core/op.ts'
import { startMariadb } from '../tests/support/mariadb.ts'

const files = Number(process.argv[2] ?? 1_000_000)
const PER_DIRECTORY = 1_000
const SITES = 5
const ROWS = 1_000
const ROUNDS = 5
const classes = [{ name: 'all', pattern: '', copies: 1, offsite: 3 }]

for (const engine of process.argv[3] === undefined ? ['SQLite', 'MariaDB'] : [process.argv[3]]) {
	const directory = mkdtempSync(join(tmpdir(), 'cairn-bench-plan-'))
	try {
		const catalogue = engine === 'SQLite' ? `sqlite:${join(directory, 'catalogue.db')}` : await (await startMariadb()).freshDatabase('bench_plan')
		const config = withDefaults({ catalogue, classes })
		const driver = await openCatalogue(config, { create: true })
		await initialise(driver, { owner: { uid: 0, gid: 0 }, classes, now: { s: 1, ns: 0 } })
		await fill(driver)
		const fs = await run(startFilesystem({ config, catalogue: driver, what: 'bench', report: console.error }))
		for (const mode of MODES) await measure(engine, fs, mode)
		await stopFilesystem(fs)
		await driver.close()
	} finally {
		rmSync(directory, { recursive: true, force: true })
	}
}
process.exit()

/** The first half of the files is held by every site, so that a question that looked at them would be slow. */
async function fill(driver: Driver): Promise<void> {
	await driver.transaction(function* (tx) {
		for (let n = 1; n <= SITES; n++) sites.insert(tx, { name: `site${n}`, sealed_key: Buffer.alloc(1), state: 'active', settings: '{}' }, driver.capabilities)
	})
	for (let from = 1_000_000; from < 1_000_000 + files; from += ROWS) {
		await driver.transaction(function* (tx) {
			const parent = 100 + Math.floor((from - 1_000_000) / PER_DIRECTORY)
			const many = <T>(count: number, each: (index: number) => T) => Array.from({ length: count }, (_, index) => each(index)).join(',')
			tx.write(`INSERT INTO file (id, kind, mode, uid, gid, nlink, atime, atime_ns, mtime, mtime_ns, ctime, ctime_ns, version) VALUES (${parent}, 4, 493, 0, 0, 2, 1, 0, 1, 0, 1, 0, 1)`)
			tx.write('INSERT INTO entry (parent_id, name, file_id) VALUES (1, ?, ?)', [Buffer.from(`d${parent}`), parent])
			tx.write(
				`INSERT INTO file (id, kind, mode, uid, gid, nlink, size, atime, atime_ns, mtime, mtime_ns, ctime, ctime_ns, version, class_id)
					VALUES ${many(ROWS, (n) => `(${from + n}, 8, 420, 0, 0, 1, 1000, 1, 0, 1, 0, 1, 0, 1, 1)`)}`,
			)
			tx.write(`INSERT INTO entry (parent_id, name, file_id) VALUES ${many(ROWS, (n) => `(${parent}, '${from + n}.jpg', ${from + n})`)}`)
			const isHeld = from - 1_000_000 < files / 2
			const rows = many(ROWS * SITES, (n) => `(${from + Math.floor(n / SITES)}, ${(n % SITES) + 1}, ${isHeld ? 1 : 0}, ${isHeld ? 4 : 1}, 0, ${from})`)
			tx.write(`INSERT INTO backup (file_id, site_id, version, state, copies, since) VALUES ${rows}`)
		})
	}
}

/** Each round gives out batches to all sites, as if they called at once; the leases of the others are in the way. */
async function measure(engine: string, fs: Filesystem, mode: (typeof MODES)[number]): Promise<void> {
	const times: number[] = []
	for (let round = 0; round < ROUNDS; round++) {
		for (let site = 1; site <= SITES; site++) {
			const startedMs = performance.now()
			const lease = await takeWork(fs, site, { mode, files: 500, bytes: 1_073_741_824 })
			times.push(performance.now() - startedMs)
			if (lease?.files.length !== 500) throw new Error(`${lease?.files.length} files`)
		}
		for (let site = 1; site <= SITES; site++) await endLeases(fs, site)
	}
	times.sort((a, b) => a - b)
	console.log(`${engine} ${mode}: 500 of ${files} files, median ${times[Math.floor(times.length / 2)].toFixed(1)} ms, slowest ${times[times.length - 1].toFixed(1)} ms`)
}
