/** Rows a second of `cairn import geograph`, from a real MariaDB: node bench/import-geograph.ts [ROWS] */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../cli/import-geograph.ts'
import { addNode } from '../cli/node-add.ts'
import { initialise } from '../core/catalogue/initialise.ts'
import { openCatalogue } from '../core/catalogue/open.ts'
import { withDefaults } from '../core/config/defaults.ts'
import { oldDatabase } from '../tests/off-site/geograph.ts'
import { startMariadb } from '../tests/support/mariadb.ts'

const rows = Number(process.argv[2] ?? 1_000_000)
const MORE = `INSERT INTO file (filename, size, file_modified, md5sum, replicas, replica_count, backups, class)
	SELECT CONCAT('/mnt/combined/geophotos/', seq DIV 10000, '/', seq DIV 100, '/', seq, '_0123456789abcdef.jpg'), 50000 + seq % 1000, '2012-01-01', MD5(seq),
	'milk,cream', 2, 'dwo', 'full.jpg' FROM seq_1_to_${rows}`
const classes = [{ name: 'full.jpg', pattern: '\\.jpg$', copies: 2, offsite: 2 }]
const from = await oldDatabase([], { more: MORE })
for (const engine of ['SQLite', 'MariaDB']) {
	const directory = mkdtempSync(join(tmpdir(), 'cairn-bench-import-'))
	try {
		const catalogue = engine === 'SQLite' ? `sqlite:${join(directory, 'catalogue.db')}` : await (await startMariadb()).freshDatabase('bench_import')
		const said = { catalogue, classes, backup: { keyFile: join(directory, 'backup.key') } }
		const file = join(directory, 'config.ts')
		writeFileSync(file, `export default ${JSON.stringify(said)}`, { mode: 0o600 })
		const driver = await openCatalogue(withDefaults(said), { create: true })
		await initialise(driver, { owner: { uid: 0, gid: 0 }, classes, now: { s: 1, ns: 0 } })
		for (const name of ['milk', 'cream']) {
			mkdirSync(join(directory, name))
			await addNode(driver, name, { path: join(directory, name), zone: '', reserve: 0, weight: 100, io: 'auto', state: 'rw' })
		}
		await driver.close()
		const startedMs = performance.now()
		const deps = { print: () => undefined, warn: console.error, environment: { CAIRN_CONFIG: file }, directory, uid: 0, gid: 0 }
		await run({ from, root: '/mnt/combined', node: [], uid: 0, gid: 0, json: true }, deps)
		const seconds = (performance.now() - startedMs) / 1000
		console.log(`${engine}: ${rows} rows in ${seconds.toFixed(1)} s, ${Math.round(rows / seconds)} rows/s, ${Math.round(process.memoryUsage.rss() / 1_048_576)} MiB`)
	} finally {
		rmSync(directory, { recursive: true, force: true })
	}
}
process.exit()
