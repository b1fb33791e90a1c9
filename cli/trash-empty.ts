/** `cairn trash empty`: removes for good, now. Says what that would be until it is told --yes. */
import { KIND } from '../core/catalogue/files.ts'
import { UserError } from '../core/errors.ts'
import type { Filesystem } from '../core/filesystem/filesystem.ts'
import { below, folders, type Kept } from '../core/filesystem/trash-contents.ts'
import { dayOf } from '../core/filesystem/trash-paths.ts'
import { startRun } from '../replicator/run.ts'
import { purge } from '../replicator/trash/purge.ts'
import { databaseClock } from '../replicator/trash/trash.ts'
import { EXIT } from './exit-codes.ts'
import { withFilesystem } from './job.ts'
import { many } from './many.ts'
import { noSuch } from './no-such.ts'
import { showRun } from './progress.ts'
import { showSize } from './sizes.ts'
import { stopOnSignal } from './stop-on-signal.ts'
import { type Common, type Deps, JSON_OPTION, type Verb } from './verb.ts'

interface Options extends Common {
	older: number
	class?: string
	yes: boolean
	json: boolean
	quiet: boolean
}

export const trashEmpty: Verb<Options> = (deps) => ({
	command: 'empty',
	describe: 'remove from the trash for good; without --yes only say what',
	builder: (yargs) =>
		yargs
			.option('older', { type: 'number', requiresArg: true, default: 0, describe: 'only what was removed at least so many days ago' })
			.option('class', { type: 'string', requiresArg: true, describe: 'only files of this class' })
			.option('yes', { alias: 'y', type: 'boolean', default: false, describe: 'do it' })
			.option('json', JSON_OPTION)
			.option('quiet', { alias: 'q', type: 'boolean', default: false, describe: 'say only what went wrong' }),
	handler: (options) => run(options, deps),
})

export async function run(options: Options, deps: Deps): Promise<void> {
	if (!Number.isInteger(options.older) || options.older < 0) throw new UserError('--older: a whole number of days', EXIT.usage)
	await withFilesystem(options, deps, async (fs) => {
		const isDue = await chosen(fs, options)
		if (options.yes) await empty(fs, isDue, options, deps)
		else await tell(fs, isDue, options, deps)
	})
}

async function chosen(fs: Filesystem, { older, class: name }: Options): Promise<(kept: Kept) => boolean> {
	const rule = fs.classes.find((each) => each.name === name)
	if (name !== undefined && !rule) throw noSuch('class', name, fs.classes)
	const today = dayOf(await databaseClock(fs))
	return ({ folder, row }) => today - folder.day >= older && (rule === undefined || row.class_id === rule.id)
}

async function tell({ catalogue }: Filesystem, isDue: (kept: Kept) => boolean, { json }: Options, deps: Deps): Promise<void> {
	const would = { files: 0, bytes: 0 }
	for (const folder of await folders(catalogue)) {
		for await (const kept of below(catalogue, folder)) {
			if (kept.row.kind === KIND.directory || !isDue(kept)) continue
			would.files++
			would.bytes += kept.row.size
		}
	}
	if (json) return deps.print(JSON.stringify(would))
	deps.print(would.files === 0 ? 'nothing to remove' : `${many(would.files, 'file')} with ${showSize(would.bytes)}B would be removed for good; --yes does it`)
}

async function empty(fs: Filesystem, isDue: (kept: Kept) => boolean, options: Options, deps: Deps): Promise<void> {
	const stop = stopOnSignal()
	const view = showRun('trash empty', options, deps)
	const run = startRun(stop.signal, view.watcher)
	try {
		await purge(fs, run, { isDue, filesMax: Number.POSITIVE_INFINITY })
	} finally {
		stop.end()
		view.end(run.summary())
	}
	const { troubles, stopped } = run.summary()
	if (troubles > 0 || stopped) process.exitCode = EXIT.left
}
