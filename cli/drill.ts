/** `cairn drill`: has sites send back some of what they hold, and looks whether it is right and how fast it came. */
import * as backups from '../core/catalogue/backups.ts'
import type { BackupRow } from '../core/catalogue/backups.ts'
import * as orders from '../core/catalogue/backup-orders.ts'
import * as records from '../core/catalogue/site-records.ts'
import * as sites from '../core/catalogue/sites.ts'
import type { SiteRow } from '../core/catalogue/sites.ts'
import { UserError } from '../core/errors.ts'
import type { Filesystem } from '../core/filesystem/filesystem.ts'
import { insertAll, jobOf } from '../core/off-site/order.ts'
import { showBytes } from '../core/text.ts'
import { EXIT } from './exit-codes.ts'
import { withFilesystem } from './job.ts'
import { many } from './many.ts'
import { failedJson, type Outcome, waitForOrders } from './restore-wait.ts'
import { findSite } from './site-set.ts'
import { showSize } from './sizes.ts'
import { stopOnSignal } from './stop-on-signal.ts'
import { table } from './table.ts'
import { type Common, type Deps, JSON_OPTION, type Verb } from './verb.ts'

interface Options extends Common {
	from?: string
	files: number
	json: boolean
}

const FILES = 20
const FILES_MAX = 10_000

export const drill: Verb<Options> = (deps) => ({
	command: 'drill',
	describe: 'have sites send back some of what they hold, and compare it',
	builder: (yargs) =>
		yargs
			.option('from', { type: 'string', requiresArg: true, describe: 'this site only' })
			.option('files', { type: 'number', default: FILES, requiresArg: true, describe: 'so many of each site, chosen at random' })
			.option('json', JSON_OPTION),
	handler: (options) => run(options, deps),
})

interface Drilled extends Outcome {
	site: string
	asked: number
}

export async function run(options: Options, deps: Deps): Promise<void> {
	const { files, json } = options
	if (!(Number.isInteger(files) && files >= 1 && files <= FILES_MAX)) throw new UserError(`--files: a whole number from 1 to ${FILES_MAX}`, EXIT.usage)
	await withFilesystem(options, deps, async (fs) => {
		const rows = options.from === undefined ? await sites.list(fs.catalogue, fs.capabilities) : [await findSite(fs.catalogue, options.from)]
		if (rows.length === 0) throw new UserError('there is no site; cairn site add makes one', EXIT.refused)
		const stop = stopOnSignal()
		try {
			const results = await Promise.all(rows.map((site) => drillSite(fs, site, { files, deps, json, signal: stop.signal })))
			tell(results, json, deps)
		} finally {
			stop.end()
		}
	})
}

async function drillSite(fs: Filesystem, site: SiteRow, how: { files: number; deps: Deps; json: boolean; signal: AbortSignal }): Promise<Drilled> {
	const job = jobOf('drill', site.id)
	if (!(await isUnderWay(fs, job))) await ask(fs, site, how.files)
	const asked = (await orders.totals(fs.catalogue, job)).reduce((sum, row) => sum + row.many, 0)
	if (!how.json) how.deps.print(`asked ${site.name} for ${many(asked, 'file')}`)
	const outcome = await waitForOrders(fs, job, { deps: how.deps, quiet: how.json, signal: how.signal })
	await fs.catalogue.transaction(function* (tx) {
		const detail = `${outcome.done} of ${asked} right, ${outcome.bytes} bytes in ${outcome.seconds} s, ${outcome.failed.length} failed, ${outcome.left} not sent`
		records.log(tx, site.id, { what: 'drill', detail }, fs.capabilities)
	})
	return { site: site.name, asked, ...outcome }
}

/** Another drill of the site waits for it, or was ended before all had come: this one counts the same files, those that have come among them. */
async function isUnderWay(fs: Filesystem, job: string): Promise<boolean> {
	return (await orders.totals(fs.catalogue, job)).some(({ state }) => state === 'asked' || state === 'arrived')
}

async function ask(fs: Filesystem, site: SiteRow, files: number): Promise<void> {
	const job = jobOf('drill', site.id)
	await orders.removeOver(fs.catalogue, job)
	const chosen = await choose(fs, site, files)
	await insertAll(fs, chosen.map((row) => ({ ...row, path: row.path as Uint8Array, site_id: site.id, job, kind: 'drill', to_path: null })))
}

/** From random numbers on: files are not chosen evenly, but none is left out for ever. Then those that follow, for there may be few, and all behind a gap. */
async function choose(fs: Filesystem, site: SiteRow, files: number): Promise<BackupRow[]> {
	const last = (await backups.lastOfSite(fs.catalogue, site.id)) ?? 0
	const anywhere = () => Math.floor(fs.random() * (last + 1))
	const chosen = new Map<number, BackupRow>()
	async function take(from: number, limit: number): Promise<void> {
		for (const row of await backups.sample(fs.catalogue, site.id, from, limit)) if (row.path !== null && chosen.size < files) chosen.set(row.file_id, row)
	}
	for (let tried = 0; tried < files * 2 && chosen.size < files; tried++) await take(anywhere(), 1)
	for (const from of [anywhere(), 0]) if (chosen.size < files) await take(from, files * 2)
	return [...chosen.values()]
}

function tell(results: readonly Drilled[], json: boolean, deps: Deps): void {
	if (json) deps.print(JSON.stringify(results.map((each) => ({ ...each, failed: each.failed.map(failedJson) })), null, 2))
	else {
		const speed = ({ bytes, seconds }: Drilled) => (seconds === 0 ? '-' : `${showSize(bytes / seconds)}`)
		const cells = results.map((each) => [each.site, `${each.asked}`, `${each.done}`, `${each.failed.length}`, `${each.left}`, showSize(each.bytes), `${each.seconds}`, speed(each)])
		for (const line of table(['SITE', 'ASKED', 'RIGHT', 'WRONG', 'NOT SENT', 'BYTES', 'SECONDS', 'PER SECOND'], cells)) deps.print(line)
	}
	for (const { site, failed } of results) for (const { path, detail } of failed) deps.warn(`${site}: ${showBytes(path)}: ${detail}`)
	if (results.some(({ failed, left }) => failed.length + left > 0)) process.exitCode = EXIT.left
}
